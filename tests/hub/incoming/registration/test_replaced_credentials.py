"""Webhooks at a provider while passwords, accounts and tokens are replaced."""

import json
import time
from datetime import datetime, timedelta

import pytest

from connectors.http import Response
from hub.audit import ActorContext
from hub.connections.actions.disconnection import disconnect_account
from hub.connections.credentials.connector_context import open_credential
from hub.connections.credentials.provider_call import Patience, TimeSlice
from hub.connections.credentials.revoke import attempt_revocation
from hub.connections.models import Connection, Revocation
from hub.db.clock import clock
from hub.incoming.endpoints.create import endpoint_url
from hub.incoming.endpoints.rotate import MAX_OVERLAP, OVERLAP, rotate_endpoint_secret
from hub.incoming.models import InboundEndpoint, WebhookSubscription
from hub.incoming.registration.lease import RegistrationLeaseLost, claim_check
from hub.incoming.registration.scheduling.checks import (
    forget_registrations,
    request_connection_check,
)
from hub.incoming.registration.unregister import unregister_webhooks
from tests.hub.incoming.registration.pipedrive_company import (
    OLD_TOKEN,
    PipedriveCompany,
    check,
    state_of,
)

pytestmark = pytest.mark.django_db(transaction=True)
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
        time_slice=TimeSlice.begin(clock),
        patience=Patience(timedelta(0), time.sleep),
        progress={},
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
    endpoint, now = check(connection, company), clock()
    InboundEndpoint.unscoped.update(next_check_at=now)
    lease = claim_check(endpoint, now=now)
    lease.extend(now=now + timedelta(seconds=50))
    endpoint.refresh_from_db()
    assert endpoint.next_check_at == now + timedelta(seconds=110)
    request_connection_check(connection, now=now)
    lease.extend(now=now + timedelta(seconds=55))
    endpoint.refresh_from_db()
    assert endpoint.next_check_at == now
    lease.release()
    with pytest.raises(RegistrationLeaseLost):
        lease.extend(now=now)


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
