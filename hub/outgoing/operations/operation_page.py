"""The context of an operation's page, which customers and staff share."""

from datetime import datetime, timedelta
from typing import Any

from hub.audit.own_reasons import translate_reason
from hub.operations.models import Operation
from hub.outgoing.models import Delivery
from hub.outgoing.operations import planning
from tenants.scoping import TenantIds, readable_condition

LIVE_TEMPLATE = "portal/log/operation_live.html"


def build_operation_context(operation: Operation, tenants: TenantIds) -> dict[str, Any]:
    """Return the context of the plan; only samples of these tenants are linked."""
    facts = operation.facts
    sample = [entry["id"] for entry in facts["sample"]]
    found = Delivery.unscoped.filter(readable_condition(Delivery, tenants), public_id__in=sample)
    deliveries = {str(delivery.public_id): delivery for delivery in found}
    return {
        "label": planning.OPERATION_LABELS[operation.kind],
        "reason": translate_reason(operation.reason),
        "samples": [(entry, deliveries.get(entry["id"])) for entry in facts["sample"]],
        "oldest": datetime.fromisoformat(facts["oldest"]) if facts["oldest"] else None,
        "lasts": timedelta(seconds=facts["seconds"]),
    }


def build_progress_context(operation: Operation, *, now: datetime) -> dict[str, Any]:
    """Return the context of the part that updates itself: state, progress and time left."""
    seconds_left = operation.seconds_left(now=now)
    return {
        "operation": operation,
        "ended": operation.state != "running",
        "expired": operation.is_expired(now=now),
        "left": timedelta(seconds=seconds_left) if seconds_left is not None else None,
        "took": operation.finished_at - operation.started_at
        if operation.finished_at and operation.started_at
        else None,
    }
