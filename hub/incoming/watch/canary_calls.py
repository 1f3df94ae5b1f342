"""Make the changes by which sources are proved, and record which were not reported back."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

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
from hub.incoming.watch.silence_watch import CANARY_LATE, mark_source_silent
from hub.incoming.watch.wider_causes import find_wider_cause

CANARIES_AT_ONCE = 50
POSTPONED = timedelta(minutes=5)  # of a connection that may not be called, or a call that failed
LATE_ROUNDS = 2  # in a row: the source is silent
REFUSALS_MAX = 3  # in a row: it is switched off
RETRIED_KINDS = ("later", "unknown", "refresh", "pending")
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


def find_definition(source: InboundSource) -> Canary | None:
    webhooks = source.connection.connector.webhook_source
    return webhooks.canaries.get(source.object) if webhooks else None


def find_unreported_type(source: InboundSource, definition: Canary) -> str:
    """Return the event type as which the hub's change would be reported, if no route takes it."""
    webhooks, connection = source.connection.connector.webhook_source, source.connection_id
    if webhooks is None or not definition.change:
        return ""
    endpoint = InboundEndpoint.unscoped.filter(connection=connection).first()
    type = f"{source.object}.{definition.change}"
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
    if definition is None or source.retired_at or source.connection.is_disconnected:
        _update(canary, is_on=False, state=State.OFF, due_at=None)
    elif heard_at is not None and heard_at != source.canary_heard_at:
        _record_proof(canary, heard_at, definition)
    elif find_wider_cause(source.connection, now=now) or find_unreported_type(source, definition):
        _update(canary, state=State.IDLE, failure_count=0, due_at=now + POSTPONED)
    elif definition.is_passive or canary.state == State.WAITING:
        if not _record_late(canary, now=now):
            _send(canary, definition, context)
    else:
        _send(canary, definition, context)


def _record_proof(canary: SourceCanary, heard_at: datetime, definition: Canary) -> None:
    """Store that the source was heard by itself; a silent one is judged again."""
    InboundSource.unscoped.filter(pk=canary.source_id).update(canary_heard_at=heard_at)
    rounds = LATE_ROUNDS if definition.is_passive else 1
    _update(canary, due_at=heard_at + rounds * find_interval(canary))


def find_interval(canary: SourceCanary) -> timedelta:
    """Return the time between two canaries: what a person chose, within the account's budget."""
    every = load_watch_plan(canary.source.connection).canary_every
    return timedelta(seconds=max(canary.interval_seconds, every))


def _record_late(canary: SourceCanary, *, now: datetime) -> bool:
    """Record a canary that was not heard in time; return whether its source is silent by that.

    The first one that is late may be lost; the second, sent at once, is none by chance. A passive
    one is due after two of its intervals.
    """
    is_first = canary.state == State.WAITING and canary.failure_count + 1 < LATE_ROUNDS
    _update(canary, failure_count=canary.failure_count + 1)
    if is_first:
        return False
    due_at = now + find_interval(canary)
    _update(canary, state=State.LATE, reason=CANARY_LATE, due_at=due_at)
    if canary.source.state != InboundSource.State.SILENT:
        mark_source_silent(canary.source, InboundGap.Cause.CANARY, CANARY_LATE, now=now)
    return True


def _send(canary: SourceCanary, definition: Canary, context: CanaryContext) -> None:
    """Write a new mark; it is stored before, so that its webhook is recognized after a crash."""
    source, now = canary.source, context.clock()
    connection = source.connection
    mark = f"{MARK_PREFIX} {context.make_token()}"
    due_at = now + timedelta(seconds=definition.patience)
    _update(canary, mark=mark, state=State.WAITING, sent_at=now, due_at=due_at)
    try:
        credential = open_credential(connection, find_connector_app(connection.connector_key))
    except CannotOpen:
        _record_refusal(canary, never("credential_unreadable"), now=now)
        return
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
        _update(canary, record="", state=State.IDLE, due_at=now)  # another one is made
    elif canary.reason in ("", CANARY_LATE):
        _update(canary, record=record)
    else:  # the refusals have ended
        _update(canary, record=record, reason="", detail="", failure_count=0)


def _record_refusal(canary: SourceCanary, outcome: Outcome, *, now: datetime) -> None:
    """Record why nothing was written; three refusals in a row switch the canary off."""
    if outcome.kind in RETRIED_KINDS:
        _update(canary, state=State.IDLE, due_at=now + POSTPONED, reason=outcome.reason)
        return
    count = canary.failure_count + 1 if canary.reason == outcome.reason else 1
    due_at = now + find_interval(canary)
    is_over = count >= REFUSALS_MAX
    _update(
        canary,
        state=State.REFUSED,
        reason=outcome.reason,
        detail=outcome.detail,
        failure_count=count,
        is_on=not is_over,
        due_at=None if is_over else due_at,
    )


def _update(canary: SourceCanary, **columns: object) -> None:
    SourceCanary.unscoped.filter(pk=canary.pk).update(**columns)
    for name, value in columns.items():
        setattr(canary, name, value)
