"""The resources of the REST API: records one by one and in batches, and queries."""
