"""Erase contents of a connection that runs have stored, at the customer's request."""

from datetime import datetime

from hub.connections.models import Connection
from hub.scheduled.models import Run, RunLogEntry


def erase_run_texts(connection: Connection, *, now: datetime) -> None:
    """Delete texts of external systems in the runs and logs of jobs of a connection.

    The rows are kept, as history.
    """
    runs = Run.unscoped.filter(
        tenant=connection.tenant_id, job__connector_key=connection.connector_key
    )
    RunLogEntry.unscoped.filter(run__in=runs).update(parameters={})
    runs.exclude(detail="").update(detail="")
