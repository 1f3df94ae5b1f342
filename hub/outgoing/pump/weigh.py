"""What answers say of whole endpoints: the breaker opens and closes, and what fails for days is disabled with notice.

A settle in which all is well asks the database nothing here.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import asdict, fields
from datetime import datetime

from django.conf import settings

from hub.connections.models import BREAKER, Connection, Lane
from hub.notices.notify import notify
from hub.outgoing import breaker
from hub.outgoing.breaker import Calls, Health
from hub.outgoing.pump.parcels import Journey, Load
from hub.states import WrongState

COLUMNS = [field.name for field in fields(Health)]
FAILURES = {"later", "unknown"}
ARRIVED = {"delivered", "pending"}
WELL = Calls(up=1, came_through=1)  # nearly all, so it is made once
NOT_SENT = {"egress_refused"}  # by a setting of ours: it says nothing of the endpoint


def weigh(journeys: Sequence[Journey], *, now: datetime) -> None:
    loads = {journey.load.lane.pk: journey.load for journey in journeys}
    said = [(journey.load.lane.pk, said_by(journey)) for journey in journeys]
    telling = {pk for pk, calls in said if calls.down or calls.failed}
    telling |= {pk for pk, load in loads.items() if not health_of(load.lane).calm}
    if not telling:
        return
    calls: dict[int, Calls] = defaultdict(Calls)
    for pk, each in said:
        if pk in telling:
            calls[pk] += each
    # whoever publishes to one of them at this moment holds it: what it says is then not counted, rather than waited for
    free = Lane.unscoped.filter(pk__in=telling).select_for_update(skip_locked=True, no_key=True)
    lanes = list(free.order_by("pk"))
    before = {lane.pk: health_of(lane) for lane in lanes}
    for lane in lanes:
        health = breaker.weigh(before[lane.pk], calls[lane.pk], now=now)
        for row in (lane, loads[lane.pk].lane):  # the rest of this slice goes by it too
            vars(row).update(asdict(health))
    Lane.unscoped.bulk_update(lanes, COLUMNS)
    turned(lanes, before, loads, now=now)
    for lane in lanes:
        end_or_warn(loads[lane.pk], health_of(lane), now=now)


def said_by(journey: Journey) -> Calls:
    kinds = {outcome.kind for outcome in journey.outcomes}
    if kinds == {"delivered"} and journey.response is not None and journey.response.status < 500:
        return WELL
    came = bool(kinds & ARRIVED)
    failed = not came and any(outcome.kind in FAILURES and not outcome.free for outcome in journey.outcomes)
    if journey.response is None:
        gone = journey.error not in NOT_SENT
        return Calls(down=gone, failed=failed and gone)
    free = any(outcome.free for outcome in journey.outcomes)
    down = journey.response.status >= 500 and not free
    return Calls(up=not down and not free, down=down, came_through=came, failed=failed)


def health_of(lane: Lane) -> Health:
    return Health(**{name: getattr(lane, name) for name in COLUMNS})


def turned(lanes: Sequence[Lane], before: dict[int, Health], loads: dict[int, Load], *, now: datetime) -> None:
    """Lanes and connections whose breaker opened or closed by this."""
    opened = [lane.pk for lane in lanes if lane.open_until and not before[lane.pk].is_open]
    closed = [lane.pk for lane in lanes if not lane.open_until and before[lane.pk].is_open]
    for pk in opened:
        loads[pk].turned = True
    if opened:
        Lane.unscoped.filter(pk__in=opened, held="").update(held=BREAKER)
        Connection.unscoped.filter(pk__in=opened, state="healthy").update(
            state="degraded", reason=BREAKER, says="", since=now
        )
    if closed:
        close(closed, now=now)


def close(lanes: Collection[int], *, now: datetime) -> None:
    Lane.unscoped.filter(pk__in=lanes, held=BREAKER).update(held="")
    Connection.unscoped.filter(pk__in=lanes, state="degraded", reason=BREAKER).update(
        state="healthy", reason="", says="", since=now
    )


def end_or_warn(load: Load, health: Health, *, now: datetime) -> None:
    """What has only failed for days is disabled, and announced before."""
    after, row = settings.HUB_DISABLE_AFTER, load.connection
    percent = breaker.warning(health, after=after, now=now)
    if percent is None or health.failing_since is None:
        return
    since = f"{health.failing_since:%Y-%m-%d %H:%M} UTC"
    told = {"now": now, "tenant_id": row.tenant_id, "connection_id": row.pk}
    if not breaker.given_up(health, after=after, now=now):
        ends = f"{health.failing_since + after:%Y-%m-%d %H:%M} UTC"
        sentence = f"Every attempt on “{row}” has failed since {since}. It will be disabled on {ends}."
        notify("failing", sentence, about=f"{row.pk}:{since}:{percent}", **told)
    elif disabled(row, f"every attempt failed since {since}", now=now):
        load.turned = True
        sentence = f"“{row}” is disabled: every attempt has failed since {since}. What arrives for it is held."
        notify("disabled", sentence, about=f"{row.pk}:{since}", **told)


def disabled(connection: Connection, says: str, *, now: datetime) -> bool:
    row = Connection.unscoped.get(pk=connection.pk)
    try:
        row.disable("failing", says, now=now)
    except WrongState:
        return False
    return True
