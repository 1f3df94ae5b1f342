"""The addresses of query jobs and ingest jobs."""

from collections.abc import Callable

from sandbox.salesforce.bulk.ingest_jobs import IngestJobs
from sandbox.salesforce.bulk.query_jobs import QueryJobs
from sandbox.system import ApiResponse

QUERY, INGEST = r"/jobs/query/(?P<id>[^/]+)", r"/jobs/ingest/(?P<id>[^/]+)"
RESULTS = r"(?P<kind>successfulResults|failedResults|(?i:unprocessedrecords))"


def list_bulk_resources() -> list[tuple[str, str, Callable[..., ApiResponse]]]:
    """Return method, path and function of each resource, for jobs of an own."""
    queries, ingests = QueryJobs(), IngestJobs()
    return [
        ("POST", r"/jobs/query", queries.create),
        ("GET", r"/jobs/query", queries.list),
        ("GET", QUERY, queries.read),
        ("PATCH", QUERY, queries.change),
        ("DELETE", QUERY, queries.delete),
        ("GET", f"{QUERY}/results", queries.read_results),
        ("POST", r"/jobs/ingest", ingests.create),
        ("GET", r"/jobs/ingest", ingests.list),
        ("GET", INGEST, ingests.read),
        ("PATCH", INGEST, ingests.change),
        ("DELETE", INGEST, ingests.delete),
        ("PUT", f"{INGEST}/batches", ingests.upload),
        ("GET", f"{INGEST}/{RESULTS}", ingests.read_results),
    ]
