"""The blocking way out as the doors hand it down: by the rules of this deployment and by their clock."""

from connectors.http import Request, Response
from hub.db.clock import clock
from hub.egress.sync_client import send_guarded
from hub.egress.url_guard import load_rules

CALL_TIMEOUT = (
    10.0  # seconds for one call: somebody waits for it, or the only worker that hears bells
)


def send_request(request: Request) -> Response:
    """Raises EgressError."""
    return send_guarded(request, rules=load_rules(), clock=clock, timeout=CALL_TIMEOUT)
