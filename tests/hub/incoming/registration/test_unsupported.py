"""What an account, or its system, has no webhooks for is *unsupported*."""

from datetime import timedelta

import pytest
from django.db import transaction

from connectors.http import Response
from hub.db.clock import clock
from hub.incoming.insight.subscription_status import describe_subscription
from hub.incoming.models import InboundGap, WebhookSubscription
from hub.incoming.registration.scheduling.checks import forget_registrations, request_check
from tests.hub.incoming.registration.pipedrive_company import check, run_due_check, state_of
from tests.hub.incoming.registration.sandbox_account import SandboxAccount

pytestmark = pytest.mark.django_db(transaction=True)
NO_FEATURE = b'{"success": false, "error": "This feature is not enabled"}'
REFUSALS = {
    "pipedrive": (415, NO_FEATURE.decode()),
    "salesforce": (400, '[{"errorCode": "INVALID_TYPE", "message": "not supported"}]'),
}


@pytest.mark.parametrize("system", ["pipedrive", "salesforce"])
def test_an_account_without_webhooks_is_unsupported_and_not_a_failure(make, desk, system):
    account = SandboxAccount(make, desk, system)
    status, body = REFUSALS[system]
    fault = {"account": account.connection.account, "status": status, "body": body}
    desk.fault(system, **fault)
    subscription = account.check()
    assert (subscription.state, subscription.failure_count) == ("unsupported", 0)
    assert describe_subscription(subscription).guide
    assert account.check().state == "unsupported" and account.list_writes() == []
    WebhookSubscription.unscoped.update(checked_at=clock() - timedelta(days=1))
    assert account.check().state == "verified"  # the plan of the account has changed


def test_what_an_account_may_not_register_any_more_is_a_gap_until_it_may(make, desk):
    account = SandboxAccount(make, desk, "pipedrive")
    verified_at = account.check().verified_at
    status, body = REFUSALS["pipedrive"]
    desk.fault("pipedrive", account="701", status=status, body=body)
    assert account.check().state == "unsupported"
    gap = InboundGap.unscoped.get()
    assert (gap.cause, gap.state, gap.from_at < verified_at) == ("disabled", "open", True)
    assert account.check().state == "verified"
    gap.refresh_from_db()
    assert gap.state == "due"


def test_what_the_account_may_not_register_is_asked_for_again_after_a_day(connection, company):
    refusals = RefusesToCreate(company)
    for _check in range(3):
        check(connection, refusals)
    subscription = WebhookSubscription.unscoped.get()
    assert (subscription.state, subscription.failure_count) == ("unsupported", 0)
    assert "not enabled" in subscription.detail and refusals.count == 1
    yesterday = clock() - timedelta(days=1)
    WebhookSubscription.unscoped.update(checked_at=yesterday)
    check(connection, company)
    assert state_of(connection) == ("verified", "")


def test_what_the_account_may_not_register_is_asked_for_again_when_a_person_asks(
    connection, company
):
    endpoint = check(connection, RefusesToCreate(company))
    request_check(endpoint, is_awaited=True, now=clock())
    run_due_check(endpoint, company, low_priority=False)
    assert state_of(connection) == ("verified", "")


class RefusesToCreate:
    """The company; it lists, and has no webhooks to create."""

    def __init__(self, company):
        self.company, self.count = company, 0

    def __call__(self, request):
        if request.method != "POST":
            return self.company(request)
        self.count += 1
        return Response(415, NO_FEATURE)


def test_an_event_type_that_no_webhook_delivers_says_so_until_no_route_names_it(
    make, connection, company
):
    route = make.route(
        tenant=connection.tenant,
        event_type="pipedrive.product.created",
        origin_connector_key="pipedrive",
        connector="webhook",
    )
    check(connection, company)
    unsupported = WebhookSubscription.unscoped.get(key="product.created")
    assert unsupported.state == "unsupported"
    assert "no webhook for this event type" in describe_subscription(unsupported).sentence
    assert [row["event_object"] for row in company.webhooks.values()] == ["person"]
    forget_registrations(connection, now=clock())
    check(connection, company)
    states = dict(WebhookSubscription.unscoped.values_list("key", "state"))
    assert states == {"person": "verified", "product.created": "unsupported"}
    route.enabled = False
    route.save()
    check(connection, company)
    assert state_of(connection) == ("verified", "")


def test_of_a_disconnected_account_no_event_type_is_called_unsupported(make, connection, company):
    make.route(
        tenant=connection.tenant,
        event_type="pipedrive.product.created",
        origin_connector_key="pipedrive",
        connector="webhook",
    )
    check(connection, company)
    with transaction.atomic():
        connection.disconnect(keeps_events=True, now=clock())
    check(connection, company)
    assert not WebhookSubscription.unscoped.filter(key="product.created").exists()
