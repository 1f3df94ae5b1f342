"""An installation at another URL than the one under which its webhooks were registered."""

import time
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from django.urls import reverse

from hub.audit import ActorContext, AuditRow
from hub.connections.credentials.connector_context import open_credential
from hub.connections.credentials.provider_call import Patience, TimeSlice
from hub.db.clock import clock
from hub.incoming.endpoints.create import endpoint_url
from hub.incoming.models import InboundEndpoint, WebhookAddress, WebhookSubscription
from hub.incoming.registration.actions import SubscriptionActionRefused, repair_subscription
from hub.incoming.registration.installation.address import MoveNotConfirmed, confirm_move
from hub.incoming.registration.unregister import unregister_webhooks
from hub.notices.models import Notice
from tests.hub.incoming.registration.pipedrive_company import check, state_of

pytestmark = pytest.mark.django_db(transaction=True)
SYSTEM = ActorContext.system()
COPY_URL = "https://copy.hub.example"
MOVED = "installation_moved"


@pytest.fixture
def copy(connection, company, settings):
    """The endpoint of a copy, after a check of the original, whose webhook is registered."""
    check(connection, company)
    company.writes.clear()
    settings.HUB_PUBLIC_URL = COPY_URL
    return InboundEndpoint.unscoped.get()


def test_a_copy_at_another_url_observes_the_webhooks_of_the_original(connection, company, copy):
    before = dict(company.webhooks)
    for _ in range(4):
        check(connection, company)
    assert (company.writes, company.webhooks) == ([], before)
    subscription = WebhookSubscription.unscoped.get()
    assert (subscription.state, subscription.reason) == ("unconfirmed", MOVED)
    assert subscription.failure_count == 0 and not Notice.unscoped.exists()
    assert COPY_URL in subscription.detail


def test_a_copy_creates_none_where_the_original_has_none_any_more(connection, company, copy):
    company.webhooks.clear()
    check(connection, company)
    assert company.webhooks == {} and state_of(connection)[1] == MOVED
    with pytest.raises(SubscriptionActionRefused, match="address of this installation"):
        repair_subscription(WebhookSubscription.unscoped.get(), SYSTEM, now=clock())


def test_after_the_move_was_confirmed_the_webhooks_follow(connection, company, copy):
    check(connection, company)
    confirm_move(SYSTEM, reason="the new machine", now=clock())
    copy.refresh_from_db()
    assert copy.next_check_at <= clock()
    check(connection, company)
    assert company.writes == ["POST", "DELETE"] and company.find(endpoint_url(copy))
    assert state_of(connection) == ("verified", "")
    row = AuditRow.objects.get(verb="webhook_address.confirm")
    assert (row.reason, row.after["public_url"], row.tenant) == ("the new machine", COPY_URL, None)


def test_what_did_not_move_cannot_be_confirmed(connection, company):
    with pytest.raises(MoveNotConfirmed):
        confirm_move(SYSTEM, now=clock())
    check(connection, company)
    with pytest.raises(MoveNotConfirmed):
        confirm_move(SYSTEM, now=clock())
    assert not AuditRow.objects.filter(verb="webhook_address.confirm").exists()


def test_a_copy_of_an_installation_that_stored_no_address_learns_it(connection, company, copy):
    WebhookAddress.objects.all().delete()
    check(connection, company)
    assert company.writes == [] and state_of(connection)[1] == MOVED


def test_an_installation_that_stored_no_address_and_did_not_move_goes_on(connection, company):
    endpoint = check(connection, company)
    WebhookAddress.objects.all().delete()
    company.find(endpoint_url(endpoint))["http_auth_password"] = "changed by somebody"
    check(connection, company)
    assert state_of(connection) == ("verified", "") and WebhookAddress.objects.count() == 1


def test_a_disconnect_at_a_copy_leaves_the_webhooks_of_the_original(connection, company, copy):
    credential = open_credential(connection, None)
    with transaction.atomic():
        connection.disconnect(keeps_events=True, now=clock())
    outcome = unregister_webhooks(
        connection,
        credential,
        clock(),
        account="701",
        call=company,
        time_slice=TimeSlice.begin(clock),
        patience=Patience(timedelta(0), time.sleep),
        progress={},
    )
    assert outcome is None and len(company.webhooks) == 1


def test_staff_confirm_the_move_on_the_page_of_a_subscription(staff, connection, company, copy):
    check(connection, company)
    subscription = WebhookSubscription.unscoped.get()
    page = reverse("admin:incoming_webhooksubscription_change", args=[subscription.pk])
    assert "must confirm the new address" in staff.get(page).content.decode()
    arguments = [subscription.pk, "confirm_move"]
    url = reverse("admin:incoming_webhooksubscription_verb", args=arguments)
    assert "do not confirm" in staff.get(url).content.decode()
    staff.post(url, {"reason": "moved to the new machine"})
    assert WebhookAddress.objects.get().public_url == COPY_URL
    assert AuditRow.objects.get(verb="webhook_address.confirm").reason == "moved to the new machine"


def test_an_owner_who_knows_the_address_confirms_no_move(make, client, connection, company, copy):
    check(connection, company)
    tenant = connection.tenant
    client.force_login(make.membership(tenant, make.user(), "owner").user)
    subscription = WebhookSubscription.unscoped.get()
    url = f"/t/{tenant.reference}/webhooks/{subscription.public_id}"
    assert client.get(f"{url}/check").status_code == 200
    assert client.get(f"{url}/confirm_move").status_code == 404
    assert client.post(f"{url}/confirm_move", {"reason": "mine"}).status_code == 404
    assert WebhookAddress.objects.get().public_url != COPY_URL


def test_a_command_confirms_the_move(connection, company, copy):
    out = StringIO()
    call_command("confirm_move", why="the new machine", stdout=out)
    assert COPY_URL in out.getvalue()
    with pytest.raises(CommandError, match="Nothing to confirm"):
        call_command("confirm_move", why="again")
