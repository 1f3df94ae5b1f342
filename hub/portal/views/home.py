"""The first page of a tenant: its connections, and the next step where there is none."""

from collections.abc import Sequence
from typing import NamedTuple

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from hub.clock import clock
from hub.connections.models import Connection
from hub.outgoing.unidentified import unidentified_at
from hub.portal.status import statuses
from hub.portal.views.connection import routes_of
from hub.portal.views.unfinished import all_stopped
from tenants.visitors import Visitor, for_visitors

SHOWN = 200
ROUTES_LOOKED = 200
TONES_FIRST = {"bad": 0, "warn": 1}  # what needs a look stands before what works


@require_safe
@for_visitors()
def home(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    rows = Connection.objects.of(visitor.tenant).select_related("lane", "tenant").order_by("name", "pk")[:SHOWN]
    cards = sorted(statuses(rows), key=lambda card: TONES_FIRST.get(card[1].tone, len(TONES_FIRST)))
    stopped = all_stopped(request, visitor, now=clock())
    unsaid = unsaid_at(visitor, [row for row, _seen in cards])
    troubled = sum(seen.tone in ("bad", "warn") for _row, seen in cards)
    context = {"visitor": visitor, "cards": cards, "troubled": troubled, "stopped": stopped, "unsaid": unsaid}
    return render(request, "portal/home.html", context)


class Unsaid(NamedTuple):
    """What is to be said of a connection: which of their records is meant."""

    connection: Connection
    count: int
    held: int  # deliveries that wait for it


def unsaid_at(visitor: Visitor, connections: Sequence[Connection]) -> list[Unsaid]:
    """In the order of the connections; four statements."""
    asked = [row for row in connections if not row.disconnected]
    found = unidentified_at(list(routes_of(visitor.tenant)[:ROUTES_LOOKED]), visitor.tenant, asked)
    return [
        Unsaid(row, len(missing), sum(entry.held for entry in missing)) for row in asked if (missing := found[row.pk])
    ]
