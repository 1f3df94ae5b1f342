"""Actions on discrepancies: repair, ignore, and repair all that match."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy

from hub.actions import Action, declare_actions
from hub.audit import ActorContext
from hub.db.state_machine import InvalidTransition
from hub.operations import operation_actions
from hub.operations.match_plans import MatchedRows, store_match_plan
from hub.operations.models import Operation
from hub.reason_codes import find_reason
from hub.reason_codes.discrepancies import DISCREPANCY_REASONS
from hub.scheduled.models import LOCAL, REMOTE, Discrepancy, Run
from hub.scheduled.reconciliation.recording import digest_values
from hub.scheduled.repairs.filters import (
    IGNORABLE_STATES,
    match_repairable,
    select_discrepancies,
)
from hub.scheduled.repairs.planned_writes import describe_writes, select_writable
from hub.scheduled.repairs.repair_choices import (
    IgnoreForm,
    RepairForm,
    find_system_label,
    list_repair_choices,
)
from hub.scheduled.repairs.repair_deliveries import RepairSender
from hub.scheduled.repairs.repair_values import RepairRefused
from tenants.models import Tenant

WRITE_SCOPE = "discrepancies:write"
REPAIR_OPERATION = "repair"  # the kind of the operation
COUNT_LIMIT = 1_000_000  # a plan counts no further
WRITES_SHOWN = 100  # of a plan, row by row


def describe_reason(discrepancy: Discrepancy, code: str) -> str:
    """Return a reason code's sentences: why it is not repaired, and what a person can do."""
    reason = DISCREPANCY_REASONS.get(code) or find_reason(
        code, system=find_system_label(discrepancy)
    )
    return f"{reason.sentence} {reason.action}".strip()


@transaction.atomic
def repair_discrepancy(
    discrepancy: Discrepancy, actor: ActorContext, *, side: str = "", now: datetime
) -> Discrepancy:
    """Send the repair of one discrepancy as a delivery, audited; return the stored row.

    `side` is the side that is changed (local or remote); "": determined by the field's owner.
    Raises RepairRefused with a reason code if it cannot be repaired, and InvalidTransition if its
    state does not allow it.
    """
    if side not in ("", LOCAL, REMOTE):
        raise RepairRefused("no_such_side", "", describe_reason(discrepancy, "no_such_side"))
    stored = _lock(discrepancy, ("new", "open"), "repairing")
    result = RepairSender(actor, now=now).repair([stored], side=side)
    if result.refused:
        refused = result.refused[0][1]
        sentence = describe_reason(stored, refused.reason)
        raise RepairRefused(refused.reason, refused.detail, sentence)
    after = {
        "record_key": stored.record_key,
        "field": stored.field,
        "side": stored.repair_side,
        "delivery": str(stored.repair_delivery.public_id) if stored.repair_delivery else None,
    }
    before = {"value": stored.replaced_value}
    actor.audit("discrepancy.repair", stored, before=before, after=after, now=now)
    return stored


@transaction.atomic
def ignore_discrepancy(
    discrepancy: Discrepancy, actor: ActorContext, *, reason: str, now: datetime
) -> Discrepancy:
    """Ignore a discrepancy until one of its values changes, audited.

    Raises InvalidTransition if its state does not allow it.
    """
    stored = _lock(discrepancy, IGNORABLE_STATES, "ignored")
    stored.transition_to(
        "ignored", ignored_reason=reason[:300], ignored_digest=digest_values(stored)
    )
    after = {"record_key": stored.record_key, "field": stored.field}
    actor.audit("discrepancy.ignore", stored, reason=reason[:300], after=after, now=now)
    return stored


@transaction.atomic
def stop_ignoring(discrepancy: Discrepancy, actor: ActorContext, *, now: datetime) -> Discrepancy:
    """Show an ignored discrepancy again, audited. Raises InvalidTransition if it is not ignored."""
    stored = _lock(discrepancy, ("ignored",), "open")
    before = {"ignored_reason": stored.ignored_reason}
    stored.transition_to("open", ignored_reason="", ignored_digest="")
    actor.audit("discrepancy.stop_ignoring", stored, before=before, now=now)
    return stored


