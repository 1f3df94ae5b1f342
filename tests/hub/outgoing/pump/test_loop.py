"""What the pump does with what is due."""

from datetime import timedelta

import pytest

from connectors.http import Response
from hub.egress import EgressRefused, RequestNotSent, ResponseNotReceived
from hub.outgoing.models import Attempt, Delivery, Exchange
from hub.outgoing.pump.loop import run_pump
from tests.factories import MINUTE, NOON
from tests.fakes import FakeHttp

pytestmark = pytest.mark.django_db


def pump(http, at=NOON):
    run_pump(clock=lambda: at, open_client=http.outlet, random=lambda: 0, idle_seconds=0)
    return http


def test_an_event_arrives_signed_and_leaves_its_evidence(make):
    delivery = make.delivery()
    http = pump(FakeHttp(Response(200, b"thanks")))
    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempt_count, delivery.reason) == ("delivered", 1, "")
    (request,) = http.requests
    assert request.content() == b'{"number":"A-1001"}'
    assert request.headers["webhook-id"] == delivery.message_id
    attempt = Attempt.unscoped.get(delivery=delivery)
    exchange = Exchange.objects.get(pk=attempt.exchange)
    assert (attempt.outcome, exchange.status, bytes(exchange.response_body)) == (
        "delivered",
        200,
        b"thanks",
    )


def test_waits_after_a_hiccup(make):
    delivery = make.delivery()
    pump(FakeHttp(Response(500)))
    delivery.refresh_from_db()
    assert (delivery.state, delivery.due_at) == ("waiting", NOON + timedelta(seconds=5))


def test_a_503_with_a_short_retry_after_does_not_shorten_the_schedule(make):
    delivery = make.delivery()
    overloaded = Response(503, headers={"retry-after": "30"}, at=NOON)
    pump(FakeHttp(overloaded))
    second = NOON + timedelta(seconds=30)
    pump(FakeHttp(Response(503, headers={"retry-after": "30"}, at=second)), at=second)
    delivery.refresh_from_db()
    assert (delivery.attempt_count, delivery.due_at) == (2, second + 5 * MINUTE)
    assert pump(FakeHttp(), at=second + MINUTE).requests == []
    assert len(pump(FakeHttp(), at=second + 5 * MINUTE).requests) == 1


def test_the_same_bytes_and_id_go_again(make):
    delivery = make.delivery()
    first = pump(FakeHttp(Response(500))).requests[0]
    make.version(delivery.route.mapping, {"other": "data.number"})
    second = pump(FakeHttp(), at=NOON + MINUTE).requests[0]
    assert (first.content(), first.headers["webhook-id"]) == (
        second.content(),
        second.headers["webhook-id"],
    )


def test_a_429_costs_no_attempt_and_pauses_for_exactly_its_retry_after(make):
    delivery = make.delivery()
    http = FakeHttp([Response(429, headers={"retry-after": "300"}, at=NOON), Response(200)])
    pump(http)
    pump(http, at=NOON + timedelta(seconds=299))
    assert len(http.requests) == 1
    pump(http, at=NOON + timedelta(seconds=300))
    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempt_count) == ("delivered", 1)


@pytest.mark.parametrize(
    ("fault", "state", "reason", "unsure"),
    [
        (RequestNotSent("dns_failed", "example.com"), "waiting", "dns_failed", False),
        (ResponseNotReceived("timed_out", "example.com"), "waiting", "timed_out", True),
        (EgressRefused("denied_address", "example.com"), "held", "egress_refused", False),
    ],
)
def test_each_network_fault_has_its_own_outcome(make, fault, state, reason, unsure):
    delivery = make.delivery()
    pump(FakeHttp(fault))
    delivery.refresh_from_db()
    assert (delivery.state, delivery.reason, delivery.possibly_delivered) == (state, reason, unsure)


def test_a_broken_mapping_holds_its_own_row_and_no_other(make):
    connection = make.connection()
    broken = make.delivery(connection, body={"due": "format_date(data.number, 'YYYY')"})
    make.route(connection)
    whole = make.event(connection.tenant).deliveries.last()
    pump(FakeHttp())
    broken.refresh_from_db()
    whole.refresh_from_db()
    assert (broken.state, broken.reason, broken.attempt_count) == ("held", "mapping_failed", 0)
    assert whole.state == "delivered"


def test_a_delivery_fails_at_the_end_of_its_schedule(make):
    delivery = make.delivery(retry_schedule=[1])
    pump(FakeHttp(Response(500)))
    pump(FakeHttp(Response(500)), at=NOON + MINUTE)
    delivery.refresh_from_db()
    assert (delivery.state, delivery.reason, delivery.attempt_count) == ("failed", "exhausted", 2)


def test_410_disables_the_endpoint_and_holds_what_waits(make):
    delivery = make.delivery()
    pump(FakeHttp(Response(410)))
    delivery.refresh_from_db()
    delivery.connection.refresh_from_db()
    assert (delivery.state, delivery.connection.state, delivery.connection.reason) == (
        "waiting",
        "disabled",
        "gone",
    )


def test_what_a_dead_pump_left_is_sent_again_and_marked(make):
    delivery = make.delivery()
    Delivery.unscoped.update(state="sending", attempt_count=1)
    lane = delivery.connection.lane
    lane.lease, lane.lease_until = delivery.public_id, NOON - MINUTE
    lane.save()
    pump(FakeHttp())
    delivery.refresh_from_db()
    assert (
        delivery.state,
        delivery.possibly_delivered,
        delivery.crash_count,
        delivery.attempt_count,
    ) == (
        "delivered",
        True,
        1,
        2,
    )
