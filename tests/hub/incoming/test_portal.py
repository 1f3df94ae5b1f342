"""The customers' pages of what their systems send, and of the webhooks registered there."""

import pytest

from hub.audit import AuditRow
from hub.incoming.endpoints.create import get_or_create_app_endpoint
from hub.incoming.models import InboundEndpoint, InboundItem, WebhookSubscription
from tests.factories import NOON
from tests.hub.portal.query_counts import count_queries
from tests.tenants.door import sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def acme(make):
    tenant = make.tenant("acme")
    make.membership(tenant, make.user("ann@acme.test"), "owner")
    make.membership(tenant, make.user("bob@acme.test"), "member")
    return tenant


@pytest.fixture
def browser(client, acme):
    sign_in(client, "ann@acme.test")
    return client


@pytest.fixture
def pipedrive(make, acme):
    return make.connection(acme, "pipedrive", account="701", secret={}, name="Our Pipedrive")


def load_page(browser, path):
    answer = browser.get(f"/t/acme/{path}")
    assert answer.status_code == 200, answer
    return " ".join(answer.content.decode().split())


def test_items_are_listed_and_filtered_by_state(make, browser, pipedrive):
    make.inbound_item(pipedrive, type="pipedrive.person.created", record="31")
    make.inbound_item(pipedrive, state="quarantined", reason="other_account", record="32")
    text = load_page(browser, "events/incoming/")
    assert "pipedrive.person.created" in text and "names another account" in text
    assert "pipedrive.person.created" not in load_page(
        browser, "events/incoming/?state=quarantined"
    )
    assert "Nothing that was received" in load_page(browser, "events/incoming/?state=held")


def test_an_empty_log_names_the_next_step(browser):
    assert "Nothing received yet" in load_page(browser, "events/incoming/")


def test_a_rejected_request_of_an_own_connection_is_listed(make, browser, pipedrive):
    message = make.inbound_message(pipedrive, state="rejected", cause="wrong_secret")
    assert "No configured secret matches" in load_page(browser, "events/incoming/?state=rejected")
    assert "sends it again until" in load_page(browser, f"events/incoming/{message.public_id}/")


def test_the_log_takes_the_same_statements_for_sixty_items(make, browser, pipedrive):
    make.inbound_item(pipedrive)
    few = count_queries(browser, "/t/acme/events/incoming/")
    for _ in range(60):
        make.inbound_item(pipedrive)
    assert count_queries(browser, "/t/acme/events/incoming/") == few
    assert "Older" in load_page(browser, "events/incoming/")


def test_an_own_item_is_replayed(make, browser, pipedrive):
    item = make.inbound_item(pipedrive, state="quarantined", reason="other_account")
    url = f"events/incoming/{item.public_id}/"
    assert "may happen twice" in load_page(browser, url)
    browser.post(f"/t/acme/{url}replay")
    assert InboundItem.unscoped.get().state == "received"
    assert AuditRow.objects.get(verb="inbound_item.replay").actor_label == "ann@acme.test"


def test_a_member_sees_items_and_replays_none(make, client, pipedrive):
    sign_in(client, "bob@acme.test")
    item = make.inbound_item(pipedrive, state="quarantined")
    url = f"events/incoming/{item.public_id}/"
    assert "Replay" not in load_page(client, url)
    assert client.post(f"/t/acme/{url}replay").status_code == 403


def test_the_page_of_a_connection_shows_its_webhooks_and_what_to_do(make, browser, pipedrive):
    subscription = make.webhook_subscription(
        pipedrive, event_types=["person.created"], state="gone", reason="permission_missing"
    )
    text = load_page(browser, f"connections/{pipedrive.public_id}/")
    assert "person.created" in text and "allow that permission" in text
    browser.post(f"/t/acme/webhooks/{subscription.public_id}/repair")
    assert AuditRow.objects.get(verb="webhook_subscription.repair").actor_label == "ann@acme.test"


def test_a_url_that_a_person_registers_is_shown_to_be_copied(make, browser, pipedrive):
    make.webhook_subscription(pipedrive, state="manual")
    text = load_page(browser, f"connections/{pipedrive.public_id}/")
    assert "Enter this URL" in text and "/hooks/pipedrive/key-" in text


def test_only_a_webhook_that_is_not_as_it_should_be_is_offered_to_be_repaired(
    make, browser, pipedrive
):
    subscription = make.webhook_subscription(pipedrive, state="verified")
    path = f"connections/{pipedrive.public_id}/"
    text = load_page(browser, path)
    assert f"webhooks/{subscription.public_id}/check" in text
    assert f"webhooks/{subscription.public_id}/repair" not in text
    type(subscription).unscoped.update(state="drifted")
    assert f"webhooks/{subscription.public_id}/repair" in load_page(browser, path)


def test_the_url_of_a_registered_webhook_is_not_shown(make, browser, pipedrive):
    make.webhook_subscription(pipedrive, state="verified")
    assert "/hooks/pipedrive/" not in load_page(browser, f"connections/{pipedrive.public_id}/")


def test_an_event_of_a_connection_names_it(make, browser, pipedrive, acme):
    event = make.event(acme)
    type(event).unscoped.update(origin=pipedrive)
    text = load_page(browser, f"events/{event.public_id}/")
    assert "Received from “Our Pipedrive”" in text


def test_a_member_does_not_see_the_url(make, client, pipedrive):
    sign_in(client, "bob@acme.test")
    make.webhook_subscription(pipedrive, state="manual")
    assert "/hooks/pipedrive/" not in load_page(client, f"connections/{pipedrive.public_id}/")


def test_an_item_that_waits_for_its_connection_offers_no_replay(make, browser, pipedrive):
    waiting = make.inbound_item(pipedrive, state="held", reason="connection_paused")
    old = make.inbound_item(pipedrive, state="held", reason="too_old")
    assert "may happen twice" not in load_page(browser, f"events/incoming/{waiting.public_id}/")
    assert "may happen twice" in load_page(browser, f"events/incoming/{old.public_id}/")


def test_a_manual_webhook_at_a_url_of_all_tenants_shows_what_this_connection_received(
    make, browser, acme
):
    slack = make.connection(acme, "slack", account="T1", secret={})
    other = make.connection(make.tenant("globex"), "slack", account="T2", secret={})
    source = slack.connector.webhook_source
    endpoint = get_or_create_app_endpoint("slack", source, now=NOON)
    InboundEndpoint.unscoped.update(last_item_at=NOON)
    WebhookSubscription.unscoped.create(
        endpoint=endpoint, key="all", state="manual", event_types=["message.created"]
    )
    message = make.inbound_message(other, now=NOON)
    make.inbound_item(other, message=message, now=NOON)
    url = f"connections/{slack.public_id}/"
    assert "Last received" not in load_page(browser, url)
    make.inbound_item(slack, now=NOON)
    assert f'Last received <time datetime="{NOON.isoformat(timespec="seconds")}"' in load_page(
        browser, url
    )
