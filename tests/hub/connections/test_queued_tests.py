"""Tests of connections at a time, and those that wait for a worker."""

import pytest

from connectors.wire import Response
from hub.audit import Actor, of
from hub.connections import steer, tasks
from hub.connections.models import Connection
from hub.connections.probe import BUSY, asked
from hub.connections.provider_calls import CALLS, CALLS_MOST, CALLS_MOST_OF_TENANT
from hub.connections.queued_tests import (
    LOST,
    RUNS_MOST,
    WAITING_MOST_OF_TENANT,
    progress_of,
    queue_test,
    run_queued_test,
)
from hub.operations.start import Hand
from hub.queue import WakeUp
from tests.fakes import FakeHttp
from tests.makers import NOON

pytestmark = pytest.mark.django_db
HAND = Hand(Actor("user", "1", "olga@example.com"), request_id="r-1")


@pytest.fixture
def connection(make):
    return make.connection(make.tenant("acme"))


@pytest.fixture
def busy(connection):
    """As many calls for the tenant as may be at a time."""
    with CALLS.taken(CALLS_MOST_OF_TENANT, connection.tenant_id):
        yield


@pytest.mark.usefixtures("busy")
def test_beyond_the_share_of_a_tenant_no_system_is_asked(connection, make):
    http = FakeHttp()
    assert asked(connection, call=http.call, now=NOON).reason == BUSY and not http.requests
    other = make.connection(make.tenant("globex"))
    assert asked(other, call=http.call, now=NOON).lives


def test_beyond_the_share_of_all_no_system_is_asked(connection):
    with CALLS.taken(CALLS_MOST):
        assert asked(connection, call=FakeHttp().call, now=NOON).reason == BUSY


def test_a_call_that_ended_leaves_its_room_to_others(connection):
    for response in (Response(200), Response(500)):
        asked(connection, call=FakeHttp(response).call, now=NOON)
    assert CALLS.used == 0


@pytest.mark.usefixtures("busy")
def test_a_test_that_was_not_made_changes_nothing(connection):
    steer.test(connection, HAND, call=FakeHttp().call, now=NOON)
    assert Connection.unscoped.get().checked_at == connection.checked_at
    assert not of(connection).exists()


def test_a_worker_makes_the_test_and_its_result_is_kept(connection):
    assert queue_test(connection, HAND, now=NOON)
    assert progress_of(connection, now=NOON)["state"] == "waiting"
    run_queued_test(connection, call=FakeHttp(Response(404)).call, now=NOON)
    progress = progress_of(connection, now=NOON)
    assert (progress["state"], progress["result"]["lives"]) == ("done", False)
    row = of(connection).get()
    assert (row.verb, row.actor_label, row.request_id) == ("connection.test", "olga@example.com", "r-1")


def test_a_bell_that_was_rung_twice_makes_one_test(connection):
    queue_test(connection, HAND, now=NOON)
    http = FakeHttp()
    for _ in range(2):
        run_queued_test(connection, call=http.call, now=NOON)
    assert len(http.requests) == 1


def test_few_tests_of_a_tenant_wait_at_a_time(connection, make):
    others = [make.connection(connection.tenant) for _ in range(WAITING_MOST_OF_TENANT)]
    assert [queue_test(row, HAND, now=NOON) for row in (connection, *others)] == [True] * WAITING_MOST_OF_TENANT + [
        False
    ]
    assert queue_test(connection, HAND, now=NOON)  # it waits already
    assert queue_test(make.connection(make.tenant("globex")), HAND, now=NOON)


def test_a_bell_that_was_lost_keeps_no_other_test_from_waiting(connection, make):
    for row in (make.connection(connection.tenant) for _ in range(WAITING_MOST_OF_TENANT)):
        queue_test(row, HAND, now=NOON)
    assert not queue_test(connection, HAND, now=NOON + LOST)
    assert queue_test(connection, HAND, now=NOON + 2 * LOST)


def test_a_test_whose_worker_was_killed_ends_with_the_reason(connection):
    queue_test(connection, HAND, now=NOON)

    def killed(request):
        raise SystemExit

    with pytest.raises(SystemExit):
        run_queued_test(connection, call=killed, now=NOON)
    assert progress_of(connection, now=NOON + RUNS_MOST / 2)["state"] == "running"
    progress = progress_of(connection, now=NOON + RUNS_MOST)
    assert (progress["state"], progress["result"]["reason"]) == ("done", "interrupted")
    assert "Start the test again" in progress["result"]["detail"]


def test_the_bell_of_a_connection_that_is_gone_is_heard():
    WakeUp.objects.create(name="test:999999", requested_at=NOON)
    tasks.test("test:999999")
    assert WakeUp.objects.get().requested_at is None


@pytest.mark.usefixtures("busy")
def test_a_program_is_told_when_to_come_again(connection, api):
    answer = api.of(connection.tenant, scopes=["connections:write"]).post(
        f"/api/v1/connections/{connection.public_id}/test"
    )
    assert (answer.status_code, answer.json()["code"], answer["Retry-After"]) == (503, "overloaded", "10")
