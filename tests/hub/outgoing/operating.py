"""Helpers of the tests of operations: plan and confirm as a person does, run as a worker does."""

from hub.audit import Actor, ActorContext
from hub.operations import operation_actions
from hub.operations.models import Operation
from hub.operations.operation_runner import run_operation as run_for_a_while
from hub.outgoing.models import Delivery
from hub.outgoing.operations import planning
from hub.outgoing.operations.delivery_actions import apply_delivery_action
from tests.factories import MINUTE, NOON

LATER = NOON + MINUTE
STAFF = ActorContext(Actor("user", "1", "ann@example.com"), is_unrestricted=True)
MEMBER = ActorContext(Actor("user", "2", "ben@example.com"), is_unrestricted=False)


class Killed(BaseException):
    """As a SIGKILL: nothing of ours catches it."""


def planned(kind="retry", tenant=None, hand=STAFF, now=LATER, **filter):
    return planning.plan_operation(
        kind,
        filter or {"since": "2000-01-01T00:00Z"},
        tenant=tenant,
        reason="why",
        actor=hand,
        now=now,
    )


def run_operation(operation, *, rest=lambda: None, at=LATER, stopping=lambda: False):
    more = run_for_a_while(operation.pk, clock=lambda: at, pause_between=rest, stopping=stopping)
    operation.refresh_from_db()
    return more


def execute_operation(kind="retry", tenant=None, hand=STAFF, **filter):
    operation = planned(kind, tenant, hand, **filter)
    operation_actions.confirm_operation(operation, hand, now=LATER)
    run_operation(operation)
    return operation


def apply_action(action, delivery, *, actor=STAFF, now=LATER):
    """One action of a person on one delivery, which is read again afterwards; the delivery it
    changed or made.
    """
    changed = apply_delivery_action(action, delivery, actor, now=now)
    delivery.refresh_from_db()
    return changed


def put(rows, state, reason="", **columns):
    stored = {"state": state, "reason": reason, "due_at": None, "state_changed_at": NOON} | columns
    Delivery.unscoped.filter(pk__in=[row.pk for row in rows]).update(**stored)
    for row in rows:
        for name, value in stored.items():
            setattr(row, name, value)
    return rows


def copy_delivery(first, count, **columns):
    """So many deliveries like this one, each of an event of its own."""
    from hub.outgoing.models import Event, EventBody

    body = EventBody.objects.get(pk=first.event_id).body
    facts = {
        "source": "app",
        "type": "order.created",
        "digest": "",
        "occurred_at": NOON,
        "accepted_at": NOON,
    }
    events = Event.unscoped.bulk_create(
        [
            Event(tenant=first.tenant, sender_id=f"{first.pk}-{number}", **facts)
            for number in range(count)
        ]
    )
    EventBody.objects.bulk_create([EventBody(event_id=event.pk, body=body) for event in events])
    same = {
        "route": first.route,
        "connection": first.connection,
        "accepted_at": NOON,
        "state_changed_at": NOON,
    }
    return Delivery.unscoped.bulk_create(
        [Delivery(tenant=first.tenant, event=event, **same, **columns) for event in events]
    )


def list_states():
    return list(Delivery.unscoped.order_by("pk").values_list("state", flat=True))


__all__ = [
    "LATER",
    "MEMBER",
    "STAFF",
    "Killed",
    "Operation",
    "apply_action",
    "execute_operation",
    "copy_delivery",
    "planned",
    "put",
    "run_operation",
    "list_states",
]
