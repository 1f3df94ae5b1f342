"""A fact becomes an event, and a delivery for each route and connection that it matches."""

import pytest
from django.db import IntegrityError, transaction

from hub.outgoing.intake.event_input import EventConflict, EventInput
from hub.outgoing.intake.publish import publish, publish_batch, publish_independently
from hub.outgoing.models import Delivery, Event, EventBody
from hub.queue import WakeUp
from tenants.models import Tenant
from tests.factories import MINUTE, NOON, ORDER

pytestmark = pytest.mark.django_db


@pytest.fixture
def acme(make):
    return make.tenant("acme")


def publish_event(tenant, type="order.created", data=None, **fields):
    return publish(tenant, type, ORDER if data is None else data, now=NOON, **fields)


def states(event):
    return sorted((row.state, row.reason) for row in event.deliveries.all())


@pytest.mark.parametrize(
    ("pattern", "matched"),
    [
        ("order.created", 1),
        ("order.*", 1),
        ("*", 1),
        ("order", 0),
        ("order.creat.*", 0),
        ("ord.*", 0),
    ],
)
def test_a_pattern_means_a_type_or_a_beginning_of_whole_words(make, acme, pattern, matched):
    make.route(make.connection(acme), event_type=pattern)
    assert publish_event(acme).deliveries.count() == matched


def test_an_event_that_no_route_wants_is_kept_and_says_so(acme):
    event = publish_event(acme)
    event.refresh_from_db()
    assert (event.reason, EventBody.objects.filter(event_id=event.pk).count()) == ("no_route", 1)


def test_a_route_without_a_connection_means_every_connection_of_the_tenant(make, acme):
    for _ in range(2):
        make.connection(acme)
    make.connection()  # another tenant's
    make.route(tenant=acme)
    assert publish_event(acme).deliveries.count() == 2


def test_a_route_of_the_platform_is_every_tenants(make, acme):
    make.connection(acme)
    mapping = make.mapping()
    make.route(connector="webhook", mapping=mapping)
    assert states(publish_event(acme)) == [("waiting", "")]
    assert states(publish_event(make.tenant())) == [("held", "not_connected")]


def test_a_route_of_another_tenant_is_not(make, acme):
    make.route(make.connection())
    assert states(publish_event(acme)) == []


def test_a_route_that_is_switched_off_takes_nothing(make, acme):
    make.route(make.connection(acme), enabled=False)
    assert states(publish_event(acme)) == []


@pytest.mark.parametrize(
    ("filter", "state"),
    [
        ("data.total > `10`", ("waiting", "")),
        ("data.total > `100`", ("skipped", "filtered")),
        ("contains(data.total, 'x')", ("held", "filter_failed")),
    ],
)
def test_a_filter_lets_through_refuses_or_fails(make, acme, filter, state):
    make.route(make.connection(acme), filter=filter)
    assert states(publish_event(acme)) == [state]


def test_a_filter_that_fails_hurts_no_other_route(make, acme):
    connection = make.connection(acme)
    make.route(connection, filter="contains(data.total, 'x')")
    make.route(connection)
    assert states(publish_event(acme)) == [("held", "filter_failed"), ("waiting", "")]


def test_what_a_suspended_tenant_has_for_our_own_application_is_held(make, acme):
    make.route(make.connection(connector="app"), tenant=acme, action="send_event")
    acme.suspend("unpaid", now=NOON)
    assert states(publish_event(acme)) == [("held", "tenant_suspended")]


def test_the_same_fact_again_is_the_first_event(make, acme):
    make.route(make.connection(acme))
    assert publish_event(acme, id="o-1") == publish_event(acme, id="o-1")
    assert Delivery.unscoped.count() == 1


def test_the_same_id_from_another_source_is_another_event(acme):
    assert publish_event(acme, id="o-1", source="app") != publish_event(
        acme, id="o-1", source="api"
    )


