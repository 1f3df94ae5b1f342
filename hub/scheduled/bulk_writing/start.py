"""Start the run that writes what was set aside for a connection."""

from datetime import datetime

from hub.connections.models import Connection
from hub.scheduled.models import BULK_KIND, Run
from hub.scheduled.runs.hub_runs import start_hub_run
from hub.scheduled.runs.loop_count import wake_runs


def start_bulk_run(connection: Connection, *, now: datetime) -> Run:
    """Create the run, unless one has not ended. The caller's transaction holds the lane."""
    run = start_hub_run(connection, BULK_KIND, now=now)
    wake_runs(now=now)
    return run
