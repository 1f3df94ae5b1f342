"""Tasks that django-q2 calls by dotted name. A lost or repeated wake-up changes latency only."""

import time
from datetime import timedelta

from hub.connections.credentials.provider_call import Patience, call_with_heartbeat
from hub.connections.models import Connection
from hub.db.clock import clock
from hub.processes.pool_pipe import is_stop_requested
from hub.queue import acknowledge_wake_up
from hub.schemas.choice_lists import refresh_choice_list

PATIENCE = timedelta(seconds=3)  # with a spent quota


def read_choice_list(name: str) -> None:
    """Read a list of connection 17 on the wake-up `choices:17:channel`, which a page requests.

    If the read fails, the next look at the page requests it again.
    """
    number, _colon, kind = acknowledge_wake_up(name).partition(":")
    connection = Connection.unscoped.filter(pk=int(number)).first()
    if connection is None or is_stop_requested():
        return
    refresh_choice_list(
        connection,
        kind,
        call=call_with_heartbeat,
        now=clock(),
        low_priority=True,
        patience=Patience(PATIENCE, time.sleep),
    )
