"""Of checks and removals of the same webhooks at the same time, one at a time calls the system."""

import threading
import time
from datetime import timedelta

import pytest
from django.db import connection as database
from django.db import transaction
from django.test.utils import CaptureQueriesContext

from hub.audit import ActorContext, AuditRow
from hub.connections.actions.disconnection import disconnect_account
from hub.connections.credentials.connector_context import open_credential
from hub.connections.credentials.provider_call import Patience, TimeSlice
from hub.connections.models import Connection
from hub.db.clock import clock
from hub.incoming.endpoints.create import endpoint_url
from hub.incoming.models import InboundEndpoint, WebhookSubscription
from hub.incoming.registration.actions import (
    SubscriptionActionRefused,
    check_subscription,
    repair_subscription,
)
from hub.incoming.registration.lease import claim_check, removal_lease
from hub.incoming.registration.scheduling.checks import forget_registrations, request_check
from hub.incoming.registration.unregister import unregister_webhooks
from hub.queue import WakeUp, acknowledge_wake_up
from tests.hub.incoming.registration.pipedrive_company import check, run_due_check, state_of

pytestmark = pytest.mark.django_db(transaction=True)
SYSTEM = ActorContext.system()
MINUTE = timedelta(minutes=1)


def disconnect(connection):
    with transaction.atomic():
        disconnect_account(Connection.unscoped.get(pk=connection.pk), SYSTEM, now=clock())


def unregister(connection, credential, company, *, account="701", now=clock):
    return unregister_webhooks(
        Connection.unscoped.get(pk=connection.pk),
        credential,
        now(),
        account=account,
        call=company,
        time_slice=TimeSlice.begin(now),
        patience=Patience(timedelta(0), time.sleep),
        progress={},
    )


def meanwhile(company, method, act):
    """Return a call of the system during which `act` happens, once, at the first such request."""
    pending = [act]

    def call(request):
        if request.method == method and pending:
            pending.pop()()
        return company(request)

    return call


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_check_that_is_requested_during_another_waits_for_its_end(connection, company, method):
    claimed = []

    def check_again():
        endpoint = InboundEndpoint.unscoped.get()
        request_check(endpoint, is_awaited=True, now=clock())
        claimed.append(run_due_check(endpoint, company))

    endpoint = check(connection, meanwhile(company, method, check_again))
    assert claimed == [False] and company.writes == ["POST"]
    assert WakeUp.objects.get(name=f"register:{endpoint.pk}").requested_at
    assert run_due_check(endpoint, company)
    assert (company.writes, state_of(connection)) == (["POST"], ("verified", ""))


def test_the_end_of_a_removal_is_stored_by_the_id_of_its_endpoint(connection, company):
    endpoint = check(connection, company)
    with CaptureQueriesContext(database) as captured, removal_lease(endpoint, clock):
        pass
    assert '"incoming_inboundendpoint"."id" = ' in captured[-1]["sql"]  # leases have no index
    assert claim_check(InboundEndpoint.unscoped.get(), now=clock() + timedelta(days=30))


def read_subscription():
    """Return the subscription as if it had been checked long ago."""
    WebhookSubscription.unscoped.update(checked_at=None)
    return WebhookSubscription.unscoped.select_related("endpoint__connection").get()


def test_the_second_of_two_who_request_a_check_reads_that_one_runs(connection, company):
    endpoint = check(connection, company)
    check_subscription(read_subscription(), SYSTEM, now=clock())
    with pytest.raises(SubscriptionActionRefused, match="being checked already"):
        check_subscription(read_subscription(), SYSTEM, now=clock())
    acknowledge_wake_up(f"register:{endpoint.pk}:awaited")
    assert run_due_check(endpoint, company)
    check_subscription(read_subscription(), SYSTEM, now=clock())
    assert AuditRow.objects.filter(verb="webhook_subscription.check").count() == 2


def test_during_a_check_no_other_is_requested_and_a_repair_follows_it(connection, company):
    check(connection, company)
    subscription = read_subscription()
    request_check(subscription.endpoint, now=clock())
    lease = claim_check(subscription.endpoint, now=clock())
    with pytest.raises(SubscriptionActionRefused):
        check_subscription(subscription, SYSTEM, now=clock())
    repair_subscription(subscription, SYSTEM, now=clock())
    assert claim_check(subscription.endpoint, now=clock()) is None
    lease.finish_check(next_check_at=clock() + MINUTE, now=clock())
    assert claim_check(subscription.endpoint, now=clock())


