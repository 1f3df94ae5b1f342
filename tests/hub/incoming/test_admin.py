"""Staff pages of incoming webhooks: the inbox, the requests, the subscriptions and the figures."""

import json
from datetime import timedelta

import pytest
from django.urls import reverse

from hub.audit import AuditRow
from hub.db.clock import clock
from hub.incoming.models import InboundCount, InboundItem, InboundMessage, WebhookSubscription

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff(make, client):
    client.force_login(make.staff(is_superuser=True))
    return client


@pytest.fixture
def pipedrive(make):
    return make.connection(connector="pipedrive", account="701", secret={}, name="Acme's Pipedrive")


def page(name, *args):
    return reverse(f"admin:incoming_{name}", args=args)


def load_page(client, url):
    answer = client.get(url)
    assert answer.status_code == 200, answer
    return answer.content.decode()


def test_the_inbox_filters_by_state_and_finds_an_id(make, staff, pipedrive):
    make.inbound_item(pipedrive, record="31")
    lost = make.inbound_item(pipedrive, record="32", state="quarantined", reason="other_account")
    text = load_page(staff, page("inbounditem_changelist") + "?state__exact=quarantined")
    assert "names another account" in text and "which account sends to this URL" in text
    assert page("inbounditem_change", lost.pk) in text
    found = load_page(
        staff, page("inbounditem_changelist") + f"?q={lost.item_key.replace(' ', '+')}"
    )
    assert "32" in found and "quarantined" in found
    for term in (lost.public_id, lost.message.public_id):
        assert page("inbounditem_change", lost.pk) in load_page(
            staff, page("inbounditem_changelist") + f"?q={term}"
        )


@pytest.mark.parametrize("rows", [1, 20])
@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("inbounditem_changelist", 7),
        ("inboundmessage_changelist", 7),
        ("webhooksubscription_changelist", 7),
    ],
)
def test_a_list_takes_a_fixed_number_of_statements(
    make, staff, pipedrive, rows, name, count, django_assert_max_num_queries
):
    for number in range(rows):
        make.inbound_item(pipedrive)
        make.webhook_subscription(pipedrive, key=f"person.{number}")
    with django_assert_max_num_queries(count):
        load_page(staff, page(name))


@pytest.mark.parametrize("rows", [1, 20])
def test_the_page_of_a_request_takes_a_fixed_number_of_statements(
    make, staff, pipedrive, rows, django_assert_max_num_queries
):
    message = make.inbound_message(pipedrive)
    for _ in range(rows):
        make.inbound_item(
            pipedrive, message=message, event=make.event(pipedrive.tenant, "order.created")
        )
    with django_assert_max_num_queries(8):
        load_page(staff, page("inboundmessage_change", message.pk))


def test_the_page_of_a_rejected_request_names_the_cause_and_the_retries(make, staff, pipedrive):
    message = make.inbound_message(pipedrive, state="rejected", cause="stale_timestamp")
    text = load_page(staff, page("inboundmessage_change", message.pk))
    assert "signed too long ago" in text
    assert "sends it again until" in text
    assert "never stored" in text


def test_a_raw_body_is_escaped_and_redacted(make, staff, pipedrive):
    body = json.dumps({"access_token": "xoxb-secret-7", "name": "<script>alert(1)</script>"})
    message = make.inbound_message(pipedrive, body=body.encode())
    text = load_page(staff, page("inboundmessage_change", message.pk))
    assert "xoxb-secret-7" not in text
    assert "<script>alert" not in text and "&lt;script&gt;alert" in text


def test_an_item_shows_its_event_and_deliveries(make, staff, pipedrive):
    make.route(make.connection(pipedrive.tenant), name="to our webhook")
    item = make.inbound_item(pipedrive, event=make.event(pipedrive.tenant, "order.created"))
    text = load_page(staff, page("inbounditem_change", item.pk))
    assert "to our webhook" in text
    assert reverse("admin:outgoing_event_change", args=[item.event.pk]) in text


def test_an_item_is_replayed_by_its_page(make, staff, pipedrive):
    item = make.inbound_item(pipedrive, state="quarantined", reason="other_account")
    url = page("inbounditem_verb", item.pk, "replay")
    assert "may happen twice" in load_page(staff, url)
    staff.post(url, {"reason": "the account was corrected"})
    item.refresh_from_db()
    assert (item.state, item.replay_number) == ("received", 1)
    assert AuditRow.objects.get(verb="inbound_item.replay").reason == "the account was corrected"