@pytest.mark.parametrize("other", [{"data": {}}, {"type": "order.paid"}, {"occurred_at": NOON}])
def test_the_same_id_with_another_body_is_a_conflict(acme, other):
    publish_event(acme, id="o-1")
    with pytest.raises(EventConflict, match="o-1"):
        publish_event(acme, id="o-1", **other)


def test_one_conflict_in_a_batch_publishes_nothing(acme):
    facts = [
        EventInput(acme, "order.created", {"a": n}, id) for n, id in enumerate(("x", "y", "x"))
    ]
    with pytest.raises(EventConflict) as conflict:
        publish_batch(facts, source="app", now=NOON)
    assert (conflict.value.index, Event.unscoped.count()) == (2, 0)


def test_the_same_fact_twice_in_a_batch_is_one_event(acme):
    fact = EventInput(acme, "order.created", ORDER, "x")
    first, second = publish_batch([fact, fact], source="app", now=NOON)
    assert (first.is_new, second.is_new, first.event) == (True, False, second.event)


def test_a_conflict_among_concurrent_events_concerns_its_own_only(make, acme):
    make.route(make.connection(acme))
    publish_event(acme, id="x")
    facts = [
        EventInput(acme, "order.created", {"a": n}, id) for n, id in enumerate(("w", "x", "y"))
    ]
    first, conflict, last = publish_independently(facts, source="app", now=NOON)
    assert isinstance(conflict, EventConflict)
    assert [told.event.sender_id for told in (first, last)] == ["w", "y"]
    assert Delivery.unscoped.count() == 3


@pytest.mark.django_db(transaction=True)
def test_where_one_cannot_be_stored_none_of_those_beside_it_is(acme):
    facts = [
        EventInput(acme, "order.created", ORDER),
        EventInput(Tenant(pk=acme.pk + 1), "order.created", ORDER),
    ]
    with pytest.raises(IntegrityError):
        publish_independently(facts, source="app", now=NOON)
    assert not Event.unscoped.exists()


def test_what_is_published_says_what_it_began_with(make, acme):
    connection = make.connection(acme)
    make.route(connection)
    fact = EventInput(acme, "order.created", ORDER, "x")
    answers = [publish_batch([fact], source="app", now=NOON)[0] for _ in range(2)]
    assert [(told.is_new, len(told.deliveries)) for told in answers] == [(True, 1), (False, 1)]
    first, again = (told.deliveries[0] for told in answers)
    assert (first.public_id, first.connection) == (again.public_id, connection)


def test_what_is_published_belongs_to_the_callers_transaction(make, acme):
    make.route(make.connection(acme))
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        publish_event(acme)
        raise ZeroDivisionError
    assert (Event.unscoped.count(), Delivery.unscoped.count()) == (0, 0)


def test_the_lane_is_due_and_the_pump_is_rung_at_commit(
    make, acme, django_capture_on_commit_callbacks
):
    connection = make.connection(acme)
    make.route(connection)
    with django_capture_on_commit_callbacks(execute=True):
        publish_event(acme)
    connection.lane.refresh_from_db()
    assert (connection.lane.due_at, WakeUp.objects.filter(name="pump").exists()) == (NOON, True)


def test_a_lane_that_is_due_earlier_stays_so(make, acme):
    connection = make.connection(acme)
    make.route(connection)
    publish_event(acme)
    publish(acme, "order.created", ORDER, now=NOON + MINUTE)
    connection.lane.refresh_from_db()
    assert connection.lane.due_at == NOON


def test_a_batch_takes_a_fixed_number_of_statements(make, acme, django_assert_num_queries):
    make.route(make.connection(acme))
    counts = []
    for size in (1, 20):
        with django_assert_num_queries(10, exact=False) as told:
            publish_batch(
                [EventInput(acme, "order.created", ORDER, f"{size}-{n}") for n in range(size)],
                source="app",
                now=NOON,
            )
        counts.append(len(told))
    assert counts[0] == counts[1]
