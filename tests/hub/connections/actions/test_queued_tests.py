"""Connection tests that wait for a worker, and the share of a tenant."""

import pytest
from django.urls import reverse

from connectors.http import Response
from hub.audit import Actor, ActorContext, find_audit_rows
from hub.connections import tasks
from hub.connections.actions import connection_actions
from hub.connections.actions.queued_tests import (
    QUEUED_TESTS_MAX_OF_TENANT,
    TEST_DURATION_MAX,
    WAKE_UP_LOST_AFTER,
    _save_test_progress,
    queue_connection_test,
    read_test_progress,
    run_queued_test,
)
from hub.connections.credentials.account_probe import PROBES_BUSY, probe_stored_credential
from hub.connections.credentials.provider_call import (
    PROVIDER_CALL_BUDGET,
    PROVIDER_CALLS_MAX,
    PROVIDER_CALLS_MAX_OF_TENANT,
)
from hub.connections.models import Connection
from hub.queue import WakeUp
from tests.factories import NOON
from tests.fakes import FakeHttp

pytestmark = pytest.mark.django_db
HAND = ActorContext(Actor("user", "1", "olga@example.com"), request_id="r-1")


@pytest.fixture
def connection(make):
    return make.connection(make.tenant("acme"))


@pytest.fixture
def occupy_all_calls(connection):
    """As many calls for the tenant as may be at a time."""
    with PROVIDER_CALL_BUDGET.acquire_for_block(PROVIDER_CALLS_MAX_OF_TENANT, connection.tenant_id):
        yield


@pytest.mark.usefixtures("occupy_all_calls")
def test_beyond_the_share_of_a_tenant_no_system_is_asked(connection, make):
    http = FakeHttp()
    assert (
        probe_stored_credential(connection, call=http.call, now=NOON).reason == PROBES_BUSY
        and not http.requests
    )
    other = make.connection(make.tenant("globex"))
    assert probe_stored_credential(other, call=http.call, now=NOON).passed


@pytest.mark.usefixtures("occupy_all_calls")
def test_a_program_repeats_its_test_and_one_of_staff_is_queued(connection, api, superuser):
    path = f"/api/v1/connections/{connection.public_id}/test"
    answer = api.of(connection.tenant).post(path)
    assert (answer.status_code, answer["Retry-After"]) == (503, "10")
    assert read_test_progress(connection, now=NOON) is None and not WakeUp.objects.exists()
    url = reverse("admin:connections_connection_verb", args=[connection.pk, "test"])
    page = superuser.post(url, follow=True).content.decode()
    assert "A worker runs this one soon" in page
    assert read_test_progress(connection, now=NOON)["state"] == "waiting"


def test_beyond_the_share_of_all_no_system_is_asked(connection):
    with PROVIDER_CALL_BUDGET.acquire_for_block(PROVIDER_CALLS_MAX):
        assert (
            probe_stored_credential(connection, call=FakeHttp().call, now=NOON).reason
            == PROBES_BUSY
        )


def test_a_call_that_ended_leaves_its_room_to_others(connection):
    for response in (Response(200), Response(500)):
        probe_stored_credential(connection, call=FakeHttp(response).call, now=NOON)
    assert PROVIDER_CALL_BUDGET.used == 0


@pytest.mark.usefixtures("occupy_all_calls")
def test_a_test_that_was_not_made_changes_nothing(connection):
    connection_actions.perform_connection_test(connection, HAND, call=FakeHttp().call, now=NOON)
    assert Connection.unscoped.get().checked_at == connection.checked_at
    assert not find_audit_rows(connection).exists()


