"""Checks and removals of webhooks at a slow system let other tasks run, and continue."""

import json
from datetime import timedelta

import pytest
from django_q.models import OrmQ
from django_q.signing import SignedPackage

from connectors.http import Response
from hub.audit import ActorContext, AuditRow
from hub.connections.actions.disconnection import disconnect_account
from hub.connections.connecting.reconnect import replace_credential
from hub.connections.models import Connection, Lane, Revocation
from hub.connections.tasks import wake_up_due_revocations
from hub.incoming.endpoints.create import get_or_create_connection_endpoint
from hub.incoming.models import InboundEndpoint, WebhookSubscription
from hub.incoming.registration.scheduling.checks import request_check, wake_up_due_registrations
from hub.queue import WakeUp, wake_up
from tests.hub.incoming.registration.pipedrive_company import check
from tests.hub.incoming.registration.slow_system import (
    Killed,
    SlowSystem,
    run_check_once,
    run_revocation_once,
    run_to_the_end,
)
from tests.hub.incoming.registration.test_replaced_credentials import OLD_TOKEN, RENEWED
from tests.hub.incoming.registration.test_salesforce import Organisation

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.corrections(item="2.8")]
OBJECTS = ["activity", "deal", "lead", "note", "organization", "person"]
SYSTEM = ActorContext.system()


@pytest.fixture
def connection(connection):
    """The connection; its routes want a webhook for each of six objects."""
    connection.tenant.routes.update(event_type="pipedrive.*")
    return connection


def prepare_check(connection, slow, *, is_awaited=False):
    endpoint = get_or_create_connection_endpoint(connection, now=slow.now)
    request_check(endpoint, is_awaited=is_awaited, now=slow.now)
    return endpoint


def list_objects(company):
    return sorted(webhook["event_object"] for webhook in company.webhooks.values())


def list_states():
    return set(WebhookSubscription.unscoped.values_list("state", flat=True))


# --- checks ---------------------------------------------------------------------------------------


def test_a_check_ends_after_ten_seconds_and_what_was_queued_meanwhile_goes_first(
    connection, company
):
    slow = SlowSystem(company, 3)
    endpoint = prepare_check(connection, slow)
    OrmQ.objects.all().delete()
    wake_up("register:4711", now=slow.now)
    run_check_once(slow)
    assert len(slow.requests) == 4  # they began after 0, 3, 6 and 9 seconds
    queued = [SignedPackage.loads(row.payload)["args"][0] for row in OrmQ.objects.order_by("pk")]
    assert queued == ["register:4711", f"register:{endpoint.pk}"]
    endpoint.refresh_from_db()
    assert (endpoint.next_check_at, endpoint.registration_lease) == (slow.now, None)


@pytest.mark.parametrize("seconds", [0, 3, 5, 9.9])
def test_a_check_in_slices_does_the_same_and_creates_nothing_twice(connection, company, seconds):
    slow = SlowSystem(company, seconds)
    prepare_check(connection, slow)
    run_to_the_end(run_check_once, slow)
    assert (slow.count("GET"), company.writes, list_objects(company)) == (1, ["POST"] * 6, OBJECTS)
    assert list_states() == {"verified"} and max(slow.measure_slices()) < 10
    endpoint = InboundEndpoint.unscoped.get()
    assert endpoint.next_check_at - slow.now == timedelta(minutes=63)  # an hour and its spread
    assert (endpoint.registration_lease, endpoint.check_progress) == (None, None)


def test_a_change_of_many_calls_and_a_list_of_two_pages_continue_in_their_middle(make):
    connection = make.connection(
        connector="salesforce",
        account="00D000000000001AAA",
        secret={"access_token": "00D!session"},
        settings={"instance_url": "https://acme.my.salesforce.com"},
    )
    make.route(
        tenant=connection.tenant,
        event_type="salesforce.order.created",
        origin_connector_key="salesforce",
        connector="webhook",
    )
    organisation = Organisation()
    organisation.lets_activate = True
    slow = SlowSystem(organisation, 9.9)  # two calls in each slice
    prepare_check(connection, slow)
    run_to_the_end(run_check_once, slow)
    assert [write.partition(" ")[0] for write in organisation.writes] == ["POST", "POST", "PATCH"]
    assert list_states() == {"verified"} and len(slow.requests) == 9
    request_check(InboundEndpoint.unscoped.get(), now=slow.now)
    slow.seconds = 10  # one call in each slice
    run_to_the_end(run_check_once, slow)
    assert len(slow.requests) == 9 + 2 + 2  # both lists, and the details of message and flow
    assert len(organisation.writes) == 3