def test_the_page_of_a_subscription_shows_its_url_and_evidence(make, staff, pipedrive):
    subscription = make.webhook_subscription(
        pipedrive, state="drifted", reason="permission_missing", evidence={"is_active": "no"}
    )
    text = load_page(staff, page("webhooksubscription_change", subscription.pk))
    assert "/hooks/pipedrive/key-" in text
    assert "allow that permission" in text
    assert "is_active" in text


def test_subscriptions_are_found_by_their_connection(make, staff, pipedrive):
    webhook_subscription = make.webhook_subscription(pipedrive)
    other = make.webhook_subscription(make.connection(connector="pipedrive", secret={}))
    text = load_page(staff, page("webhooksubscription_changelist") + f"?q={pipedrive.public_id}")
    assert page("webhooksubscription_change", webhook_subscription.pk) in text
    assert page("webhooksubscription_change", other.pk) not in text
    connection = reverse("admin:connections_connection_change", args=[pipedrive.pk])
    assert f"?q={pipedrive.public_id}" in load_page(staff, connection)


@pytest.mark.parametrize(("name", "verb"), [("check", "check"), ("repair", "repair")])
def test_a_subscription_is_checked_and_repaired_by_its_page(make, staff, pipedrive, name, verb):
    subscription = make.webhook_subscription(pipedrive, failure_count=9)
    staff.post(page("webhooksubscription_verb", subscription.pk, name))
    assert AuditRow.objects.get(verb=f"webhook_subscription.{verb}")
    subscription.endpoint.refresh_from_db()
    assert subscription.endpoint.next_check_at <= clock()


def test_the_reason_of_a_new_secret_is_said_to_be_kept_in_the_audit_log_only(
    make, staff, pipedrive
):
    subscription = make.webhook_subscription(pipedrive, state="verified")
    text = load_page(staff, page("webhooksubscription_verb", subscription.pk, "rotate"))
    assert "Kept in the audit log." in text and "affected deliveries" not in text
    pause = reverse("admin:connections_connection_verb", args=[pipedrive.pk, "pause"])
    assert "Shown with the affected deliveries" in load_page(staff, pause)


def test_the_sources_are_counted_by_hour_and_cause(make, staff, pipedrive):
    endpoint, now = make.inbound_endpoint(pipedrive), clock()
    for cause, count in (("accepted", 5), ("duplicate", 2), ("wrong_secret", 3)):
        InboundCount.unscoped.create(endpoint=endpoint, minute=now, cause=cause, count=count)
    old = now - timedelta(days=2)
    InboundCount.unscoped.create(endpoint=endpoint, minute=old, cause="accepted", count=90)
    text = load_page(staff, page("inboundmessage_sources"))
    assert "5 accepted, 2 repeated and 3 rejected" in " ".join(text.split())
    assert "3 × No configured secret matches" in text
    assert "Requests of Pipedrive by hour" in text and text.count('<rect class="bad"') == 1


@pytest.mark.parametrize(
    "name",
    ["inbounditem_changelist", "inboundmessage_changelist", "webhooksubscription_changelist"],
)
def test_an_empty_list_opens(staff, name):
    assert not InboundItem.unscoped.exists() and not InboundMessage.unscoped.exists()
    assert not WebhookSubscription.unscoped.exists()
    load_page(staff, page(name))


def test_the_replay_of_all_that_match_is_planned_and_shown(make, staff, pipedrive):
    lost = make.inbound_item(pipedrive, state="quarantined")
    make.inbound_item(pipedrive)
    plan = page("inbounditem_plan")
    listed = load_page(staff, page("inbounditem_changelist") + "?state__exact=quarantined")
    assert f"{plan}?state=quarantined" in listed
    assert "Reason for this replay" in load_page(staff, plan + "?state=quarantined")
    answer = staff.post(plan, {"state": "quarantined", "audit_reason": "fixed"}, follow=True)
    assert "Replay incoming events: 1" in answer.content.decode()
    lost.refresh_from_db()
    assert lost.state == "quarantined"


def test_a_search_offers_no_replay_of_all_that_match(make, staff, pipedrive):
    item = make.inbound_item(pipedrive, state="quarantined")
    listed = page("inbounditem_changelist") + f"?state__exact=quarantined&q={item.public_id}"
    assert page("inbounditem_plan") not in load_page(staff, listed)


def test_a_replay_without_a_filter_is_refused(staff):
    answer = staff.post(page("inbounditem_plan"), {"audit_reason": "x"})
    assert "Set a filter" in answer.content.decode()
