"""REST: what arrived by webhooks, and our registrations in other systems."""

from datetime import timedelta

import pytest

from connectors.signatures import Cause
from hub.audit import ActorContext, AuditRow
from hub.db.clock import clock
from hub.incoming.models import InboundItem, InboundMessage, WebhookSubscription
from hub.incoming.registration.actions import check_subscription
from hub.queue import WakeUp
from tests.factories import NOON
from tests.hub.incoming.webhook_posts import endpoint_of, post_pipedrive, run_inbox
from tests.tenants.door import sign_in

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def pipedrive(make):
    return make.connection(
        connector="pipedrive", account="8712345", secret={}, name="Acme's Pipedrive"
    )


@pytest.fixture
def subscription(pipedrive):
    return WebhookSubscription.unscoped.create(
        endpoint=endpoint_of(pipedrive),
        tenant=pipedrive.tenant,
        key="person.create",
        event_types=["person.created"],
    )


def test_an_item_is_listed_with_its_request_and_its_event(client, api, pipedrive):
    post_pipedrive(client, pipedrive)
    run_inbox()
    (item,) = api.of(pipedrive.tenant).get("/api/v1/inbound").json()["items"]
    stored = InboundItem.unscoped.get()
    assert (item["state"], item["type"]) == ("processed", "pipedrive.person.created")
    assert item["connection"]["name"] == "Acme's Pipedrive"
    assert item["message"]["verdict"] == "accepted"
    assert item["event"]["id"] == str(stored.event.public_id)
    read = api.platform().get(f"/api/v1/inbound/{item['id']}").json()
    assert read["message"]["headers"]["content-type"] == "application/json"


def test_a_rejected_request_is_listed_with_its_cause_and_the_end_of_retries(client, api, pipedrive):
    assert post_pipedrive(client, pipedrive, secret="another:secret").status_code == 401
    (row,) = api.of(pipedrive.tenant).get("/api/v1/inbound?state=rejected").json()["items"]
    assert (row["state"], row["reason"]) == ("rejected", "wrong_secret")
    assert row["sentence"] == str(Cause.WRONG_SECRET.sentence)
    assert row["message"]["verdict"] == "rejected"
    assert row["retries_until"] > row["received_at"]
    assert api.platform().get(f"/api/v1/inbound/{row['id']}").json()["id"] == row["id"]


def test_items_and_rejections_are_one_list_in_pages(client, api, pipedrive):
    for number in range(3):
        post_pipedrive(
            client, pipedrive, id=f"n-{number}", timestamp=f"2026-11-24T15:1{number}:00Z"
        )
        run_inbox()
        post_pipedrive(client, pipedrive, secret="another:secret", id=f"x-{number}")
    key = api.of(pipedrive.tenant)
    everything = [row["id"] for row in key.get("/api/v1/inbound").json()["items"]]
    assert len(everything) == 6
    url, seen = "/api/v1/inbound?limit=2", []
    while url:
        page = key.get(url).json()
        seen += [row["id"] for row in page["items"]]
        url, last = (page["next"] or "").removeprefix("https://hub.test"), page
    assert seen == everything
    before = key.get(last["prev"].removeprefix("https://hub.test")).json()
    assert [row["id"] for row in before["items"]] == everything[2:4]


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("state=processed", 1),
        ("state=quarantined", 0),
        ("connector=pipedrive", 2),
        ("connector=slack", 0),
        ("type=pipedrive.person.created", 1),
        ("reason=wrong_secret", 1),
        ("since=2026-01-01T00:00:00Z", 2),
        ("until=2026-01-01T00:00:00Z", 0),
    ],
)
def test_the_list_is_filtered(client, api, pipedrive, query, count):
    post_pipedrive(client, pipedrive)
    run_inbox()
    post_pipedrive(client, pipedrive, secret="another:secret", id="x")
    assert len(api.platform().get(f"/api/v1/inbound?{query}").json()["items"]) == count


@pytest.mark.parametrize("rows", [1, 8])
def test_the_number_of_statements_does_not_depend_on_the_rows(
    client, api, pipedrive, rows, django_assert_num_queries
):
    for number in range(rows):
        post_pipedrive(
            client, pipedrive, id=f"n-{number}", timestamp=f"2026-11-24T15:1{number}:00Z"
        )
        post_pipedrive(client, pipedrive, secret="another:secret", id=f"x-{number}")
    run_inbox()
    key = api.of(pipedrive.tenant)
    key.get("/api/v1/inbound")
    with django_assert_num_queries(3):
        assert len(key.get("/api/v1/inbound").json()["items"]) == 2 * rows