def test_a_repair_in_slices_creates_once_and_deletes_the_old_one(connection, company):
    check(connection, company)
    for webhook in company.webhooks.values():
        webhook["http_auth_password"] = "changed by somebody"
    old_ids = set(company.webhooks)
    slow = SlowSystem(company, 10)
    prepare_check(connection, slow)
    run_to_the_end(run_check_once, slow)
    assert company.writes[6:] == ["POST", "DELETE"] * 6 and len(slow.slices) == 13
    assert list_objects(company) == OBJECTS and not old_ids & set(company.webhooks)
    assert list_states() == {"verified"}


def test_a_check_whose_wake_up_was_lost_is_resumed_by_the_sweep_where_it_stopped(
    connection, company
):
    slow = SlowSystem(company, 5)
    endpoint = prepare_check(connection, slow)
    run_check_once(slow)
    WakeUp.objects.all().delete()
    wake_up_due_registrations(now=slow.now)
    assert WakeUp.objects.filter(name=f"register:{endpoint.pk}").exists()
    run_to_the_end(run_check_once, slow)
    assert (slow.count("GET"), company.writes) == (1, ["POST"] * 6)


@pytest.mark.parametrize("kill_at", [1, 2, 3, 4, 7])
def test_a_check_that_is_killed_at_any_call_is_resumed_and_creates_nothing_twice(
    connection, company, kill_at
):
    slow = SlowSystem(company, 4, kill_at=kill_at)
    prepare_check(connection, slow)
    with pytest.raises(Killed):
        run_to_the_end(run_check_once, slow)
    WakeUp.objects.all().delete()
    wake_up_due_registrations(now=slow.now)
    assert not WakeUp.objects.exists()  # it may still run
    slow.sleep(61)
    wake_up_due_registrations(now=slow.now)
    assert WakeUp.objects.exists()
    run_to_the_end(run_check_once, slow)
    assert (company.writes, list_objects(company)) == (["POST"] * 6, OBJECTS)
    assert list_states() == {"verified"}


def test_a_refusal_of_an_earlier_slice_is_counted_once_and_makes_the_next_check_earlier(
    connection, company
):
    def refuse_leads(request):
        if request.method == "POST" and request.json["event_object"] == "lead":
            return Response(403, b'{"success": false, "error": "not yours"}')
        return company(request)

    slow = SlowSystem(refuse_leads, 6)
    prepare_check(connection, slow)
    run_to_the_end(run_check_once, slow)
    failed = WebhookSubscription.unscoped.get(failure_count__gt=0)
    assert (failed.key, failed.failure_count, slow.count("POST")) == ("lead", 1, 6)
    assert InboundEndpoint.unscoped.get().next_check_at - slow.now == timedelta(seconds=63)


def test_a_check_that_is_requested_between_two_slices_lists_again(connection, company):
    slow = SlowSystem(company, 5)
    endpoint = prepare_check(connection, slow)
    run_check_once(slow)
    company.webhooks.clear()  # a person deletes what is there, and asks for a check
    request_check(endpoint, now=slow.now)
    run_to_the_end(run_check_once, slow)
    assert slow.count("GET") == 2 and list_objects(company) == OBJECTS


def test_what_no_route_wants_any_more_between_two_slices_is_removed(connection, company):
    slow = SlowSystem(company, 4)
    prepare_check(connection, slow)
    run_check_once(slow)
    assert list_objects(company) == ["activity", "deal"]
    connection.tenant.routes.update(event_type="pipedrive.person.*")
    run_to_the_end(run_check_once, slow)
    assert list_objects(company) == ["person"] and WebhookSubscription.unscoped.count() == 1


