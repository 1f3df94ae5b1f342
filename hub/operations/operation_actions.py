"""Plan, confirm and cancel operations, with audit rows and a limit of rows per actor and hour."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from hub.actions import Action, declare_actions
from hub.audit import ActorContext
from hub.crypto.redaction import shorten
from hub.number_texts import format_whole
from hub.operations.models import Operation
from hub.operations.operation_runner import wake_up_operations
from hub.problems import Refusal
from tenants.models import Tenant

WRITE_SCOPE = "deliveries:write"
HOUR = timedelta(hours=1)
KINDS_WITHOUT_CAP = {"erase", "repair"}  # kinds that send nothing, or that quotas pace
EMPTY_PLANS = {
    "repair": _("No difference that a repair can remove matches. There is nothing to do."),
}
NO_DELIVERIES = _("No deliveries match. There is nothing to do.")  # of the other kinds
PLATFORM_FACTOR = 20  # by which the limit of unrestricted actors is higher


class OperationRefused(Refusal):
    """The plan cannot be confirmed, for the reason in the message."""


class TooManyRows(OperationRefused):
    """The hourly limit of rows is reached; without `wait`, waiting does not help."""

    code = "too-many-rows"


def check_plan_scope(tenant: Tenant | None, actor: ActorContext) -> None:
    """Raise PermissionError if a plan without a tenant, over all of them, is not for this actor."""
    if tenant is None and not actor.is_unrestricted:
        raise PermissionError("an operation over all tenants needs an unrestricted actor")


def serialize_filter(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the filter as an operation stores it: times as ISO texts, empty values removed."""
    return {name: _serialize_value(value) for name, value in values.items() if value}


def _serialize_value(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [str(id) for id in value]
    return value.isoformat() if isinstance(value, datetime) else str(value)


@transaction.atomic
def store_plan(
    actor: ActorContext, *, kind: str, reason: str, now: datetime, **plan_fields: Any
) -> Operation:
    """Store the plan and audit it; no row is changed."""
    operation = Operation.unscoped.create(
        kind=kind,
        reason=reason,
        actor_kind=actor.actor.kind,
        actor_id=actor.actor.id,
        actor_label=shorten(actor.actor.label, 200),
        planned_at=now,
        **plan_fields,
    )
    audit_details = {"kind": kind, "filter": operation.filter, "count": operation.count}
    audit_operation(actor, "operation.plan", operation, after=audit_details, now=now)
    return operation


@transaction.atomic
def confirm_operation(operation: Operation, actor: ActorContext, *, now: datetime) -> None:
    """Start the operation and audit it.

    Raises OperationRefused when the plan has expired or the limit is reached, InvalidTransition
    when the operation does not wait for a confirmation.
    """
    if not operation.count:
        raise OperationRefused(EMPTY_PLANS.get(operation.kind, NO_DELIVERIES))
    if operation.is_expired(now=now):
        raise OperationRefused(
            _(
                "This plan is older than 15 minutes and the rows may have changed. Create a new "
                "plan."
            )
        )
    if operation.kind not in KINDS_WITHOUT_CAP:
        check_hourly_cap(operation, actor, now=now)
    operation.transition_to("running", started_at=now, heartbeat_at=now)
    audit_operation(
        actor, "operation.confirm", operation, after={"count": operation.count}, now=now
    )
    wake_up_operations([operation.pk], now=now)


def operation_row_limit(actor: ActorContext) -> int:
    """Return how many rows this actor's operations may change within an hour."""
    limit: int = settings.HUB_OPERATION_ROWS_PER_HOUR
    return limit * PLATFORM_FACTOR if actor.is_unrestricted else limit


def check_hourly_cap(operation: Operation, actor: ActorContext, *, now: datetime) -> None:
    """Raise TooManyRows beyond the limit; locks the actor's recent operations, to count all."""
    row_limit = operation_row_limit(actor)
    own_operations = Operation.unscoped.filter(
        actor_kind=actor.actor.kind, actor_id=actor.actor.id, planned_at__gt=now - 2 * HOUR
    )
    rows = list(
        own_operations.select_for_update(of=("self",))
        .order_by("pk")
        .values_list("pk", "started_at", "count")
    )
    started = [
        (at, count) for pk, at, count in rows if at and at > now - HOUR and pk != operation.pk
    ]
    spent = sum(count for _, count in started)
    if spent + operation.count > row_limit:
        first = min((at for at, _ in started), default=None)
        sentence = _(
            "At most %(limit)s rows may be worked on in an hour, and %(spent)s were already. "
            "Narrow the filter, or run it later."
        )
        refusal = TooManyRows(sentence % {"limit": f"{row_limit:,}", "spent": f"{spent:,}"})
        if first and operation.count <= row_limit:
            refusal.wait = (first + HOUR - now).total_seconds()
        raise refusal


@transaction.atomic
def cancel_operation(operation: Operation, actor: ActorContext, *, now: datetime) -> None:
    """Stop the operation before its next batch, and audit it; changed rows stay changed.

    Raises InvalidTransition when the operation has ended.
    """
    operation.transition_to("cancelled", finished_at=now)
    operation.refresh_from_db()
    audit_operation(actor, "operation.cancel", operation, after=operation.counts(), now=now)


def audit_operation(
    actor: ActorContext, verb: str, operation: Operation, *, after: Mapping[str, Any], now: datetime
) -> None:
    actor.audit(
        verb,
        operation,
        tenant=operation.tenant,
        reason=operation.reason,
        after=after,
        now=now,
    )


def _describe_confirm_button(operation: Operation) -> str:
    count = format_whole(operation.count) + ("+" if operation.more else "")
    return gettext("Run it: %(count)s") % {"count": count}


OPERATION_ACTIONS = declare_actions(
    Action[Operation](
        name="confirm",
        label=_("Run it"),
        question=_(
            "It starts as planned: it changes at most as many rows as the plan states, and none "
            "that was accepted later."
        ),
        describe_button=_describe_confirm_button,
        success=_("The operation is running."),
        summary="Confirm an operation",
        run=confirm_operation,
        is_available=lambda operation: operation.state == "planned" and operation.count > 0,
        scope=WRITE_SCOPE,
        icon="play_arrow",
        tone="primary",
    ),
    Action[Operation](
        name="cancel",
        label=_("Cancel"),
        question=_("It stops before its next batch. Rows that were changed stay changed."),
        success=_("The operation has been cancelled."),
        summary="Cancel an operation",
        run=cancel_operation,
        is_available=lambda operation: not operation.is_ended,
        scope=WRITE_SCOPE,
        icon="close",
        tone="danger",
    ),
)
