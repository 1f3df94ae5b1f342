"""Take all scopes of a request in one short transaction, or none, and say when the calls may go."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta

from django.db import transaction

from connectors.wire import Quota
from hub.failpoints import failpoint
from hub.throttle.models import Scope
from hub.throttle.pace import Standing, open_at, spend

PROBE = timedelta(seconds=5)  # how long one probe may take before another goes
COLUMNS = tuple(Standing.__dataclass_fields__)


@dataclass(frozen=True, slots=True)
class Spent:
    """One scope that a call spends: the row's key, what it allows (None: not limited, but a 429 may pause it)."""

    key: str
    quota: Quota | None
    cost: int = 1


@dataclass(frozen=True, slots=True)
class Demand:
    """`calls` requests that each spend all of `scopes`."""

    scopes: tuple[Spent, ...]
    calls: int


@dataclass(frozen=True, slots=True)
class Reserved:
    """The moments at which calls may go, at most as many as were asked for; `again` is when the next could."""

    at: tuple[datetime, ...]
    again: datetime


def reserve(demands: Sequence[Demand], *, now: datetime, horizon: timedelta) -> list[Reserved]:
    """Book calls up to `horizon` ahead; what would go later is not booked. One answer for each demand, in order."""
    wanted = {spent.key: spent.quota for demand in demands for spent in demand.scopes}
    with transaction.atomic():
        rows = lock(wanted)
        standings = {key: standing_of(row) for key, row in rows.items()}
        answers = [book(demand, standings, now=now, until=now + horizon) for demand in demands]
        changed = [row for key, row in rows.items() if write(row, standings[key])]
        if changed:
            Scope.objects.bulk_update(changed, [*COLUMNS, "updated_at"])
        failpoint("O8")  # in the middle of reserving
    return answers


def lock(wanted: Mapping[str, Quota | None]) -> dict[str, Scope]:
    """The rows of these keys, locked in key order; those with a quota are made where they are missing."""
    rows = locked(wanted)
    missing = [key for key, quota in wanted.items() if quota is not None and key not in rows]
    if missing:
        Scope.objects.bulk_create([new_row(key) for key in sorted(missing)], ignore_conflicts=True)
        rows = locked(wanted)
    return rows


def locked(keys: Iterable[str]) -> dict[str, Scope]:
    return {row.key: row for row in Scope.objects.select_for_update().filter(key__in=list(keys)).order_by("key")}


def new_row(key: str) -> Scope:
    connector, kind, *_ = key.split("|")
    return Scope(key=key, connector=connector, kind=kind)


def standing_of(row: Scope) -> Standing:
    return Standing(**{name: getattr(row, name) for name in COLUMNS})


def write(row: Scope, standing: Standing) -> bool:
    """Put the standing on the row; whether that changed anything."""
    if standing == standing_of(row):
        return False
    for name, value in asdict(standing).items():
        setattr(row, name, value)
    return True


def book(demand: Demand, standings: dict[str, Standing], *, now: datetime, until: datetime) -> Reserved:
    """Book as many of the calls as go before `until`; changes `standings`."""
    moments: list[datetime] = []
    known = [spent for spent in demand.scopes if spent.key in standings]
    again = now
    while len(moments) < demand.calls:
        again = max((opens(spent, standings, now) for spent in known), default=now)
        if again > until:
            break
        for spent in known:
            standings[spent.key] = booked(spent, standings[spent.key], at=again, now=now)
        moments.append(again)
    return Reserved(tuple(moments), again)


def opens(spent: Spent, standings: Mapping[str, Standing], now: datetime) -> datetime:
    standing = standings[spent.key]
    if spent.quota is None:
        return max(now, standing.paused_until or now)
    return open_at(spent.quota, standing, now)


def booked(spent: Spent, standing: Standing, *, at: datetime, now: datetime) -> Standing:
    if standing.probing:  # one call goes; the others wait for what it finds
        standing = replace(standing, paused_until=at + PROBE)
    return standing if spent.quota is None else spend(spent.quota, standing, spent.cost, at=at, now=now)


def pause(key: str, *, until: datetime) -> None:
    """A 429: nothing that spends this scope goes before `until`; then one call goes first."""
    row, _ = Scope.objects.get_or_create(key=key, defaults={"connector": key.split("|")[0], "kind": key.split("|")[1]})
    Scope.objects.filter(pk=row.pk).update(paused_until=until, probing=True)


def reopen(keys: Iterable[str]) -> list[str]:
    """A probe came through; which of these scopes it was that were closed until now."""
    closed = list(Scope.objects.filter(key__in=list(keys), probing=True).values_list("key", flat=True))
    if closed:
        Scope.objects.filter(key__in=closed).update(probing=False, paused_until=None)
    return closed


def correct(key: str, *, used: int, limit: int, window_ends: datetime | None) -> None:
    """What a provider's headers say of its budget is truer than our count."""
    changes = {"used": used, "allowed": limit} | ({"window_ends": window_ends} if window_ends else {})
    Scope.objects.filter(key=key).update(**changes)
