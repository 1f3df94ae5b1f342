"""Our webhooks at Pipedrive follow the routes; the network is replaced by a company's webhooks."""

import json
import time
from datetime import datetime, timedelta

import pytest
from django.conf import settings
from django.db import transaction

from connectors.http import Response
from hub.audit import ActorContext
from hub.connections.actions.disconnection import disconnect_account
from hub.connections.credentials.connector_context import open_credential
from hub.connections.credentials.provider_call import Patience
from hub.connections.credentials.revoke import attempt_revocation
from hub.connections.models import Connection, Revocation
from hub.db.clock import clock
from hub.incoming.endpoints.create import endpoint_url, get_or_create_connection_endpoint
from hub.incoming.endpoints.rotate import MAX_OVERLAP, OVERLAP, rotate_endpoint_secret
from hub.incoming.models import InboundEndpoint, WebhookSubscription
from hub.incoming.registration.check import (
    RegistrationCheckContext,
    check_endpoint,
    claim_check,
    extend_claim,
)
from hub.incoming.registration.schedule import (
    create_missing_endpoints,
    forget_registrations,
    request_check,
    request_connection_check,
    wake_up_due_registrations,
)
from hub.incoming.registration.unregister import unregister_webhooks
from hub.incoming.tasks import check_registrations
from hub.outgoing.subscriptions.route_actions import delete_route
from hub.queue import WakeUp
from hub.throttle.models import BackgroundShare, QuotaState

pytestmark = pytest.mark.django_db(transaction=True)
OLD_TOKEN = "v1u:test-access"
FOREIGN = {
    "event_object": "person",
    "event_action": "*",
    "subscription_url": "https://x.test/",
    "version": "2.0",
}
RENEWED = {
    "access_token": "v1u:new",
    "refresh_token": "v1r:new",
    "token_type": "bearer",
    "expires_in": 3600,
    "scope": "base,admin",
    "api_domain": "https://acme.pipedrive.com",
}


class PipedriveCompany:
    """The webhooks of a company, as https://developers.pipedrive.com/docs/api/v1/Webhooks says."""

    def __init__(self):
        self.webhooks, self.writes, self.status = {}, [], 200
        self.refuses_writes = False

    def __call__(self, request):
        if self.status != 200:
            body = {"success": False, "error": "Scope and URL mismatch"}
            return Response(self.status, json.dumps(body).encode())
        if request.method == "GET":
            return self.answer(list(self.webhooks.values()))
        if self.refuses_writes:
            return Response(403, b'{"success": false, "error": "not yours"}')
        self.writes.append(request.method)
        if request.method == "POST":
            return self.answer(self.add(**request.json))
        self.webhooks.pop(int(request.url.rpartition("/")[2]), None)
        return self.answer({})

    def add(self, **fields):
        id = len(self.writes) + len(self.webhooks) + 100
        self.webhooks[id] = {"id": id, "is_active": 1, **fields}
        return self.webhooks[id]

    def find(self, url):
        (webhook,) = [entry for entry in self.webhooks.values() if entry["subscription_url"] == url]
        return webhook

    def answer(self, data):
        return Response(200, json.dumps({"success": True, "data": data}).encode())


@pytest.fixture
def company():
    return PipedriveCompany()


@pytest.fixture
def connection(make):
    connection = make.connection(
        connector="pipedrive",
        account="701",
        secret={"access_token": OLD_TOKEN, "refresh_token": "v1r:test"},
        permissions=["base", "contacts:full", "admin"],
    )
    make.route(
        tenant=connection.tenant,
        event_type="pipedrive.person.*",
        origin_connector_key="pipedrive",
        connector="webhook",
    )
    return connection


def check(connection, company):
    endpoint = get_or_create_connection_endpoint(connection, now=clock())
    endpoint = InboundEndpoint.unscoped.select_related("connection__credential").get(pk=endpoint.pk)
    InboundEndpoint.unscoped.filter(pk=endpoint.pk).update(next_check_at=clock())
    assert claim_check(endpoint, now=clock())
    check_endpoint(endpoint, RegistrationCheckContext(company, clock, time.sleep, lambda: 0.5))
    return endpoint


def state_of(connection):
    subscription = WebhookSubscription.unscoped.get(endpoint__connection=connection)
    return subscription.state, subscription.reason


