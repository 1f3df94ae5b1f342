"""Make the changes by which sources are proved, and record which were not reported back."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db.models import QuerySet

from connectors.outcomes import Outcome, never
from connectors.webhook_sources import GONE, MARK_PREFIX, Canary
from hub.connections.credentials.connector_context import (
    collect_secrets,
    find_connector_app,
    open_credential,
)
from hub.connections.credentials.provider_call import Call, call_provider
from hub.crypto.sealed import CannotOpen
from hub.db.clock import Clock
from hub.incoming.models import InboundEndpoint, InboundGap, InboundSource, SourceCanary
from hub.incoming.registration.check import request_refresh_if_rejected
from hub.incoming.registration.scheduling.budgets import load_watch_plan
from hub.incoming.registration.wanted import find_wanted_types
from hub.incoming.watch.canary_records import (
    RETRIED_KINDS,
    delete_record,
    find_definition,
    forget_record,
)
from hub.incoming.watch.silence_watch import CANARY_LATE, mark_source_silent
from hub.incoming.watch.wider_causes import find_wider_cause
from hub.notices.notify import create_notice

CANARIES_AT_ONCE = 50
POSTPONED = timedelta(minutes=5)  # of a connection that may not be called, or a call that failed
REMOVED_LATER = timedelta(hours=1)  # when a record that could not be deleted is tried again
MADE_ANEW = timedelta(days=7)  # a record whose creation is reported by a webhook of its own
ROUNDS_KEPT, ROUNDS_MAX = timedelta(days=1), 200
LATE_ROUNDS = 2  # in a row: the source is silent
REFUSALS_MAX = 3  # in a row: it is switched off
NOTICE_KIND = "canary_refused"
State = SourceCanary.State


@dataclass(frozen=True, slots=True)
class CanaryContext:
    """The client, the clock and the randomness of the task; `is_late` ends it."""

    call: Call
    clock: Clock
    make_token: Callable[[], str]
    is_late: Callable[[], bool]


def find_due_canaries(*, now: datetime) -> QuerySet[SourceCanary]:
    return SourceCanary.unscoped.filter(due_at__lte=now)


def find_unreported_type(source: InboundSource, change: str) -> str:
    """Return the event type as which the hub's change would be reported, if no route takes it."""
    webhooks, connection = source.connection.connector.webhook_source, source.connection_id
    if webhooks is None or not change:
        return ""
    endpoint = InboundEndpoint.unscoped.filter(connection=connection).first()
    type = f"{source.object}.{change}"
    is_wanted = endpoint is not None and type in find_wanted_types(endpoint, webhooks)
    return "" if is_wanted else f"{source.connection.connector_key}.{type}"


def handle_due_canaries(context: CanaryContext) -> None:
    """Record, miss or send each canary that is due, the most overdue first."""
    related = ("source__tenant", "source__connection__tenant", "source__connection__lane")
    rows = find_due_canaries(now=context.clock()).select_related(*related).order_by("due_at")
    for canary in rows[:CANARIES_AT_ONCE]:
        if context.is_late():
            return
        if _claim(canary, now=context.clock()):
            _handle(canary, context)


def _claim(canary: SourceCanary, *, now: datetime) -> bool:
    """Claim a canary by compare-and-swap; if the process dies, it is due again."""
    unchanged = SourceCanary.unscoped.filter(pk=canary.pk, due_at=canary.due_at)
    return bool(unchanged.update(due_at=now + POSTPONED))


def _handle(canary: SourceCanary, context: CanaryContext) -> None:
    source, now = canary.source, context.clock()
    definition, heard_at = find_definition(source), canary.heard_at
    is_needed = canary.is_on and not source.retired_at and not source.connection.is_disconnected
    if definition is None or not is_needed:
        _switch_off(canary, context)
    elif heard_at is not None and heard_at != source.canary_heard_at:
        _record_proof(canary, heard_at, definition)
    elif find_wider_cause(
        source.connection, since=now - LATE_ROUNDS * find_interval(canary), now=now
    ) or find_unreported_type(source, definition.change):
        _update(canary, state=State.IDLE, failure_count=0, due_at=now + POSTPONED)
    elif definition.is_passive or canary.state == State.WAITING:
        if _record_late(canary, now=now):
            _send(canary, definition, context)
    else:
        _send(canary, definition, context)


def _record_proof(canary: SourceCanary, heard_at: datetime, definition: Canary) -> None:
    """Store that the source was heard by itself; a silent one is judged again."""
    InboundSource.unscoped.filter(pk=canary.source_id).update(canary_heard_at=heard_at)
    intervals = LATE_ROUNDS if definition.is_passive else 1
    rounds = _add_round(canary, heard_at, canary.round_trip_ms)
    _update(canary, due_at=heard_at + intervals * find_interval(canary), rounds=rounds)


def _add_round(canary: SourceCanary, at: datetime, milliseconds: int | None) -> list[Any]:
    """Return the rounds of the last day with another one, which was heard or missed."""
    first = (at - ROUNDS_KEPT).isoformat()
    kept = [entry for entry in canary.rounds if entry["at"] > first]
    return [*kept, {"at": at.isoformat(), "ms": milliseconds}][-ROUNDS_MAX:]


def find_interval(canary: SourceCanary) -> timedelta:
    """Return the time between two canaries: what a person chose, within the account's budget."""
    every = load_watch_plan(canary.source.connection).canary_every
    return timedelta(seconds=max(canary.interval_seconds, every))