def test_an_event_says_where_it_came_from(client, api, pipedrive):
    post_pipedrive(client, pipedrive)
    run_inbox()
    item = InboundItem.unscoped.select_related("event").get()
    url = f"/api/v1/events/{item.event.public_id}"
    origin = api.of(pipedrive.tenant).get(url).json()["origin"]
    assert origin["connection"]["id"] == str(pipedrive.public_id)
    assert origin["item"]["id"] == str(item.public_id)
    checks = api.of(pipedrive.tenant).get(f"{url}/explain").json()["checks"]
    assert "Received from “Acme's Pipedrive" in checks[0]["sentence"]


def test_an_event_of_our_own_application_has_no_origin(make, api):
    event = make.event()
    assert api.platform().get(f"/api/v1/events/{event.public_id}").json()["origin"] is None


def test_a_subscription_is_listed_and_read(api, subscription):
    key = api.of(subscription.tenant)
    (row,) = key.get("/api/v1/webhook-subscriptions").json()["items"]
    assert (row["state"], row["event_types"]) == ("wanted", ["pipedrive.person.created"])
    read = key.get(f"/api/v1/webhook-subscriptions/{row['id']}").json()
    assert read["receive_url"] is None
    assert key.get("/api/v1/webhook-subscriptions?state=verified").json()["items"] == []


@pytest.mark.parametrize("action", ["check", "repair"])
def test_a_check_or_repair_is_due_at_once_and_audited(api, subscription, action):
    url = f"/api/v1/webhook-subscriptions/{subscription.public_id}/{action}"
    WebhookSubscription.unscoped.update(failure_count=7)
    answer = api.of(subscription.tenant).post(url)
    assert answer.status_code == 202
    subscription.endpoint.refresh_from_db()
    assert subscription.endpoint.next_check_at <= clock()
    assert WakeUp.objects.filter(name=f"register:{subscription.endpoint.pk}:awaited").exists()
    assert AuditRow.objects.get(verb=f"webhook_subscription.{action}")
    assert answer.json()["failure_count"] == (0 if action == "repair" else 7)


def test_a_check_that_another_person_has_just_requested_is_refused(api, subscription):
    check_subscription(subscription, ActorContext.system(), now=clock())
    url = f"/api/v1/webhook-subscriptions/{subscription.public_id}/check"
    answer = api.of(subscription.tenant).post(url)
    assert (answer.status_code, answer.json()["code"]) == (409, "wrong-state")
    assert "being checked already" in answer.json()["detail"]
    assert AuditRow.objects.filter(verb="webhook_subscription.check").count() == 1


def test_a_disconnected_connection_refuses_a_repair(api, subscription):
    connection = subscription.endpoint.connection
    type(connection).unscoped.update(state="disabled", reason="disconnected")
    url = f"/api/v1/webhook-subscriptions/{subscription.public_id}/repair"
    answer = api.of(subscription.tenant).post(url)
    assert (answer.status_code, answer.json()["code"]) == (409, "wrong-state")
    assert not AuditRow.objects.filter(verb="webhook_subscription.repair").exists()


def test_another_tenant_sees_neither_items_nor_rejections_nor_subscriptions(
    client, make, api, pipedrive, subscription
):
    post_pipedrive(client, pipedrive)
    post_pipedrive(client, pipedrive, secret="another:secret", id="x")
    run_inbox()
    key = api.of(make.tenant())
    for url in ("/api/v1/inbound", "/api/v1/webhook-subscriptions"):
        assert key.get(url).json()["items"] == []
    rejected = InboundMessage.unscoped.get(state="rejected")
    for row in (InboundItem.unscoped.get(), rejected):
        assert key.get(f"/api/v1/inbound/{row.public_id}").status_code == 404


def test_a_replay_makes_a_new_event_of_the_item(client, api, pipedrive):
    post_pipedrive(client, pipedrive)
    run_inbox()
    item = InboundItem.unscoped.get()
    answer = api.of(pipedrive.tenant).post(f"/api/v1/inbound/{item.public_id}/replay")
    assert (answer.status_code, answer.json()["state"]) == (202, "received")
    assert answer.json()["replay_number"] == 1
    assert AuditRow.objects.get(verb="inbound_item.replay")


def test_a_rejected_request_cannot_be_replayed(client, api, pipedrive):
    post_pipedrive(client, pipedrive, secret="another:secret")
    message = InboundMessage.unscoped.get()
    answer = api.of(pipedrive.tenant).post(f"/api/v1/inbound/{message.public_id}/replay")
    assert (answer.status_code, answer.json()["code"]) == (409, "wrong-state")


def test_a_rotation_accepts_the_old_secret_as_well(client, api, pipedrive, subscription):
    old = subscription.endpoint.open()["secrets"][0]["secret"]
    url = f"/api/v1/webhook-subscriptions/{subscription.public_id}/rotate"
    assert api.of(pipedrive.tenant).post(url).status_code == 202
    subscription.endpoint.refresh_from_db()
    new, previous = subscription.endpoint.open()["secrets"]
    assert (previous["secret"], new["until"]) == (old, None)
    assert previous["until"]
    assert AuditRow.objects.get(verb="inbound_endpoint.rotate_secret")


