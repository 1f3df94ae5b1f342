"""When the webhooks at a provider are checked, and by whom."""

from datetime import timedelta

import pytest
from django.conf import settings

from hub.audit import ActorContext
from hub.db.clock import clock
from hub.incoming.endpoints.create import endpoint_url
from hub.incoming.models import InboundEndpoint, WebhookSubscription
from hub.incoming.registration.check import RegistrationCheckContext, check_endpoint
from hub.incoming.registration.lease import claim_check
from hub.incoming.registration.scheduling.checks import (
    create_missing_endpoints,
    request_check,
    request_connection_check,
    wake_up_due_registrations,
)
from hub.incoming.tasks import check_registrations
from hub.outgoing.subscriptions.route_actions import delete_route
from hub.queue import WakeUp
from hub.throttle.models import BackgroundShare, QuotaState
from tests.hub.incoming.registration.pipedrive_company import check, state_of

pytestmark = pytest.mark.django_db(transaction=True)


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
    context = RegistrationCheckContext(
        company, clock, lambda seconds: None, lambda: 0.5, not is_awaited
    )
    check_endpoint(claim_check(endpoint, now=clock()), context)
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

    endpoint = check(connection, request_meanwhile)
    assert endpoint.next_check_at <= clock()
