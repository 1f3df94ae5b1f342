"""What the pages hand down: who does it, for the audit and for how much one may do in an hour."""

from django.http import HttpRequest

from hub.operations.start import Hand
from tenants.visitors import Visitor


def hand_of(request: HttpRequest, visitor: Visitor) -> Hand:
    return Hand.of(request, visitor.actor)