def test_a_route_registers_the_webhook_of_its_object_with_url_and_password(connection, company):
    endpoint = check(connection, company)
    webhook = company.find(endpoint_url(endpoint))
    assert (webhook["event_object"], webhook["event_action"]) == ("person", "*")
    assert webhook["subscription_url"] == endpoint_url(endpoint)
    user, password = webhook["http_auth_user"], webhook["http_auth_password"]
    assert f"{user}:{password}" == endpoint.open()["secrets"][0]["secret"]
    assert state_of(connection) == ("verified", "")


def test_a_quiet_check_writes_nothing(connection, company):
    check(connection, company)
    company.writes.clear()
    check(connection, company)
    assert (company.writes, state_of(connection)) == ([], ("verified", ""))


def test_what_somebody_deleted_or_changed_comes_back_and_a_foreign_webhook_stays(
    connection, company
):
    endpoint = check(connection, company)
    foreign = company.add(
        event_object="person", event_action="*", subscription_url="https://x.test/"
    )
    other_hub = company.add(
        event_object="person",
        event_action="*",
        subscription_url="https://other-hub.test/hooks/pipedrive/key/",
    )
    (ours,) = [
        hook
        for hook in company.webhooks.values()
        if hook["subscription_url"] == endpoint_url(endpoint)
    ]
    del company.webhooks[ours["id"]]
    check(connection, company)
    (again,) = [
        hook
        for hook in company.webhooks.values()
        if hook["subscription_url"] == endpoint_url(endpoint)
    ]
    again["http_auth_password"] = "changed by somebody"
    check(connection, company)
    (repaired,) = [
        hook
        for hook in company.webhooks.values()
        if hook["subscription_url"] == endpoint_url(endpoint)
    ]
    assert repaired["http_auth_password"] != "changed by somebody"
    assert {foreign["id"], other_hub["id"]} < company.webhooks.keys()
    assert state_of(connection) == ("verified", "")


def test_an_orphan_of_ours_is_removed(connection, company):
    company.add(
        event_object="deal",
        event_action="*",
        subscription_url=f"{settings.HUB_PUBLIC_URL}/hooks/pipedrive/an-old-key/",
    )
    check(connection, company)
    assert [hook["event_object"] for hook in company.webhooks.values()] == ["person"]


def test_without_the_permission_nothing_is_called_and_the_reason_is_stored(connection, company):
    connection.permissions = ["base", "contacts:full"]
    connection.save()
    check(connection, company)
    assert (company.webhooks, state_of(connection)) == ({}, ("wanted", "permission_missing"))


def test_a_refusal_is_stored_with_its_reason_and_tried_again_later(connection, company):
    company.status = 403
    endpoint = check(connection, company)
    assert state_of(connection) == ("wanted", "permission_missing")
    endpoint.refresh_from_db()
    assert endpoint.next_check_at > clock()


def test_what_no_route_wants_any_more_is_removed(connection, company):
    check(connection, company)
    connection.tenant.routes.update(enabled=False)
    check(connection, company)
    assert not company.webhooks
    assert not WebhookSubscription.unscoped.exists()


def test_before_a_revocation_the_webhooks_are_removed(connection, company):
    check(connection, company)
    credential = open_credential(connection, None)
    with transaction.atomic():
        connection.disconnect(keeps_events=True, now=clock())
    connection.refresh_from_db()
    since, patience = clock(), Patience(timedelta(seconds=3), time.sleep)

    def unregister(clock):
        return unregister_webhooks(
            connection,
            credential,
            since,
            account=connection.account,
            call=company,
            clock=clock,
            patience=patience,
        )

    company.status = 503
    assert unregister(clock) is not None
    assert unregister(lambda: since + timedelta(minutes=11)) is None
    company.status = 200
    assert unregister(clock) is None
    assert not company.webhooks


def test_a_new_connection_has_an_endpoint_and_a_due_check_and_a_changed_route_another(connection):
    create_missing_endpoints(now=clock())
    endpoint = InboundEndpoint.unscoped.get(connection=connection)
    assert WakeUp.objects.filter(name=f"register:{endpoint.pk}").exists()
    assert claim_check(endpoint, now=clock()) and not claim_check(endpoint, now=clock())
    InboundEndpoint.unscoped.update(planned_at=clock(), next_check_at=clock() + timedelta(hours=1))
    wake_up_due_registrations(now=clock())
    endpoint.refresh_from_db()
    assert endpoint.next_check_at > clock()
    connection.tenant.routes.update(changed_at=clock() + timedelta(seconds=1))
    wake_up_due_registrations(now=clock())
    endpoint.refresh_from_db()
    assert endpoint.next_check_at <= clock()


