"""Events that an endpoint would get today, and never got."""

from datetime import timedelta

import pytest

from hub.audit import ActorContext
from hub.operations import operation_actions
from hub.outgoing.models import Delivery, Event, EventBody
from hub.outgoing.operations import planning
from hub.outgoing.subscriptions.endpoint_routes import subscribe_endpoint
from tests.factories import NOON
from tests.hub.outgoing.operating import LATER, MEMBER, run_operation

pytestmark = pytest.mark.django_db
LONG_AGO = NOON - timedelta(days=30)


@pytest.fixture
def endpoint(make, acme):
    return make.connection(acme)


def run_backfill(endpoint, since=LONG_AGO):
    operation = planning.plan_backfill(
        endpoint, since=since, reason="it was down", actor=MEMBER, now=LATER
    )
    if operation.count:
        operation_actions.confirm_operation(operation, MEMBER, now=LATER)
        run_operation(operation)
    return operation


def test_what_came_before_the_endpoint_was_there_is_sent(make, acme, endpoint):
    early = make.event(acme)
    make.event(acme, "lead.won")
    subscribe_endpoint(endpoint, ["order.*"], ActorContext.system(), now=NOON)
    operation = run_backfill(endpoint)
    assert (operation.count, operation.processed_count, operation.state) == (1, 1, "finished")
    delivery = Delivery.unscoped.get()
    assert (delivery.event, delivery.state, delivery.low_priority) == (early, "waiting", True)


def test_what_was_delivered_or_filtered_is_not_missing(make, acme, endpoint):
    subscribe_endpoint(
        endpoint, ["*"], ActorContext.system(), filter="data.number == 'A-1'", now=NOON
    )
    make.event(acme, data={"number": "A-1"})
    make.event(acme, data={"number": "A-2"})
    assert run_backfill(endpoint).count == 0


def test_a_second_run_finds_nothing(make, acme, endpoint):
    make.event(acme)
    subscribe_endpoint(endpoint, ["*"], ActorContext.system(), now=NOON)
    assert run_backfill(endpoint).processed_count == 1
    assert run_backfill(endpoint).count == 0


def test_what_two_runs_at_once_plan_goes_once(make, acme, endpoint):
    make.event(acme)
    subscribe_endpoint(endpoint, ["*"], ActorContext.system(), now=NOON)
    plans = [
        planning.plan_backfill(endpoint, since=LONG_AGO, reason="", actor=MEMBER, now=LATER)
        for _ in range(2)
    ]
    for plan in plans:
        operation_actions.confirm_operation(plan, MEMBER, now=LATER)
        run_operation(plan)
    assert [plan.processed_count for plan in plans] == [1, 0] and Delivery.unscoped.count() == 1


def test_an_event_of_another_tenant_is_never_missing(make, acme, endpoint):
    make.event(make.tenant("globex"))
    subscribe_endpoint(endpoint, ["*"], ActorContext.system(), now=NOON)
    assert run_backfill(endpoint).count == 0


def test_an_event_whose_body_is_gone_is_left_out(make, acme, endpoint):
    make.event(acme)
    EventBody.objects.all().delete()
    subscribe_endpoint(endpoint, ["*"], ActorContext.system(), now=NOON)
    assert (run_backfill(endpoint).excluded_count, Delivery.unscoped.count()) == (1, 0)


def test_only_since_then(make, acme, endpoint):
    make.event(acme)
    subscribe_endpoint(endpoint, ["*"], ActorContext.system(), now=NOON)
    newest = Event.unscoped.get()
    assert run_backfill(endpoint, since=newest.accepted_at + timedelta(days=36500)).count == 0


def test_many_are_sent_in_batches(make, acme, endpoint):
    for _ in range(5):
        make.event(acme)
    subscribe_endpoint(endpoint, ["*"], ActorContext.system(), now=NOON)
    assert run_backfill(endpoint).processed_count == 5
