"""Find valid authorizations that expire within `FORECAST_PERIOD`, with the reason."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from django.conf import settings
from django.db.models import Q, QuerySet

from hub.connections.models import Connection
from hub.reason_codes import EXPIRY_REASONS, Reason

FORECAST_PERIOD = timedelta(days=7)
# a connection whose refresh fails for less is degraded, and may recover by itself
REFRESH_FAILING_TOLERATED = timedelta(days=1)
CONNECTIONS_LISTED_MAX = 200
ENDED_STATES = ("needs_reconnect", "disabled")  # shown elsewhere


class ExpiringConnection(NamedTuple):
    connection: Connection
    expires_at: datetime | None  # None: at any moment
    reason: str  # of hub.reason_codes.EXPIRY_REASONS
    since: datetime | None = None

    @property
    def reason_text(self) -> Reason:
        names = {"since": f"{self.since:%Y-%m-%d %H:%M} UTC"} if self.since else {}
        return EXPIRY_REASONS[self.reason]._replace(names=names)

    @property
    def last_served_at(self) -> datetime | None:
        return self.connection.lane.virtual_time if hasattr(self.connection, "lane") else None


def build_expiring_condition(*, now: datetime) -> Q:
    soon = now + FORECAST_PERIOD
    authorization_ends = Q(credential__grant_expires_at__lte=soon)
    no_other = Q(credential__expires_at__lte=soon, credential__refresh_due_at=None)
    troubled = Q(credential__refresh_outcome_unknown_since__isnull=False) | Q(
        credential__refresh_failures__gt=0
    )
    only_fails = Q(
        lane__failing_since__lte=min(
            now - REFRESH_FAILING_TOLERATED, soon - settings.HUB_DISABLE_AFTER
        )
    )
    return ~Q(state__in=ENDED_STATES) & (authorization_ends | no_other | troubled | only_fails)


def list_expiring_connections(
    connections: QuerySet[Connection], *, now: datetime
) -> list[ExpiringConnection]:
    """List the connections, the first to expire first, each with its nearest reason."""
    connections_found = connections.filter(build_expiring_condition(now=now)).select_related(
        "tenant", "credential", "lane"
    )[:CONNECTIONS_LISTED_MAX]
    nearest = [
        min(_find_expiry_reasons(connection, now=now), key=lambda entry: entry.expires_at or now)
        for connection in connections_found
    ]
    return sorted(nearest, key=lambda entry: (entry.expires_at or now, entry.connection.pk))


def _find_expiry_reasons(connection: Connection, *, now: datetime) -> Iterator[ExpiringConnection]:
    soon, credential, lane = (
        now + FORECAST_PERIOD,
        getattr(connection, "credential", None),
        getattr(connection, "lane", None),
    )
    if credential and credential.refresh_outcome_unknown_since:
        yield ExpiringConnection(connection, credential.expires_at, "unsure")
    if credential and credential.refresh_failures:
        yield ExpiringConnection(connection, credential.expires_at, "refresh_failing")
    if credential and credential.grant_expires_at and credential.grant_expires_at <= soon:
        yield ExpiringConnection(connection, credential.grant_expires_at, "unused")
    if (
        credential
        and credential.expires_at
        and credential.refresh_due_at is None
        and credential.expires_at <= soon
    ):
        yield ExpiringConnection(connection, credential.expires_at, "no_refresh")
    if lane and lane.failing_since and lane.failing_since <= now - REFRESH_FAILING_TOLERATED:
        disable_at = lane.failing_since + settings.HUB_DISABLE_AFTER
        if disable_at <= soon:
            yield ExpiringConnection(connection, disable_at, "only_fails", lane.failing_since)