def test_the_webhook_of_a_deleted_route_is_removed_with_the_next_sweep(connection, company):
    endpoint = check(connection, company)
    delete_route(connection.tenant.routes.get(), ActorContext.system(), now=clock())
    WakeUp.objects.all().delete()
    wake_up_due_registrations(now=clock())
    assert WakeUp.objects.filter(name=f"register:{endpoint.pk}").exists()
    check(connection, company)
    assert company.webhooks == {}
    assert not WebhookSubscription.unscoped.exists()


def test_a_deleted_route_of_another_tenant_or_system_makes_no_check_due(make, connection, company):
    endpoint = check(connection, company)
    for route in (
        make.route(tenant=make.tenant("globex"), origin_connector_key="pipedrive"),
        make.route(tenant=connection.tenant),
    ):
        delete_route(route, ActorContext.system(), now=clock())
    endpoint.refresh_from_db()
    assert endpoint.next_check_at > clock()


def test_a_route_that_was_committed_while_its_endpoint_was_planned_is_not_overlooked(
    connection, company
):
    endpoint = check(connection, company)
    connection.tenant.routes.update(changed_at=clock() - timedelta(seconds=2))
    wake_up_due_registrations(now=clock())
    endpoint.refresh_from_db()
    assert endpoint.next_check_at <= clock()


@pytest.mark.parametrize("is_awaited", [True, False])
def test_a_check_that_a_person_awaits_may_use_what_background_work_leaves_free(
    connection, company, is_awaited
):
    endpoint = check(connection, company)
    BackgroundShare.objects.create(connector_key="pipedrive", quota_name="account", percent=1)
    QuotaState.objects.filter(kind="account").update(
        used_units=1_000, window_ends=clock() + timedelta(hours=1), usage_buckets=[]
    )
    company.webhooks.clear()
    InboundEndpoint.unscoped.filter(pk=endpoint.pk).update(next_check_at=clock())
    endpoint = InboundEndpoint.unscoped.select_related("connection__credential").get(pk=endpoint.pk)
    context = RegistrationCheckContext(
        company, clock, lambda seconds: None, lambda: 0.5, not is_awaited
    )
    check_endpoint(endpoint, context)
    assert bool(company.webhooks) is is_awaited


def test_a_requested_check_is_the_same_task_in_another_manner(connection, company):
    endpoint = check(connection, company)
    request_check(endpoint, is_awaited=True, now=clock())
    name = f"register:{endpoint.pk}:awaited"
    assert WakeUp.objects.filter(name=name).exists()
    InboundEndpoint.unscoped.filter(pk=endpoint.pk).delete()
    check_registrations(name)  # of an endpoint that is gone
    assert not WakeUp.objects.filter(name=name, requested_at__isnull=False).exists()


def test_a_repair_that_fails_again_and_again_waits_longer_and_counts(connection, company):
    endpoint = check(connection, company)
    company.find(endpoint_url(endpoint))["http_auth_password"] = "changed by somebody"
    company.refuses_writes = True
    for _ in range(3):
        endpoint = check(connection, company)
    subscription = WebhookSubscription.unscoped.get(endpoint=endpoint)
    assert (subscription.state, subscription.failure_count) == ("drifted", 3)
    endpoint.refresh_from_db()
    assert endpoint.next_check_at - clock() > timedelta(minutes=3)


def test_an_orphan_that_cannot_be_removed_waits_for_the_ordinary_check(connection, company):
    endpoint = check(connection, company)
    url = f"{settings.HUB_PUBLIC_URL}/hooks/pipedrive/an-old-key/"
    company.add(event_object="deal", event_action="*", subscription_url=url)
    company.refuses_writes = True
    check(connection, company)
    endpoint.refresh_from_db()
    assert endpoint.next_check_at - clock() > timedelta(minutes=25)
    assert state_of(connection) == ("verified", "")


def test_a_repair_creates_before_it_deletes(connection, company):
    endpoint = check(connection, company)
    company.find(endpoint_url(endpoint))["http_auth_password"] = "changed by somebody"
    company.writes.clear()
    check(connection, company)
    assert company.writes == ["POST", "DELETE"]


def test_a_reconnected_account_is_checked_at_once(connection, company):
    endpoint = check(connection, company)
    request_connection_check(connection, now=clock())
    endpoint.refresh_from_db()
    assert endpoint.next_check_at <= clock()


