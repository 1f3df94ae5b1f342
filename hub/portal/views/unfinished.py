"""Attempts to connect that nobody ended: how each stands, where it goes on, and how it is given up."""

from datetime import datetime
from typing import NamedTuple

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

from hub.connections.advice import Told, told
from hub.connections.authorize.unfinished import has_outcome, unfinished
from hub.connections.models import Authorization
from hub.connections.views.authorize import who_of
from tenants.visitors import Visitor

SHOWN = 20


class Stopped(NamedTuple):
    row: Authorization
    page: str  # where it goes on
    asks: Told | None  # what to say to an administrator there, who may be asked first
    outcome: Told | None  # what went wrong, where that is known

    @property
    def confirms(self) -> bool:
        """The person has said yes there, and is asked here which account is meant."""
        return self.page == confirm_page(self.row)


def all_stopped(request: HttpRequest, visitor: Visitor, *, now: datetime) -> list[Stopped]:
    """One statement."""
    return [stopped(request, row, now=now) for row in unfinished(visitor.tenant, now=now)[:SHOWN]]


def stopped(request: HttpRequest, row: Authorization, *, now: datetime) -> Stopped:
    hub, page = settings.HUB_NAME, page_of(request, row, now=now)
    if has_outcome(row):
        return Stopped(row, page, None, told(row.reason, row.connector, hub=hub, detail=row.detail))
    came_back = row.state in ("received", "granted")
    asks = None if came_back or not row.connector.asks_admins else told("awaiting_approval", row.connector, hub=hub)
    return Stopped(row, page, asks, None)


def page_of(request: HttpRequest, row: Authorization, *, now: datetime) -> str:
    """At the question which account is meant, for who is back in the same browser; otherwise where it begins."""
    who, here = who_of(request), row.tenant.reference
    if row.state == "granted" and not row.late(now=now) and who.in_the_browser_of(row) and who.began(row):
        return confirm_page(row)
    if row.connection:
        return reverse("portal:reconnect", args=[here, row.connection.public_id])
    return f"{reverse('portal:connect', args=[here, row.connector_key])}?waiting={row.public_id}"


def confirm_page(row: Authorization) -> str:
    return reverse("connections:confirm", args=[row.public_id])
