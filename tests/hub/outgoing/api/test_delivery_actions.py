"""Deliveries decided about by REST: retried, cancelled, sent again, tried now."""

import pytest

from connectors.http import Response
from hub.audit import AuditRow
from hub.db.clock import clock
from hub.outgoing.models import Delivery, Event
from tests.fakes import FakeHttp
from tests.hub.outgoing.api.deliveries import DELIVERIES, EVENTS, delivery_url
from tests.hub.outgoing.pump.test_loop import pump

pytestmark = pytest.mark.django_db


def test_a_dead_delivery_is_retried_and_the_audit_tells_who(shop, delivery):
    Delivery.unscoped.update(state="failed", reason="exhausted")
    response = shop.post(delivery_url(delivery, "retry"))
    assert (response.status_code, response.json()["state"]) == (200, "waiting")
    row = AuditRow.objects.get()
    assert (row.verb, row.tenant_reference, row.object_id) == (
        "delivery.retry",
        "acme",
        str(delivery.public_id),
    )
    assert (row.before["state"], row.after["state"]) == ("failed", "waiting")
    assert row.request_id == response["X-Request-Id"]


def test_a_waiting_delivery_is_cancelled(shop, delivery):
    assert (
        shop.post(delivery_url(delivery, "cancel")).json()["sentence"] == "A person cancelled it."
    )
    assert AuditRow.objects.get().verb == "delivery.cancel"


def test_a_delivered_one_is_sent_again_as_a_new_delivery(shop, delivery):
    pump(FakeHttp())
    response = shop.post(delivery_url(delivery, "send-again"))
    document = response.json()
    assert (response.status_code, document["replay_number"], document["state"]) == (
        201,
        1,
        "waiting",
    )
    assert response["Location"] == document["url"] != delivery_url(delivery)
    assert AuditRow.objects.get().after["delivery"] == document["id"]


@pytest.mark.parametrize(
    ("verb", "state"), [("retry", "delivered"), ("cancel", "failed"), ("send-again", "waiting")]
)
def test_what_its_state_forbids_changes_nothing(shop, delivery, verb, state):
    Delivery.unscoped.update(state=state)
    answer = shop.post(delivery_url(delivery, verb))
    assert (answer.status_code, answer.json()["code"]) == (409, "wrong-state")
    assert answer.json()["detail"].startswith(f"The delivery is {state}.")
    assert (Delivery.unscoped.get().state, AuditRow.objects.count()) == (state, 0)


def test_a_request_without_a_key_is_unauthenticated(shop):
    stranger = "01a21100-0000-7000-8000-000000000001"
    for url in (
        f"{EVENTS}/{stranger}",
        f"{EVENTS}/nobody",
        f"{EVENTS}/a%00b",
        f"{EVENTS}/%ED%A0%80",
        f"{DELIVERIES}/{stranger}",
        f"{DELIVERIES}/x",
        "/api/v1/nothing",
    ):
        assert shop.get(url).json()["code"] == "not-found"
    assert Event.unscoped.count() == 0


# --- over the platform's own connection -----------------------------------------------------------


@pytest.fixture
def platform_delivery(make, acme):
    make.route(
        make.connection(connector="app"), tenant=acme, action="send_event", body={"type": "type"}
    )
    return make.event(acme).deliveries.get()


VERBS = {"retry": "failed", "cancel": "waiting", "skip": "held", "send-again": "delivered"}


@pytest.mark.parametrize(("verb", "state"), VERBS.items())
def test_a_tenants_key_does_not_change_a_delivery_to_our_own_application(
    shop, platform, platform_delivery, verb, state
):
    Delivery.unscoped.update(state=state)
    answer = shop.post(delivery_url(platform_delivery, verb))
    assert (answer.status_code, answer.json()["code"]) == (403, "permission-denied")
    assert shop.get(delivery_url(platform_delivery)).json()["state"] == state
    assert Delivery.unscoped.count() == 1
    assert platform.post(delivery_url(platform_delivery, verb)).status_code in (200, 201)


def test_nor_one_that_waits_for_our_own_application_to_be_connected(make, shop, acme):
    make.route(tenant=acme, connector="app", action="send_event", body={"type": "type"})
    waiting = make.event(acme).deliveries.get()
    assert (waiting.state, waiting.connection) == ("held", None)
    assert shop.post(delivery_url(waiting, "cancel")).status_code == 403


def test_a_waiting_delivery_is_tried_now_and_audited(shop, delivery):
    pump(FakeHttp(Response(400, b"no such field")), at=clock())
    document = shop.get(delivery_url(delivery)).json()
    assert (
        document["sentence"]
        == "The endpoint responded with status 400, which only its operator can fix."
    )
    assert document["action"] == "Fix the endpoint, then retry now."
    response = shop.post(delivery_url(delivery, "retry"))
    assert (response.status_code, response.json()["state"]) == (200, "waiting")
    assert len(pump(FakeHttp(), at=clock()).requests) == 1
    assert AuditRow.objects.get(verb="delivery.retry").tenant_reference == "acme"