def test_the_replay_of_all_that_match_is_planned_first(client, api, pipedrive):
    for number in range(2):
        post_pipedrive(
            client, pipedrive, id=f"n-{number}", timestamp=f"2026-11-24T15:1{number}:00Z"
        )
    run_inbox()
    plan = {"filter": {"state": "processed", "type": "pipedrive.person.created"}, "reason": "why"}
    key = api.of(pipedrive.tenant)
    answer = key.post("/api/v1/inbound/replays", plan, format="json")
    assert (answer.status_code, answer.json()["count"]) == (201, 2)
    assert (answer.json()["kind"], answer.json()["state"]) == ("replay_items", "planned")
    assert set(InboundItem.unscoped.values_list("state", flat=True)) == {"processed"}
    confirmed = key.post(f"/api/v1/operations/{answer.json()['id']}/confirm")
    assert confirmed.json()["state"] == "running"


def test_a_plan_without_a_filter_is_refused(api, pipedrive):
    plan = {"filter": {}, "reason": "why"}
    answer = api.of(pipedrive.tenant).post("/api/v1/inbound/replays", plan, format="json")
    assert (answer.status_code, answer.json()["code"]) == (400, "validation-failed")


def test_the_url_that_a_person_registers_is_shown_to_keys_that_may_rotate_it(api, subscription):
    WebhookSubscription.unscoped.update(state="manual")
    url = f"/api/v1/webhook-subscriptions/{subscription.public_id}"
    assert "/hooks/pipedrive/" in api.of(subscription.tenant).get(url).json()["receive_url"]
    reader = api.of(subscription.tenant, scopes=["webhook-subscriptions:read"])
    assert reader.get(url).json()["receive_url"] is None


def test_a_source_says_until_when_nothing_was_missed(make, api, pipedrive):
    source = make.source(pipedrive, heard_at=NOON)
    key = api.of(pipedrive.tenant)
    (row,) = key.get("/api/v1/sources?state=listening").json()["items"]
    assert (row["object"], row["complete_until"]) == ("person", "2026-11-25T12:00:00Z")
    assert (row["open_gaps"], row["canary"], row["rhythms"]) == (0, None, [])
    make.gap(source, from_at=NOON - timedelta(hours=1))
    read = key.get(f"/api/v1/sources/{row['id']}").json()
    assert (read["open_gaps"], read["complete_until"]) == (1, "2026-11-25T11:00:00Z")
    assert key.get("/api/v1/sources?state=silent").json()["items"] == []


def test_a_rhythm_says_its_usual_gap_as_the_page_does(make, api, client, pipedrive):
    source = make.source(pipedrive)
    for rate, type in ((2.0, "created"), (4.0, "updated")):
        make.rhythm(source, rate=rate, type=f"pipedrive.person.{type}")
    read = api.of(pipedrive.tenant).get(f"/api/v1/sources/{source.public_id}").json()
    assert [row["expected_gap_seconds"] for row in read["rhythms"]] == [1800, 900]
    assert read["expected_gap_seconds"] == 600
    make.membership(pipedrive.tenant, make.user("ann@acme.test"), "owner")
    sign_in(client, "ann@acme.test")
    page = f"/t/{pipedrive.tenant.reference}/webhooks/sources/{source.public_id}/"
    text = " ".join(client.get(page).content.decode().split())
    assert "usually one every 10 minutes at this hour" in text and read["sentence"] in text


def test_a_gap_says_what_its_read_found(make, api, pipedrive):
    source = make.source(pipedrive)
    gap = make.gap(source, state="closed", read_count=412, known_count=397, new_count=15)
    key = api.of(pipedrive.tenant)
    (row,) = key.get(f"/api/v1/gaps?source={source.public_id}").json()["items"]
    assert row == key.get(f"/api/v1/gaps/{gap.public_id}").json()
    assert row["counts"] | {"read": 412, "known": 397, "new": 15} == row["counts"]
    assert (row["cause"], row["from"] < row["to"]) == ("outage", True)
    assert key.get("/api/v1/gaps?state=open").json()["items"] == []


def test_sources_are_listed_in_a_fixed_number_of_statements(
    make, api, pipedrive, django_assert_max_num_queries
):
    for number in range(30):
        make.gap(make.source(pipedrive, f"object_{number}"))
    key = api.of(pipedrive.tenant)
    key.get("/api/v1/sources")
    with django_assert_max_num_queries(9):
        assert len(key.get("/api/v1/sources").json()["items"]) == 30
