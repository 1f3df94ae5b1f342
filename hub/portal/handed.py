"""What the pages hand down: who does it, for the audit and for how much one may do in an hour, and the network."""

from django.http import HttpRequest

from connectors.wire import Request, Response
from hub import egress
from hub.clock import clock
from hub.operations.start import Hand
from tenants.visitors import Visitor

WITHIN = 10.0  # seconds for one call, while a person waits


def hand_of(request: HttpRequest, visitor: Visitor) -> Hand:
    return Hand(visitor.actor, False, getattr(request, "request_id", ""), request.META.get("REMOTE_ADDR", ""))


def outward(request: Request) -> Response:
    return egress.call(request, rules=egress.rules(), clock=clock, timeout=WITHIN)