def run_together(count, act):
    """Call `act()` in threads at the same time; return what they returned."""
    barrier, results = threading.Barrier(count), []

    def run():
        try:
            barrier.wait(10)
            results.append(act())
        finally:
            database.close()

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return results


@pytest.mark.skipif(database.vendor == "sqlite", reason="one writer at a time")
def test_of_requests_and_claims_at_the_same_time_one_is_first(make, connection):
    subscription = make.webhook_subscription(connection)

    def request():
        try:
            check_subscription(subscription, SYSTEM, now=clock())
        except SubscriptionActionRefused:
            return False
        return True

    assert sorted(run_together(4, request)) == [False, False, False, True]
    endpoint = subscription.endpoint
    claims = run_together(4, lambda: claim_check(endpoint, now=clock()) is not None)
    assert sorted(claims) == [False, False, False, True]


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_disconnect_during_a_check_leaves_no_webhook_of_ours(connection, company, method):
    connection.tenant.routes.update(event_type="pipedrive.*")  # a webhook for each object
    credential, outcomes = open_credential(connection, None), []

    def end():
        disconnect(connection)
        outcomes.append(unregister(connection, credential, company))

    check(connection, meanwhile(company, method, end))
    assert outcomes[0].reason == "check_running"
    assert len(company.webhooks) == (1 if method == "POST" else 0)  # the call that was in progress
    assert unregister(connection, credential, company) is None
    assert company.webhooks == {} and not WebhookSubscription.unscoped.exists()
    endpoint = InboundEndpoint.unscoped.get()
    InboundEndpoint.unscoped.update(next_check_at=clock())
    assert run_due_check(endpoint, company) and company.webhooks == {}


def test_a_check_that_begins_during_the_removal_is_refused(connection, company):
    endpoint = check(connection, company)
    credential, claims = open_credential(connection, None), []
    disconnect(connection)

    def check_again():
        request_check(endpoint, now=clock())
        claims.append(claim_check(endpoint, now=clock()))

    removal = meanwhile(company, "DELETE", check_again)
    assert unregister(connection, credential, removal) is None
    assert claims == [None] and company.webhooks == {}


def test_a_check_of_a_replaced_account_stores_and_creates_nothing_more(connection, company):
    connection.tenant.routes.update(event_type="pipedrive.*")
    credential = open_credential(connection, None)

    def replace():
        with transaction.atomic():
            Connection.unscoped.filter(pk=connection.pk).update(account="702")
            forget_registrations(connection, now=clock())

    endpoint = check(connection, meanwhile(company, "POST", replace))
    assert company.writes == ["POST"]
    assert set(WebhookSubscription.unscoped.values_list("external_id", flat=True)) == {""}
    assert claim_check(endpoint, now=clock() + MINUTE / 2) is None  # the call may be in progress
    later = clock() + 2 * MINUTE
    assert unregister(connection, credential, company, now=lambda: later) is None
    assert company.webhooks == {}


def test_a_check_whose_lease_has_expired_leaves_the_rest_to_its_successor(connection, company):
    def overtake():
        endpoint = InboundEndpoint.unscoped.get()
        assert claim_check(endpoint, now=clock() + 2 * MINUTE)

    check(connection, meanwhile(company, "GET", overtake))
    assert company.writes == [] and state_of(connection) == ("wanted", "")


@pytest.fixture
def other(make):
    """Another connection to the same account."""
    secret = {"access_token": "v1u:test-access", "refresh_token": "v1r:other"}
    other = make.connection(connector="pipedrive", account="701", secret=secret)
    make.route(
        tenant=other.tenant,
        event_type="pipedrive.person.*",
        origin_connector_key="pipedrive",
        connector="webhook",
    )
    return other


def test_another_connection_leaves_the_webhooks_of_one_whose_url_cannot_be_read(
    connection, other, company
):
    endpoint, others = check(connection, company), check(other, company)
    InboundEndpoint.unscoped.filter(pk=endpoint.pk).update(sealed=others.sealed)
    check(other, company)
    assert company.find(endpoint_url(endpoint)) and len(company.webhooks) == 2


def test_another_connection_leaves_the_webhooks_of_a_disconnect_that_can_be_undone(
    connection, other, company
):
    endpoint = check(connection, company)
    with transaction.atomic():
        row = Connection.unscoped.get(pk=connection.pk)
        disconnect_account(row, SYSTEM, can_be_undone=True, now=clock())
    check(other, company)
    assert company.find(endpoint_url(endpoint)) and len(company.webhooks) == 2
