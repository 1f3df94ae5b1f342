"""What answers say of whole endpoints: the breaker opens and closes, and what fails for days is disabled with notice.

A settle in which all is well asks the database nothing here.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from datetime import datetime

from django.conf import settings

from connectors.outcomes import Outcome
from hub.connections.call_health import answer_text, follow_calls
from hub.connections.models import BREAKER, Connection, Lane
from hub.notices.notify import notify
from hub.outgoing import breaker
from hub.outgoing.breaker import Calls, Health
from hub.outgoing.pump.parcels import Journey, Load
from hub.redaction import redact_excerpt
from hub.states import WrongState

COLUMNS = [field.name for field in fields(Health)]
FAILURES = {"later", "unknown", "reconnect"}
SAYS_MOST = 500  # characters
THROTTLED = 429
ARRIVED = {"delivered", "pending"}
WELL = Calls(up=1, came_through=1)  # nearly all, so it is made once
NOT_SENT = {"egress_refused"}  # by a setting of ours: it says nothing of the endpoint


def weigh(journeys: Sequence[Journey], answers: Mapping[int, str], *, now: datetime) -> None:
    """`answers` are those of `last_failures`, found before the transaction began."""
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
    free = Lane.unscoped.filter(pk__in=telling).select_for_update(skip_locked=True, no_key=True, of=("self",))
    lanes = list(free.select_related("connection__tenant").order_by("pk"))
    before = {lane.pk: health_of(lane) for lane in lanes}
    for lane in lanes:
        health = breaker.weigh(before[lane.pk], calls[lane.pk], now=now)
        for row in (lane, loads[lane.pk].lane):  # the rest of this slice goes by it too
            vars(row).update(asdict(health))
    Lane.unscoped.bulk_update(lanes, COLUMNS)
    turned(lanes, before, loads)
    for lane in lanes:
        follow_calls(lane.connection, lane, answers.get(lane.pk, ""), now=now)
        end_or_warn(loads[lane.pk], health_of(lane), now=now)


def said_by(journey: Journey) -> Calls:
    kinds = {outcome.kind for outcome in journey.outcomes}
    if kinds == {"delivered"} and journey.response is not None and journey.response.status < 500:
        return WELL
    came, failed = bool(kinds & ARRIVED), failure_of(journey) is not None
    if journey.response is None:
        gone = journey.error not in NOT_SENT
        return Calls(down=gone, failed=failed and gone)
    free = any(outcome.free for outcome in journey.outcomes)
    down = journey.response.status >= 500 and not free
    return Calls(up=not down and not free, down=down, came_through=came, failed=failed)


def failure_of(journey: Journey) -> Outcome | None:
    """The outcome for which this call counts as failed; None where it does not.

    At a customer's own endpoint each answer outside 2xx but 429; at a system what it refused as a whole, not what one
    record or a quota was refused for.
    """
    if any(outcome.kind in ARRIVED for outcome in journey.outcomes):
        return None
    if journey.load.connection.connector.own_endpoint and journey.response is not None:
        failed = not 200 <= journey.response.status < 300 and journey.response.status != THROTTLED
        return next(iter(journey.outcomes), None) if failed else None
    refused = (outcome for outcome in journey.outcomes if outcome.kind in FAILURES)
    return next((outcome for outcome in refused if outcome.concerns == "system"), None)


def last_failures(journeys: Sequence[Journey]) -> dict[int, str]:
    """What the last failed call on each lane was answered, without secrets."""
    answers = {}
    for journey in journeys:
        if (failure := failure_of(journey)) is not None:
            status = journey.response.status if journey.response else 0
            detail = redact_excerpt(failure.detail, SAYS_MOST, journey.load.secrets)
            reason = f"status_{status}" if status >= 300 else failure.reason
            answers[journey.load.lane.pk] = answer_text(reason, detail)
    return answers


def health_of(lane: Lane) -> Health:
    return Health(**{name: getattr(lane, name) for name in COLUMNS})


def turned(lanes: Sequence[Lane], before: dict[int, Health], loads: dict[int, Load]) -> None:
    """Hold the lanes whose breaker opened by this, and let go those whose breaker closed."""
    opened = [lane.pk for lane in lanes if lane.open_until and not before[lane.pk].is_open]
    closed = [lane.pk for lane in lanes if not lane.open_until and before[lane.pk].is_open]
    for pk in opened:
        loads[pk].turned = True
    if opened:
        Lane.unscoped.filter(pk__in=opened, hold_reason="").update(hold_reason=BREAKER)
    if closed:
        Lane.unscoped.filter(pk__in=closed, hold_reason=BREAKER).update(hold_reason="")


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


def disabled(connection: Connection, detail: str, *, now: datetime) -> bool:
    row = Connection.unscoped.get(pk=connection.pk)
    try:
        row.disable("failing", detail, now=now)
    except WrongState:
        return False
    return True
