"""The resources of the API: records, lists, searches, and the summary of deals."""
