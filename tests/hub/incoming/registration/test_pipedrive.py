"""Our webhooks at Pipedrive follow the routes; the network is replaced by a company's webhooks."""

import time
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import transaction

from hub.connections.credentials.connector_context import open_credential
from hub.connections.credentials.provider_call import Patience, TimeSlice
from hub.db.clock import clock
from hub.incoming.endpoints.create import endpoint_url
from hub.incoming.models import WebhookSubscription
from hub.incoming.registration.unregister import unregister_webhooks
from tests.hub.incoming.registration.pipedrive_company import check, state_of

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_route_registers_the_webhook_of_its_object_with_url_and_password(connection, company):
    endpoint = check(connection, company)
    webhook = company.find(endpoint_url(endpoint))
    assert (webhook["event_object"], webhook["event_action"]) == ("person", "*")
    assert webhook["subscription_url"] == endpoint_url(endpoint)
    user, password = webhook["http_auth_user"], webhook["http_auth_password"]
    assert f"{user}:{password}" == endpoint.open()["secrets"][0]["secret"]
    assert state_of(connection) == ("verified", "")


@pytest.mark.corrections(item="2.4")
def test_a_subscription_is_not_verified_while_its_check_fails(connection, company):
    check(connection, company)
    company.status = 500
    check(connection, company)
    assert state_of(connection) == ("unconfirmed", "permission_missing")
    company.status = 200
    check(connection, company)
    assert state_of(connection) == ("verified", "")


def test_a_quiet_check_writes_nothing(connection, company):
    check(connection, company)
    company.writes.clear()
    check(connection, company)
    assert (company.writes, state_of(connection)) == ([], ("verified", ""))


def test_a_deleted_or_changed_webhook_is_restored_and_a_foreign_one_stays(connection, company):
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


def test_one_that_no_route_wants_any_more_is_removed_although_it_was_pointed_elsewhere(
    connection, company
):
    endpoint = check(connection, company)
    company.find(endpoint_url(endpoint))["subscription_url"] = "https://elsewhere.test/"
    connection.tenant.routes.update(enabled=False)
    check(connection, company)
    assert not company.webhooks


def test_an_unwanted_one_is_known_until_the_system_has_removed_it(connection, company):
    check(connection, company)
    connection.tenant.routes.update(enabled=False)
    company.refuses_writes = True
    check(connection, company)
    assert WebhookSubscription.unscoped.get().is_wanted is False
    company.refuses_writes = False
    check(connection, company)
    assert not company.webhooks and not WebhookSubscription.unscoped.exists()


def test_a_route_of_another_account_registers_nothing(make, connection, company):
    other = make.connection(connection.tenant, "pipedrive", account="702", secret={})
    connection.tenant.routes.update(origin=other)
    check(connection, company)
    assert not company.webhooks


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
            time_slice=TimeSlice.begin(clock),
            patience=patience,
            progress={},
        )

    company.status = 503
    assert unregister(clock) is not None
    assert unregister(lambda: since + timedelta(minutes=11)) is None
    company.status = 200
    assert unregister(clock) is None
    assert not company.webhooks
