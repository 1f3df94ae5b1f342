"""Which events an own endpoint gets."""

import pytest

from hub.audit import ActorContext, find_audit_rows
from hub.outgoing.models import Delivery, Route
from hub.outgoing.subscriptions.endpoint_routes import (
    AlreadySubscribed,
    drop_covered_patterns,
    is_overlapping,
    load_endpoint_routes,
    send_test_event,
    subscribe_endpoint,
)
from tests.factories import NOON
from tests.fakes import FakeHttp
from tests.hub.outgoing.pump.test_loop import pump

pytestmark = pytest.mark.django_db

ACTOR = ActorContext.system()


@pytest.fixture
def endpoint(make, acme):
    return make.connection(acme)


def choose_patterns(endpoint, *patterns, **more):
    return subscribe_endpoint(endpoint, patterns, ActorContext.system(), now=NOON, **more)


def test_what_is_chosen_arrives_whole_and_nothing_else(make, acme, endpoint):
    choose_patterns(endpoint, "order.created")
    make.event(acme, data={"number": "A-1"})
    make.event(acme, "order.cancelled")
    http = FakeHttp()
    pump(http)
    (request,) = http.requests
    assert b'"type":"order.created"' in request.body and b"A-1" in request.body


def test_a_choice_of_events_is_audited_with_what_was_chosen_before(endpoint):
    choose_patterns(endpoint, "order.created")
    choose_patterns(endpoint, "order.cancelled", filter="data.total > `5`")
    (first, second) = find_audit_rows(endpoint).filter(verb="endpoint.events").order_by("pk")
    assert first.before == {"types": [], "filter": ""}
    assert second.before == first.after == {"types": ["order.created"], "filter": ""}
    assert second.after == {"types": ["order.cancelled"], "filter": "data.total > `5`"}


def test_another_endpoint_of_the_tenant_gets_none_of_it(make, acme, endpoint):
    other = make.connection(acme)
    choose_patterns(endpoint, "*")
    make.event(acme)
    assert not Delivery.unscoped.filter(connection=other).exists()


def test_what_is_no_longer_chosen_stops_and_can_begin_again(make, acme, endpoint):
    choose_patterns(endpoint, "order.created")
    choose_patterns(endpoint, "order.cancelled")
    assert load_endpoint_routes(endpoint).patterns == ["order.cancelled"]
    choose_patterns(endpoint, "order.created")
    assert Route.unscoped.filter(connection=endpoint).count() == 2


def test_a_filter_holds_for_all_that_is_chosen(make, acme, endpoint):
    choose_patterns(endpoint, "order.created", filter="data.total > `100`")
    make.event(acme, data={"total": 5})
    assert Delivery.unscoped.get().reason == "filtered"


def test_what_reaches_every_endpoint_cannot_be_chosen_again(make, acme, endpoint):
    make.route(connector="webhook", name="All orders")
    with pytest.raises(AlreadySubscribed, match="All orders"):
        choose_patterns(endpoint, "order.*")


@pytest.mark.parametrize(
    ("patterns", "left"),
    [
        (["order.*", "order.created"], ["order.*"]),
        (["*", "order.*", "lead.won"], ["*"]),
        (["order.created", "order.created"], ["order.created"]),
        (["order.item.*", "order.*"], ["order.*"]),
        ([], []),
    ],
)
def test_what_another_choice_takes_too_is_dropped(patterns, left):
    assert drop_covered_patterns(patterns) == left


def test_patterns_overlap_where_one_event_could_match_both():
    assert is_overlapping("order.*", "order.created") and is_overlapping("order.created", "*")
    assert not is_overlapping("order.created", "order.cancelled")


def test_a_test_event_reaches_this_endpoint_alone(make, acme, endpoint):
    other = make.connection(acme)
    choose_patterns(other, "*")
    delivery = send_test_event(endpoint, ACTOR, now=NOON)
    assert [row.connection for row in Delivery.unscoped.all()] == [endpoint]
    pump(FakeHttp())
    delivery.refresh_from_db()
    assert (delivery.state, delivery.event.type) == ("delivered", "hub.test")


def test_tests_are_no_events_that_were_chosen(make, acme, endpoint):
    send_test_event(endpoint, ACTOR, now=NOON)
    send_test_event(endpoint, ACTOR, now=NOON)
    assert load_endpoint_routes(endpoint).received_patterns == [] and Route.unscoped.count() == 1


def test_a_test_waits_while_the_endpoint_is_paused(make, acme, endpoint):
    endpoint.pause("moving", until=None, now=NOON)
    send_test_event(endpoint, ACTOR, now=NOON)
    http = FakeHttp()
    pump(http)
    assert http.requests == []