def _lock(discrepancy: Discrepancy, states: Sequence[str], next_state: str) -> Discrepancy:
    """Lock a discrepancy. Raises InvalidTransition if it is in none of these states."""
    rows = Discrepancy.unscoped.select_related("job", "connection", "tenant")
    stored = (
        rows.select_for_update(of=("self",), no_key=True)
        .filter(pk=discrepancy.pk, state__in=states)
        .first()
    )
    if stored is None:
        raise InvalidTransition(discrepancy, next_state)
    return stored


DISCREPANCY_ACTIONS = declare_actions(
    Action[Discrepancy](
        name="repair",
        label=gettext_lazy("Repair"),
        question=gettext_lazy(
            "The repair is sent as a delivery. It changes the value only if it is still the one "
            "that was compared; the old value is kept."
        ),
        success=gettext_lazy("Its repair is being sent. The old value is kept on this page."),
        summary="Repair a discrepancy",
        run=repair_discrepancy,
        form=RepairForm,
        is_available=lambda discrepancy: bool(list_repair_choices(discrepancy)),
        scope=WRITE_SCOPE,
        icon="build",
        tone="primary",
        is_background=True,
    ),
    Action[Discrepancy](
        name="ignore",
        label=gettext_lazy("Ignore"),
        question=gettext_lazy("It is then ignored until one of both values changes."),
        success=gettext_lazy("It is ignored until one of both values changes."),
        summary="Ignore a discrepancy",
        run=ignore_discrepancy,
        form=IgnoreForm,
        is_available=lambda discrepancy: discrepancy.state in IGNORABLE_STATES,
        scope=WRITE_SCOPE,
        icon="visibility_off",
    ),
    Action[Discrepancy](
        name="stop_ignoring",
        label=gettext_lazy("Stop ignoring it"),
        question=gettext_lazy("The difference waits for a decision again."),
        success=gettext_lazy("It waits for a decision again."),
        summary="Stop ignoring a discrepancy",
        run=stop_ignoring,
        is_available=lambda discrepancy: discrepancy.state == "ignored",
        scope=WRITE_SCOPE,
        icon="visibility",
    ),
)


# --- all that match -------------------------------------------------------------------------------


def plan_repairs(
    filter: Mapping[str, Any],
    actor: ActorContext,
    *,
    tenant: Tenant | None,
    reason: str,
    now: datetime,
) -> Operation:
    """Store a plan to repair all discrepancies that match, which `confirm_operation` starts.

    Without a tenant it covers discrepancies of all tenants. Raises PermissionError if the actor is
    restricted to some tenants and specifies none, LookupError for an unknown filter.
    """
    operation_actions.check_plan_scope(tenant, actor)
    sender = RepairSender(actor, now=now)
    rows = select_writable(
        select_discrepancies(filter, tenant).filter(match_repairable()), sender
    ).select_related("job", "connection", "tenant")
    matched = MatchedRows(
        rows=rows,
        count_limit=COUNT_LIMIT,
        time_column="first_seen_at",
        connector_column="connection__connector_key",
        sample_name="discrepancies",
        sample_size=WRITES_SHOWN,
        describe_row=partial(_describe_discrepancy, sender),
    )
    return store_match_plan(
        matched, actor, kind=REPAIR_OPERATION, filter=filter, tenant=tenant, reason=reason, now=now
    )


def plan_run_repairs(run: Run, *, now: datetime) -> Operation | None:
    """Plan and start the repairs of a run's discrepancies, as the hub; None if there are none."""
    actor = ActorContext.system()
    operation = plan_repairs(
        {"run": str(run.public_id)},
        actor,
        tenant=run.tenant,
        reason=f"found by the job {run.job.name}"[:300],
        now=now,
    )
    if not operation.count:
        return None
    operation_actions.confirm_operation(operation, actor, now=now)
    return operation


def _describe_discrepancy(sender: RepairSender, discrepancy: Discrepancy) -> dict[str, str]:
    write = describe_writes([discrepancy], sender).get(discrepancy.pk, {})
    return {
        **write,
        "id": str(discrepancy.public_id),
        "record_key": discrepancy.record_key,
        "field": discrepancy.field,
        "verdict": discrepancy.verdict,
    }