def test_a_worker_makes_the_test_and_its_result_is_kept(connection):
    assert queue_connection_test(connection, HAND, now=NOON)
    assert read_test_progress(connection, now=NOON)["state"] == "waiting"
    run_queued_test(connection, call=FakeHttp(Response(404)).call, now=NOON)
    progress = read_test_progress(connection, now=NOON)
    assert (progress["state"], progress["result"]["passed"]) == ("done", False)
    row = find_audit_rows(connection).get()
    assert (row.verb, row.actor_label, row.request_id) == (
        "connection.test",
        "olga@example.com",
        "r-1",
    )


def test_a_bell_that_was_rung_twice_makes_one_test(connection):
    queue_connection_test(connection, HAND, now=NOON)
    http = FakeHttp()
    for _ in range(2):
        run_queued_test(connection, call=http.call, now=NOON)
    assert len(http.requests) == 1


def test_of_two_tasks_that_read_the_same_entry_one_makes_the_test(connection):
    queue_connection_test(connection, HAND, now=NOON)
    entry, http = read_test_progress(connection, now=NOON), FakeHttp()
    run_queued_test(connection, call=http.call, now=NOON)
    _save_test_progress(connection, entry)  # as the second task read it
    run_queued_test(connection, call=http.call, now=NOON)
    assert (len(http.requests), find_audit_rows(connection).count()) == (1, 1)


@pytest.mark.usefixtures("occupy_all_calls")
def test_a_queued_test_that_finds_no_room_is_not_audited_as_failed(connection):
    queue_connection_test(connection, HAND, now=NOON)
    run_queued_test(connection, call=FakeHttp().call, now=NOON)
    progress = read_test_progress(connection, now=NOON)
    assert (progress["state"], progress["result"]["reason"]) == ("done", PROBES_BUSY)
    assert not find_audit_rows(connection).exists()


def test_few_tests_of_a_tenant_wait_at_a_time(connection, make):
    others = [make.connection(connection.tenant) for _ in range(QUEUED_TESTS_MAX_OF_TENANT)]
    assert [queue_connection_test(row, HAND, now=NOON) for row in (connection, *others)] == [
        True
    ] * QUEUED_TESTS_MAX_OF_TENANT + [False]
    assert queue_connection_test(connection, HAND, now=NOON)  # it waits already
    assert queue_connection_test(make.connection(make.tenant("globex")), HAND, now=NOON)


def test_a_bell_that_was_lost_keeps_no_other_test_from_waiting(connection, make):
    for row in (make.connection(connection.tenant) for _ in range(QUEUED_TESTS_MAX_OF_TENANT)):
        queue_connection_test(row, HAND, now=NOON)
    assert not queue_connection_test(connection, HAND, now=NOON + WAKE_UP_LOST_AFTER)
    assert queue_connection_test(connection, HAND, now=NOON + 2 * WAKE_UP_LOST_AFTER)


def test_a_test_whose_worker_was_killed_ends_with_the_reason(connection):
    queue_connection_test(connection, HAND, now=NOON)

    def killed(request):
        raise SystemExit

    with pytest.raises(SystemExit):
        run_queued_test(connection, call=killed, now=NOON)
    assert read_test_progress(connection, now=NOON + TEST_DURATION_MAX / 2)["state"] == "running"
    progress = read_test_progress(connection, now=NOON + TEST_DURATION_MAX)
    assert (progress["state"], progress["result"]["reason"]) == ("done", "interrupted")
    assert "Start the test again" in progress["result"]["detail"]


def test_the_bell_of_a_connection_that_is_gone_is_heard():
    WakeUp.objects.create(name="test:999999", requested_at=NOON)
    tasks.run_waiting_test("test:999999")
    assert WakeUp.objects.get().requested_at is None


@pytest.mark.usefixtures("occupy_all_calls")
def test_a_program_learns_when_to_retry(connection, api):
    answer = api.of(connection.tenant, scopes=["connections:write"]).post(
        f"/api/v1/connections/{connection.public_id}/test"
    )
    assert (answer.status_code, answer.json()["code"], answer["Retry-After"]) == (
        503,
        "overloaded",
        "10",
    )