def test_a_check_that_is_requested_during_another_is_not_forgotten(connection, company):
    endpoint = check(connection, company)

    def request_meanwhile(request):
        request_connection_check(connection, now=clock())
        return company(request)

    InboundEndpoint.unscoped.update(next_check_at=clock())
    assert claim_check(endpoint, now=clock())
    check_endpoint(
        endpoint, RegistrationCheckContext(request_meanwhile, clock, time.sleep, lambda: 0.5)
    )
    endpoint.refresh_from_db()
    assert endpoint.next_check_at <= clock()


def test_the_old_password_ends_a_day_after_the_system_has_the_new_one(connection, company):
    endpoint, now = check(connection, company), clock()
    company.refuses_writes = True
    rotate_endpoint_secret(endpoint, ActorContext.system(), now=now)
    endpoint = check(connection, company)
    assert read_old_end(endpoint) == now + MAX_OVERLAP
    company.refuses_writes = False
    endpoint = check(connection, company)
    assert read_old_end(endpoint) < clock() + OVERLAP


def read_old_end(endpoint):
    endpoint.refresh_from_db()
    return datetime.fromisoformat(endpoint.open()["secrets"][1]["until"])


def test_a_replaced_account_keeps_no_webhook_of_ours_and_its_ids_are_forgotten(connection, company):
    endpoint = check(connection, company)
    credential = open_credential(connection, None)
    id = WebhookSubscription.unscoped.get().external_id
    Connection.unscoped.filter(pk=connection.pk).update(account="702")
    connection.refresh_from_db()
    forget_registrations(connection, now=clock())
    assert WebhookSubscription.unscoped.get().external_id == ""

    other = PipedriveCompany()
    other.webhooks[int(id)] = {"id": int(id), "is_active": 1} | FOREIGN
    check(connection, other)
    assert other.webhooks[int(id)]["subscription_url"] == FOREIGN["subscription_url"]

    unregister_webhooks(
        connection,
        credential,
        clock(),
        account="701",
        call=company,
        clock=clock,
        patience=Patience(timedelta(0), time.sleep),
    )
    assert not company.webhooks
    assert other.find(endpoint_url(endpoint))["event_object"] == "person"
    assert state_of(connection) == ("verified", "")


def test_a_defect_in_a_check_is_recorded_as_a_failure_and_tried_later(connection, company):
    def fail(request):
        raise ZeroDivisionError

    endpoint = check(connection, fail)
    assert state_of(connection) == ("wanted", "internal_error")
    endpoint.refresh_from_db()
    assert endpoint.next_check_at - clock() > timedelta(seconds=50)


def test_a_check_that_goes_on_keeps_its_claim_and_a_requested_one_stays_due(connection, company):
    endpoint = check(connection, company)
    InboundEndpoint.unscoped.update(next_check_at=clock() + timedelta(seconds=5))
    extend_claim(endpoint, now=clock())
    endpoint.refresh_from_db()
    assert endpoint.next_check_at - clock() > timedelta(seconds=50)
    request_connection_check(connection, now=clock())
    extend_claim(endpoint, now=clock())
    endpoint.refresh_from_db()
    assert endpoint.next_check_at <= clock()


def test_an_expired_token_is_refreshed_once_and_then_the_webhooks_are_removed(
    make, connection, company
):
    check(connection, company)
    make.app("pipedrive", {"client_id": "id", "client_secret": "s" * 16})
    disconnect_account(connection, ActorContext.system(), now=clock())
    refreshes = []

    def call(request):
        if "/oauth/token" in request.url:
            refreshes.append(request)
            return Response(200, json.dumps(RENEWED).encode())
        if request.bearer == OLD_TOKEN:
            return Response(401, b'{"success": false, "error": "unauthorized access"}')
        return company(request) if "/webhooks" in request.url else Response(200)

    attempt_revocation(Revocation.unscoped.get(), call=call, clock=clock)
    assert (len(refreshes), company.webhooks) == (1, {})


def test_a_failure_keeps_the_call_with_its_answer_and_without_secrets(connection, company):
    endpoint = check(connection, company)
    company.find(endpoint_url(endpoint))["http_auth_password"] = "changed by somebody"
    company.refuses_writes = True
    check(connection, company)
    kept = WebhookSubscription.unscoped.get().evidence["failed_call"]
    assert kept.startswith("POST ") and '403 {"success": false, "error": "not yours"}' in kept
    assert OLD_TOKEN not in kept

    company.refuses_writes = False
    check(connection, company)
    assert "failed_call" not in WebhookSubscription.unscoped.get().evidence
