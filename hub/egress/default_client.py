"""The blocking client with the rules of this deployment and the database clock."""

from connectors.http import Request, Response
from hub.db.clock import clock
from hub.egress.sync_client import send_guarded
from hub.egress.url_guard import load_rules

# seconds for one call: a person waits for it, or the only worker that receives wake-ups
CALL_TIMEOUT = 10.0


def send_request(request: Request) -> Response:
    """Send a request and return its response, within CALL_TIMEOUT. Raises EgressError."""
    return send_guarded(request, rules=load_rules(), clock=clock, timeout=CALL_TIMEOUT)