def test_a_check_that_a_person_awaits_is_awaited_in_all_slices(connection, company):
    slow = SlowSystem(company, 5)
    endpoint = prepare_check(connection, slow, is_awaited=True)
    run_check_once(slow, is_awaited=True)
    assert WakeUp.objects.get(requested_at__isnull=False).name == f"register:{endpoint.pk}:awaited"


# --- removals before a revocation -----------------------------------------------------------------


@pytest.fixture
def account(make, connection, company):
    """Return a call of the account, with six webhooks, whose connection was disconnected."""
    check(connection, company)
    make.app("pipedrive", {"client_id": "id", "client_secret": "s" * 16})
    disconnect_account(Connection.unscoped.get(pk=connection.pk), SYSTEM, now=check_time())
    return lambda request: company(request) if "/webhooks" in request.url else Response(200)


def check_time():
    return InboundEndpoint.unscoped.get().subscriptions.first().checked_at


def read_revocation():
    return AuditRow.objects.get(verb="connection.revoke").after


@pytest.mark.parametrize("seconds", [0, 3, 5, 10])
def test_a_revocation_in_slices_removes_each_webhook_once_and_is_one_attempt(
    account, company, seconds
):
    slow = SlowSystem(account, seconds)
    run_to_the_end(run_revocation_once, slow)
    assert (slow.count("GET"), company.writes[6:]) == (1, ["DELETE"] * 6)
    assert max(slow.measure_slices()) < 10 and not Revocation.unscoped.exists()
    assert (read_revocation()["revoked"], read_revocation()["attempt_count"]) == (True, 1)
    assert not WebhookSubscription.unscoped.exists()


@pytest.mark.parametrize("kill_at", [1, 3, 5, 8])
def test_a_revocation_that_is_killed_is_resumed_by_the_sweep(account, company, kill_at):
    slow = SlowSystem(account, 4, kill_at=kill_at)
    with pytest.raises(Killed):
        run_to_the_end(run_revocation_once, slow)
    WakeUp.objects.all().delete()
    slow.sleep(61)
    wake_up_due_revocations(now=slow.now)
    assert WakeUp.objects.exists()
    run_to_the_end(run_revocation_once, slow)
    assert company.webhooks == {} and read_revocation()["revoked"]


def test_a_revocation_with_an_expired_token_refreshes_it_once_in_all_slices(account, company):
    def refuse_old_token(request):
        if "/oauth/token" in request.url:
            return Response(200, json.dumps(RENEWED).encode())
        if request.bearer == OLD_TOKEN:
            return Response(401, b'{"success": false, "error": "unauthorized access"}')
        return account(request)

    slow = SlowSystem(refuse_old_token, 10)
    run_to_the_end(run_revocation_once, slow)
    assert sum("/oauth/token" in request for request in slow.requests) == 1
    assert company.webhooks == {} and read_revocation()["revoked"]


def test_the_removal_of_webhooks_delays_a_revocation_by_ten_minutes_at_most(account, company):
    slow = SlowSystem(account, 10)
    run_revocation_once(slow)
    slow.sleep(600)
    run_to_the_end(run_revocation_once, slow)
    assert len(slow.slices) == 3 and read_revocation()["revoked"]


def test_webhooks_of_a_connection_that_came_and_went_between_two_slices_are_removed(
    account, connection, company
):
    slow = SlowSystem(account, 5)
    run_revocation_once(slow)  # lists six, and removes one
    Connection.unscoped.update(state="healthy", reason="")
    Lane.unscoped.update(hold_reason="")
    secret = {"access_token": OLD_TOKEN, "refresh_token": "v1r:test"}
    replace_credential(connection, secret, {}, "reconnected", now=slow.now)
    check(Connection.unscoped.get(), company)
    assert list_objects(company) == OBJECTS
    Connection.unscoped.update(state="disabled", reason="disconnected")
    run_to_the_end(run_revocation_once, slow)
    assert company.webhooks == {}
