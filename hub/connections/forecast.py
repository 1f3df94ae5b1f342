"""Which authorizations end within days although they work today, and why."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from django.conf import settings
from django.db.models import Q, QuerySet

from hub.connections.models import Connection
from hub.words import FORECASTS, Reason

AHEAD = timedelta(days=7)
FAILS_LONG = timedelta(days=1)  # before that it reads as degraded, and may well come back by itself
SHOWN_MOST = 200
OVER = ("needs_reconnect", "disabled")  # these are told elsewhere


class Dying(NamedTuple):
    connection: Connection
    ends: datetime | None  # None: it may be any moment
    reason: str  # of hub.words.FORECASTS
    since: datetime | None = None

    @property
    def words(self) -> Reason:
        names = {"since": f"{self.since:%Y-%m-%d %H:%M} UTC"} if self.since else {}
        return FORECASTS[self.reason]._replace(names=names)

    @property
    def served_at(self) -> datetime | None:
        return self.connection.lane.virtual_time if hasattr(self.connection, "lane") else None


def endangered(*, now: datetime) -> Q:
    soon = now + AHEAD
    ends = Q(credential__grant_expires_at__lte=soon)
    no_other = Q(credential__expires_at__lte=soon, credential__refresh_due_at=None)
    troubled = Q(credential__refresh_outcome_unknown_since__isnull=False) | Q(credential__refresh_failures__gt=0)
    only_fails = Q(lane__failing_since__lte=min(now - FAILS_LONG, soon - settings.HUB_DISABLE_AFTER))
    return ~Q(state__in=OVER) & (ends | no_other | troubled | only_fails)


def forecast(connections: QuerySet[Connection], *, now: datetime) -> list[Dying]:
    """The first to end first; a row for each connection, with its nearest reason."""
    rows = connections.filter(endangered(now=now)).select_related("tenant", "credential", "lane")[:SHOWN_MOST]
    nearest = [min(reasons(row, now=now), key=lambda entry: entry.ends or now) for row in rows]
    return sorted(nearest, key=lambda entry: (entry.ends or now, entry.connection.pk))


def reasons(row: Connection, *, now: datetime) -> Iterator[Dying]:
    soon, credential, lane = now + AHEAD, getattr(row, "credential", None), getattr(row, "lane", None)
    if credential and credential.refresh_outcome_unknown_since:
        yield Dying(row, credential.expires_at, "unsure")
    if credential and credential.refresh_failures:
        yield Dying(row, credential.expires_at, "refresh_failing")
    if credential and credential.grant_expires_at and credential.grant_expires_at <= soon:
        yield Dying(row, credential.grant_expires_at, "unused")
    if credential and credential.expires_at and credential.refresh_due_at is None and credential.expires_at <= soon:
        yield Dying(row, credential.expires_at, "no_refresh")
    if lane and lane.failing_since and lane.failing_since <= now - FAILS_LONG:
        ends = lane.failing_since + settings.HUB_DISABLE_AFTER
        if ends <= soon:
            yield Dying(row, ends, "only_fails", lane.failing_since)
