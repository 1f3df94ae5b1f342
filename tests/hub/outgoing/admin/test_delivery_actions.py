"""What staff do to a delivery: retried, tried, sent again, cancelled; at their tenants only."""

import pytest
from django.urls import reverse

from connectors.http import Response
from hub.audit import ActorContext, AuditRow
from hub.db.clock import clock
from hub.db.state_machine import InvalidTransition
from hub.outgoing.models import Delivery
from hub.outgoing.operations.delivery_actions import apply_delivery_action
from tests.fakes import FakeHttp
from tests.hub.outgoing.admin.deliveries import page_of, pump

pytestmark = pytest.mark.django_db
LIST = "/admin/outgoing/delivery/"


def verb_of(delivery, name):
    return reverse("admin:outgoing_delivery_verb", args=[delivery.pk, name])


def test_a_retry_sets_a_dead_delivery_going_and_is_audited(root, make):
    delivery = make.delivery()
    delivery.transition_to("failed", reason="exhausted")
    root.post(verb_of(delivery, "retry"))
    delivery.refresh_from_db()
    assert delivery.state == "waiting"
    assert AuditRow.objects.get(verb="delivery.retry").object_id == str(delivery.public_id)


def test_a_waiting_delivery_is_tried_now_and_audited(root, make):
    delivery = make.delivery()
    pump(FakeHttp(Response(500)), at=clock())
    root.post(verb_of(delivery, "retry"))
    http = FakeHttp()
    pump(http, at=clock())
    assert len(http.requests) == 1
    assert AuditRow.objects.get(verb="delivery.retry").object_id == str(delivery.public_id)


def test_a_retry_that_cannot_go_says_why(root, make):
    make.route(tenant=(tenant := make.tenant()))
    delivery = make.event(tenant).deliveries.get()
    text = root.post(verb_of(delivery, "retry"), follow=True).content.decode()
    assert "until the cause is fixed. The system has not been connected yet." in text
    assert "Connect the system.\n</div>" in text


def test_a_refusal_names_the_state_that_somebody_else_has_changed(make):
    delivery = make.delivery()
    Delivery.unscoped.update(state="delivered")
    with pytest.raises(InvalidTransition) as refused:
        apply_delivery_action("cancel", delivery, ActorContext.system(), now=clock())
    assert str(refused.value).startswith("The delivery is delivered.")


def test_sending_again_asks_first_and_keeps_the_outward_id(root, make):
    delivery = make.delivery()
    pump()
    url = verb_of(delivery, "send_again")
    assert "others may show it twice" in root.get(url).content.decode()
    assert Delivery.unscoped.count() == 1
    root.post(url, {"reason": "they lost it"})
    again = Delivery.unscoped.get(replay_number=1)
    assert again.message_uuid == delivery.message_uuid
    assert AuditRow.objects.get(verb="delivery.send_again").reason == "they lost it"


def test_cancelling_keeps_it_from_going(root, make):
    delivery = make.delivery()
    root.post(verb_of(delivery, "cancel"), {"reason": "a mistake"})
    delivery.refresh_from_db()
    assert delivery.state == "cancelled"


@pytest.mark.parametrize("name", ["retry", "send_again", "cancel"])
def test_a_get_changes_nothing(root, make, name):
    delivery = make.delivery()
    before = Delivery.unscoped.values().get()
    root.get(verb_of(delivery, name))
    assert Delivery.unscoped.values().get() == before


def test_a_page_is_read_and_never_posted_to(root, make):
    delivery = make.delivery()
    assert root.post(page_of(delivery), {"state": "delivered"}).status_code == 405
    assert root.post(page_of(delivery, "live")).status_code == 405


def test_staff_of_another_tenant_find_no_delivery(make, staff_of):
    delivery = make.delivery()
    stranger = staff_of(make.tenant())
    assert stranger.get(LIST, {"q": str(delivery.public_id)}).context["cl"].result_count == 0
    for url in (page_of(delivery), page_of(delivery, "live"), verb_of(delivery, "cancel")):
        assert stranger.get(url).status_code == 404
    assert stranger.post(verb_of(delivery, "cancel"), {"reason": "x"}).status_code == 404


def test_staff_of_the_tenant_read_and_act(make, staff_of):
    delivery = make.delivery()
    mine = staff_of(delivery.tenant)
    assert mine.get(page_of(delivery)).status_code == 200
    mine.post(verb_of(delivery, "cancel"), {"reason": "x"})
    delivery.refresh_from_db()
    assert delivery.state == "cancelled"


def test_staff_of_the_tenant_do_not_change_what_goes_to_our_own_application(make, staff_of, root):
    tenant = make.tenant()
    make.route(
        make.connection(connector="app"), tenant=tenant, action="send_event", body={"type": "type"}
    )
    delivery = make.event(tenant).deliveries.get()
    mine = staff_of(tenant)
    assert mine.get(page_of(delivery)).context["buttons"] == []
    assert mine.post(verb_of(delivery, "cancel"), {"reason": "x"}).status_code == 403
    root.post(verb_of(delivery, "cancel"), {"reason": "x"})
    delivery.refresh_from_db()
    assert delivery.state == "cancelled"
