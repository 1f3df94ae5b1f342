"""What arrives for a disconnected connection is held for its return, or skipped where what waited
was cancelled.
"""

import pytest
from django.urls import reverse

from hub.audit import Actor, ActorContext
from hub.connections.actions.disconnection import disconnect_account
from hub.outgoing.insight.explain import (
    match_effective_reason,
    match_effective_state,
    resolve_effective_state,
)
from hub.outgoing.models import Delivery
from tests.factories import MINUTE, NOON

pytestmark = pytest.mark.django_db

SOMEBODY = ActorContext(Actor("user", "1", "Robin"), is_unrestricted=False)
AGAIN = "Connect the same account again."


@pytest.fixture
def endpoint(make):
    row = make.connection()
    make.route(row)
    return row


def publish_after_disconnect(make, endpoint, *, keeps_events, **event):
    disconnect_account(endpoint, SOMEBODY, keeps_events=keeps_events, now=NOON)
    return make.event(endpoint.tenant, now=NOON + MINUTE, **event).deliveries.get()


def test_where_what_waited_was_cancelled_nothing_more_is_collected(make, endpoint):
    delivery = publish_after_disconnect(make, endpoint, keeps_events=False)
    assert (delivery.state, delivery.reason, delivery.due_at) == ("skipped", "disconnected", None)
    assert not Delivery.unscoped.filter(state__in=("waiting", "held")).exists()
    assert resolve_effective_state(delivery).action == AGAIN


@pytest.mark.parametrize("keeps_events", [True, False])
def test_staff_and_customer_find_what_was_held_or_skipped_by_its_reason(
    make, client, endpoint, keeps_events
):
    delivery = publish_after_disconnect(make, endpoint, keeps_events=keeps_events)
    client.force_login(make.staff(is_superuser=True))
    staffs = client.get(reverse("admin:outgoing_delivery_changelist"), {"reason": "disconnected"})
    assert [row.pk for row in staffs.context["cl"].result_list] == [delivery.pk]
    owner = make.membership(endpoint.tenant, make.user(), "owner").user
    client.force_login(owner)
    page = client.get(f"/t/{endpoint.tenant.reference}/events/", {"reason": "disconnected"})
    assert str(delivery.public_id) in page.content.decode()


def test_where_it_was_to_be_held_it_waits_for_the_same_account(make, endpoint):
    delivery = publish_after_disconnect(make, endpoint, keeps_events=True)
    read = resolve_effective_state(delivery)
    assert (delivery.state, read.state, read.reason, read.action) == (
        "waiting",
        "held",
        "disconnected",
        AGAIN,
    )
    assert (
        Delivery.unscoped.filter(
            match_effective_reason(read.reason), match_effective_state(read.state)
        ).get()
        == delivery
    )


def test_another_connection_of_the_same_route_gets_it_all_the_same(make, endpoint):
    make.connection(endpoint.tenant)
    make.route(tenant=endpoint.tenant, event_type="shared")
    disconnect_account(endpoint, SOMEBODY, keeps_events=False, now=NOON)
    states = (
        make.event(endpoint.tenant, type="shared")
        .deliveries.order_by("pk")
        .values_list("state", flat=True)
    )
    assert list(states) == ["skipped", "waiting"]


def test_an_ordered_queue_does_not_wait_for_what_was_skipped(make):
    row = make.connection()
    make.route(row, ordered=True)
    assert publish_after_disconnect(make, row, keeps_events=False).position is None
    row.refresh_from_db()
    row.mark_healthy(now=NOON + MINUTE)
    assert make.event(row.tenant, id="next").deliveries.get().due_at is not None


def test_what_was_connected_again_gets_what_arrives(make, endpoint):
    disconnect_account(endpoint, SOMEBODY, keeps_events=False, now=NOON)
    endpoint.mark_healthy(now=NOON)
    assert make.event(endpoint.tenant).deliveries.get().state == "waiting"
