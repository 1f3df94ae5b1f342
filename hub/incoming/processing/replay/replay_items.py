"""Replay: process stored items again, one or all that match a filter.

A replayed item is parsed from its stored message and published as a new event. A message that could
not be parsed, or that failed, is processed again as a whole.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext_lazy as _

from hub.actions import Action, always, declare_actions
from hub.audit import ActorContext
from hub.db.state_machine import InvalidTransition
from hub.incoming.models import InboundItem, InboundMessage
from hub.incoming.processing.claim import MESSAGE_LEASES
from hub.incoming.processing.replay.item_filters import (
    is_replayable,
    match_replayable,
    select_items,
)
from hub.operations import operation_actions
from hub.operations.match_plans import MatchedRows, store_match_plan
from hub.operations.models import Operation
from hub.operations.operation_runner import BatchResult
from hub.processes.failpoints import failpoint
from hub.queue import wake_loop
from tenants.models import Tenant

REPLAY_ITEMS = "replay_items"  # the kind of the operation
COUNT_LIMIT = 100_000  # a plan counts no further

NOT_REPLAYABLE_TEXT = _(
    "It cannot be replayed in its current state, or its request is no longer stored."
)


@transaction.atomic
def replay_item(
    item: InboundItem, actor: ActorContext, *, reason: str = "", now: datetime
) -> InboundItem:
    """Queue one item to be processed again, audited; return it as it is stored now.

    Raises InvalidTransition, and changes nothing, if its state allows no replay or its message's
    body is not stored any more.
    """
    rows = InboundItem.unscoped.filter(match_replayable(), pk=item.pk)
    stored = rows.select_for_update(no_key=True, of=("self",)).first()
    if stored is None:
        raise InvalidTransition(item, "received", NOT_REPLAYABLE_TEXT)
    before = {"state": stored.state, "reason": stored.reason}
    return_to_inbox([stored], now=now)
    stored.refresh_from_db()
    after = {"state": stored.state, "replay": stored.replay_number}
    actor.audit("inbound_item.replay", stored, reason=reason, before=before, after=after, now=now)
    return stored


ITEM_ACTIONS = declare_actions(
    Action[InboundItem](
        name="replay",
        label=_("Replay"),
        question=_(
            "The item is read again from its stored request and published as a new event. Routes "
            "match it anew, so what it caused before may happen twice."
        ),
        success=_("It is being processed again, and becomes a new event."),
        summary="Replay an incoming item",
        run=replay_item,
        is_available=is_replayable,
        scope="inbound:write",
        limit="replays",
        asks_reason=always,
        is_background=True,
        icon="replay",
    ),
)


def plan_replay(
    filter: Mapping[str, Any],
    actor: ActorContext,
    *,
    tenant: Tenant | None,
    reason: str,
    now: datetime,
) -> Operation:
    """Store a plan to replay all items that match, which `confirm_operation` starts.

    Without a tenant it covers items of all tenants. Raises PermissionError if the actor is
    restricted to some tenants and specifies none, LookupError for an unknown filter.
    """
    operation_actions.check_plan_scope(tenant, actor)
    matched = MatchedRows(
        rows=select_items(filter, tenant).filter(match_replayable()),
        count_limit=COUNT_LIMIT,
        time_column="received_at",
        connector_column="connector_key",
        sample_name="items",
        describe_row=_describe_item,
    )
    return store_match_plan(
        matched, actor, kind=REPLAY_ITEMS, filter=filter, tenant=tenant, reason=reason, now=now
    )


def replay_batch(operation: Operation, size: int, *, now: datetime) -> BatchResult:
    """Return the next `size` items of an operation to the inbox, in the caller's transaction."""
    selected = select_items(operation.filter, operation.tenant)
    remaining = selected.filter(pk__gt=operation.cursor, pk__lte=operation.last)
    ids = list(
        remaining.filter(match_replayable()).order_by("pk").values_list("pk", flat=True)[:size]
    )
    if not ids:
        return BatchResult(None)
    rows = InboundItem.unscoped.filter(match_replayable(), pk__in=ids).order_by("pk")
    items = list(rows.select_for_update(no_key=True, of=("self",), skip_locked=True))
    return_to_inbox(items, now=now)
    return BatchResult(ids[-1], len(items), len(ids) - len(items))


def return_to_inbox(items: Sequence[InboundItem], *, now: datetime) -> None:
    """Make locked items due again; an item for a whole message makes that due."""
    ids = [item.pk for item in items]
    InboundItem.unscoped.filter(pk__in=ids).update(
        state="received",
        reason="",
        detail="",
        attempt_count=0,
        replay_number=F("replay_number") + 1,
        state_changed_at=now,
    )
    messages = [item.message_id for item in items if item.is_whole_message]
    if messages:
        InboundMessage.unscoped.filter(pk__in=messages).update(
            due_at=now, attempt_count=0, **MESSAGE_LEASES.released
        )
    wake_loop("inbox", now=now)
    failpoint("R9")  # before the commit
    transaction.on_commit(lambda: failpoint("R0"))


def _describe_item(item: InboundItem) -> dict[str, str]:
    return {"id": str(item.public_id), "type": item.type, "state": item.state}
