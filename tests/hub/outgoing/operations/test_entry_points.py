"""Admin, portal and REST do the same to a delivery and write the same audit row."""

import pytest
from django.test import Client

from hub.audit import AuditRow
from hub.connections.models import Lane
from hub.outgoing.models import Delivery
from tests.factories import NOON
from tests.hub.outgoing.operating import put

pytestmark = pytest.mark.django_db

ENTRY_POINTS = ("admin", "portal", "rest")
STATES = {  # by action: a state and reason in which it is possible, and one in which it is not
    "retry": (("failed", "exhausted"), ("delivered", "")),
    "send_again": (("delivered", ""), ("held", "mapping_failed")),
    "cancel": (("held", "mapping_failed"), ("failed", "exhausted")),
    "skip": (("failed", "exhausted"), ("delivered", "")),
}
COLUMNS = (
    "state",
    "reason",
    "detail",
    "replay_number",
    "low_priority",
    "crash_count",
    "attempt_count",
    "quota_queue",
    "position",
    "message_uuid",
)


@pytest.fixture
def apply_action(make, api):
    """Do an action to a delivery by an entry point, as somebody who may."""

    def apply_action(entry_point, action, delivery):
        if entry_point == "rest":
            url = f"/api/v1/deliveries/{delivery.public_id}/{action.replace('_', '-')}"
            return api.of(delivery.tenant).post(url)
        client = Client()
        if entry_point == "admin":
            client.force_login(make.staff(is_superuser=True))
            return client.post(
                f"/admin/outgoing/delivery/{delivery.pk}/verbs/{action}/", {"reason": "why"}
            )
        client.force_login(make.membership(delivery.tenant, make.user(), role="admin").user)
        return client.post(
            f"/t/{delivery.tenant.reference}/deliveries/{delivery.public_id}/{action}"
        )

    return apply_action


def outcome(make, act, entry_point, action, state, reason):
    """What the action leaves: the deliveries, whether their lane is due, and the audit row without
    who and when.
    """
    delivery = make.delivery(make.connection(make.tenant(f"acme-{entry_point}")))
    put([delivery], state, reason, crash_count=2)
    Lane.unscoped.update(due_at=None)
    act(entry_point, action, delivery)
    deliveries = Delivery.unscoped.filter(event=delivery.event_id).order_by("pk")
    names = {str(row.public_id): f"delivery {number}" for number, row in enumerate(deliveries)}
    rows = [{name: getattr(row, name) for name in COLUMNS} for row in deliveries]
    for row in rows:
        row["message_uuid"] = row["message_uuid"] == delivery.message_uuid
    lane_is_due = Lane.unscoped.get(pk=delivery.connection_id).due_at is not None
    audit = [
        (
            row.verb,
            row.tenant_reference == delivery.tenant.reference,
            names[row.object_id],
            row.before,
            {**row.after, "delivery": names[row.after["delivery"]]},
        )
        for row in AuditRow.objects.filter(verb__startswith="delivery.").order_by("pk")
        if row.object_id in names
    ]
    return rows, lane_is_due, audit


@pytest.mark.parametrize("action", STATES)
def test_every_entry_point_does_and_audits_the_same(make, apply_action, action):
    state, reason = STATES[action][0]
    outcomes = [outcome(make, apply_action, name, action, state, reason) for name in ENTRY_POINTS]
    rows, lane_is_due, ((verb, is_of_tenant, subject, before, after),) = outcomes[0]
    assert (verb, is_of_tenant, subject) == (f"delivery.{action}", True, "delivery 0")
    assert before == {"state": state, "reason": reason}
    assert after == {
        "state": rows[-1]["state"],
        "reason": rows[-1]["reason"],
        "delivery": f"delivery {len(rows) - 1}",
    }
    assert lane_is_due == (action in ("retry", "send_again"))
    assert outcomes[1:] == [outcomes[0], outcomes[0]]


@pytest.mark.parametrize("action", STATES)
def test_what_the_state_forbids_changes_and_audits_nothing_anywhere(make, apply_action, action):
    state, reason = STATES[action][1]
    for name in ENTRY_POINTS:
        rows, lane_is_due, audit = outcome(make, apply_action, name, action, state, reason)
        assert ([row["state"] for row in rows], lane_is_due, audit) == ([state], False, [])


@pytest.mark.parametrize("action", STATES)
def test_every_entry_point_offers_what_is_possible(make, client, action):
    delivery = make.delivery(make.connection(make.tenant("acme")))
    user = make.staff(is_superuser=True)
    make.membership(delivery.tenant, user, role="admin")
    client.force_login(user)
    for (state, reason), is_offered in zip(STATES[action], (True, False), strict=True):
        put([delivery], state, reason)
        admin = client.get(f"/admin/outgoing/delivery/{delivery.pk}/change/").context["buttons"]
        portal = client.get(f"/t/acme/deliveries/{delivery.public_id}/").context["actions"]
        assert (action in {button["name"] for button in admin}) == is_offered
        assert (action in {offered.action.name for offered in portal}) == is_offered


def test_the_reason_that_staff_give_is_in_the_audit(make, apply_action):
    delivery = make.delivery()
    apply_action("admin", "cancel", delivery)
    assert AuditRow.objects.get(verb="delivery.cancel").reason == "why"


def test_what_cannot_go_keeps_its_lane_asleep(make, apply_action):
    delivery = make.delivery(filter="contains(data.number, `1`)", data={"number": 5}, now=NOON)
    Lane.unscoped.update(due_at=None)
    for name in ENTRY_POINTS:
        apply_action(name, "retry", delivery)
    delivery.refresh_from_db()
    assert (delivery.state, Lane.unscoped.get().due_at) == ("held", None)