def _record_late(canary: SourceCanary, *, now: datetime) -> bool:
    """Record a canary that was not heard in time; return whether another one is sent at once.

    The first one that is late may be lost; after the second its source is silent. A passive one is
    due after two of its intervals. One that has just been heard stays as the inbox left it.
    """
    is_first = canary.state == State.WAITING and canary.failure_count + 1 < LATE_ROUNDS
    columns = {"failure_count": canary.failure_count + 1, "rounds": _add_round(canary, now, None)}
    unheard = SourceCanary.unscoped.filter(pk=canary.pk, heard_at=canary.heard_at)
    if not unheard.update(**columns):
        return False
    canary.failure_count += 1
    if is_first:
        return True
    due_at = now + find_interval(canary)
    _update(canary, state=State.LATE, reason=CANARY_LATE, due_at=due_at)
    mark_source_silent(canary.source, InboundGap.Cause.CANARY, CANARY_LATE, now=now)
    return False


def _send(canary: SourceCanary, definition: Canary, context: CanaryContext) -> None:
    """Write a new mark; it is stored before, so that its webhook is recognized after a crash."""
    source, now = canary.source, context.clock()
    connection = source.connection
    try:
        credential = open_credential(connection, find_connector_app(connection.connector_key))
    except CannotOpen:
        _record_refusal(canary, never("credential_unreadable"), now=now)
        return
    if _is_made_anew(canary, definition, now=now):
        delete_record(canary, connection, credential, call=context.call, now=now, low_priority=True)
    mark = f"{MARK_PREFIX} {context.make_token()}"
    due_at = now + timedelta(seconds=definition.patience)
    _update(canary, mark=mark, state=State.WAITING, sent_at=now, due_at=due_at)
    record = call_provider(
        connection,
        partial(definition.write_request, credential, canary.record, mark),
        lambda response: definition.parse_write(response, canary.record),
        call=context.call,
        now=now,
        secrets=collect_secrets(credential),
        low_priority=True,
    )
    if isinstance(record, Outcome):
        request_refresh_if_rejected(connection, record, now=context.clock())
        _record_refusal(canary, record, now=context.clock())
    elif record == GONE:
        _update(canary, state=State.IDLE, due_at=now, **forget_record(canary))  # one is made anew
    else:
        _record_write(canary, record, now=now)


def _is_made_anew(canary: SourceCanary, definition: Canary, *, now: datetime) -> bool:
    """Return whether another record is made, whose creation proves a webhook of its own.

    That is each week; so is the record of a round that was not heard.
    """
    if canary.made_at is None or not definition.creation:
        return False
    is_unheard = canary.failure_count > 0 and canary.made_at == canary.sent_at
    is_due = is_unheard or canary.made_at <= now - MADE_ANEW
    return is_due and not find_unreported_type(canary.source, definition.creation)


def _record_write(canary: SourceCanary, record: str, *, now: datetime) -> None:
    """Store the record that was changed or made; the refusals, if there were any, have ended."""
    columns: dict[str, object] = {"record": record}
    if not canary.record:
        columns["made_at"] = now
    if canary.reason not in ("", CANARY_LATE):
        columns |= {"reason": "", "detail": "", "failure_count": 0}
    _update(canary, **columns)
    # switched off by a person meanwhile, who could not delete it
    SourceCanary.unscoped.filter(pk=canary.pk, is_on=False, due_at=None).update(due_at=now)


def _switch_off(canary: SourceCanary, context: CanaryContext) -> None:
    """Switch a canary off that has nothing to prove any more, and delete its record."""
    is_refused = not canary.is_on and canary.state == State.REFUSED
    state = State.REFUSED if is_refused else State.OFF
    _update(canary, is_on=False, state=state, due_at=None)
    connection, now = canary.source.connection, context.clock()
    if not canary.record or connection.is_disconnected:
        return
    try:
        credential = open_credential(connection, find_connector_app(connection.connector_key))
    except CannotOpen:
        return
    refusal = delete_record(
        canary, connection, credential, call=context.call, now=now, low_priority=True
    )
    if refusal is not None and refusal.kind in RETRIED_KINDS:
        _update(canary, due_at=now + REMOVED_LATER)


def _record_refusal(canary: SourceCanary, outcome: Outcome, *, now: datetime) -> None:
    """Record why nothing was written; three refusals in a row switch the canary off."""
    if outcome.kind in RETRIED_KINDS:
        _update(canary, state=State.IDLE, due_at=now + POSTPONED, reason=outcome.reason)
        return
    count = canary.failure_count + 1 if canary.reason == outcome.reason else 1
    due_at: datetime | None = now + find_interval(canary)
    is_over = count >= REFUSALS_MAX
    columns: dict[str, object] = {}  # a person may have switched it off meanwhile
    if is_over:
        due_at = now if canary.record else None  # it is deleted, if that is allowed
        columns["is_on"] = False
        _notify_refusal(canary, outcome, now=now)
    _update(
        canary,
        state=State.REFUSED,
        reason=outcome.reason,
        detail=outcome.detail,
        failure_count=count,
        due_at=due_at,
        **columns,
    )


def _notify_refusal(canary: SourceCanary, outcome: Outcome, *, now: datetime) -> None:
    connection = canary.source.connection
    create_notice(
        NOTICE_KIND,
        "canary_refused",
        {"connection": connection.name, "system": str(connection.connector.label)},
        occurrence=f"{canary.source.public_id}:{now.isoformat()}",  # it may happen again
        tenant_id=canary.source.tenant_id,
        connection_id=connection.pk,
        reason=outcome.reason,
        now=now,
    )


def _update(canary: SourceCanary, **columns: object) -> None:
    SourceCanary.unscoped.filter(pk=canary.pk).update(**columns)
    for name, value in columns.items():
        setattr(canary, name, value)
