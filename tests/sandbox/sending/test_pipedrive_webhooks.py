"""Pipedrive's webhooks v2: registered by the API, sent with HTTP Basic, banned and deleted."""

import base64
import json

import pytest

from tests.sandbox.pipedrive_requests import call, create, create_record
from tests.sandbox.running_sandbox import NOON

SCOPES = "base,contacts:full,deals:full,leads:full,activities:full,admin"
KEY = "dcf558aac1ae4e8c4f849ba5e668430d8df9be12"
DAY = 24 * 3600


@pytest.fixture
def pipedrive(desk):
    desk.world(pipedrive=[{"company": "701", "scopes": SCOPES}])
    return desk


def register(desk, receiver, **more):
    body = {
        "subscription_url": f"{receiver.url}/hooks/1",
        "event_action": "*",
        "event_object": "*",
        "name": "hub",
        "http_auth_user": "hub",
        "http_auth_password": "s3cret",
    }
    answer = create(desk, "v1/webhooks", **body | more)
    assert answer.status_code == 201, answer.text
    return answer.json()["data"]


def list_webhooks(desk):
    return call(desk, "GET", "v1/webhooks").json()["data"]


def send(desk, event, **more):
    wish = {"system": "pipedrive", "account": "701", "event": event, **more}
    answer = desk.post("/_control/send", json=wish)
    assert answer.status_code == 200, answer.text
    return answer.json()["sent"]


def test_a_webhook_is_registered_listed_and_deleted(pipedrive, receiver):
    webhook = register(pipedrive, receiver)
    assert (webhook["type"], webhook["version"], webhook["is_active"]) == ("application", "2.0", 1)
    assert list_webhooks(pipedrive) == [webhook]
    assert call(pipedrive, "DELETE", f"v1/webhooks/{webhook['id']}").json()["success"] is True
    assert list_webhooks(pipedrive) == []
    assert call(pipedrive, "PUT", f"v1/webhooks/{webhook['id']}").status_code == 405


def test_webhooks_need_the_scope_admin(desk):
    answer = call(desk, "GET", "v1/webhooks")
    assert (answer.status_code, answer.json()["error"]) == (403, "Scope and URL mismatch")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": ""}, "name"),
        ({"event_action": "added"}, "event_action"),
        ({"event_object": "dog"}, "event_object"),
        ({"subscription_url": "ftp://x"}, "subscription_url"),
        ({"version": "1.0"}, "version"),
    ],
)
def test_a_wrong_registration_names_its_field(pipedrive, receiver, change, field):
    body = {
        "subscription_url": receiver.url,
        "event_action": "*",
        "event_object": "*",
        "name": "hub",
    }
    answer = create(pipedrive, "v1/webhooks", **body | change)
    assert answer.status_code == 400 and list(answer.json()["errors"]) == [field]


def test_a_user_has_forty_webhooks_at_most(pipedrive, receiver):
    for _ in range(40):
        register(pipedrive, receiver)
    body = {"subscription_url": receiver.url, "event_action": "*", "event_object": "*", "name": "x"}
    assert create(pipedrive, "v1/webhooks", **body).status_code == 422


def test_a_webhook_of_the_company_itself_is_neither_seen_nor_deleted_by_the_app(
    pipedrive, receiver
):
    form = {
        "name": "own",
        "event_action": "*",
        "event_object": "*",
        "subscription_url": receiver.url,
    }
    assert "general" in pipedrive.post("/pipedrive/701/webhooks/", data=form).text
    assert list_webhooks(pipedrive) == []
    answer = call(pipedrive, "DELETE", "v1/webhooks/9001")
    assert answer.status_code == 403 and "does not belong" in answer.json()["message"]


def test_a_person_added_by_the_api_is_sent_with_basic(pipedrive, receiver):
    webhook = register(pipedrive, receiver)
    person = create_record(
        pipedrive, "v2/persons", name="Grace", emails=[{"value": "g@example.org"}]
    )
    (request,) = receiver.wait(1)
    credential = base64.b64encode(b"hub:s3cret").decode()
    assert request.headers["Authorization"] == f"Basic {credential}"
    body = json.loads(request.body)
    meta = body["meta"]
    assert (meta["action"], meta["entity"], meta["entity_id"]) == (
        "create",
        "person",
        str(person["id"]),
    )
    assert (meta["company_id"], meta["user_id"], meta["change_source"]) == ("701", "31", "api")
    assert (meta["webhook_id"], meta["attempt"], meta["version"]) == (str(webhook["id"]), 1, "2.0")
    assert body["previous"] is None and body["data"]["visible_to"] == "3"
    assert body["data"]["emails"] == [{"value": "g@example.org"}]


def test_a_change_carries_only_what_was_before(pipedrive, receiver):
    deal = create_record(pipedrive, "v2/deals", title="Tea")
    register(pipedrive, receiver, event_object="deal")
    change = {"title": "More tea", "custom_fields": {KEY: "A-1"}}
    call(pipedrive, "PATCH", f"v2/deals/{deal['id']}", json=change)
    body = json.loads(receiver.wait(1)[0].body)
    assert body["data"]["title"] == "More tea"
    assert body["data"]["custom_fields"] == {KEY: {"type": "varchar", "value": "A-1"}}
    previous = {name: value for name, value in body["previous"].items() if name != "update_time"}
    assert previous == {"title": "Tea", "custom_fields": {KEY: None}}


def test_a_deletion_has_no_data_and_all_that_was(pipedrive, receiver):
    person = create_record(pipedrive, "v2/persons", name="Grace")
    register(pipedrive, receiver, event_action="delete")
    call(pipedrive, "DELETE", f"v2/persons/{person['id']}")
    body = json.loads(receiver.wait(1)[0].body)
    assert (body["meta"]["action"], body["data"]) == ("delete", None)
    assert body["previous"]["name"] == "Grace"


def test_a_write_that_changes_nothing_is_not_sent(pipedrive, receiver):
    person = create_record(pipedrive, "v2/persons", name="Grace")
    register(pipedrive, receiver)
    for name in ("Grace", "Grace Hopper"):
        call(pipedrive, "PATCH", f"v2/persons/{person['id']}", json={"name": name})
    assert json.loads(receiver.wait(1)[0].body)["data"]["name"] == "Grace Hopper"
    assert len(receiver.caught) == 1


def test_people_add_change_and_delete_on_the_page(pipedrive, receiver):
    register(pipedrive, receiver)
    form = {"name": "Grace", "email": "g@example.org", "user": "32"}
    page = pipedrive.post("/pipedrive/701/persons/", data=form)
    assert page.url.endswith("/pipedrive/701/persons/2") and "g@example.org" in page.text
    pipedrive.post("/pipedrive/701/persons/2", data={"name": "Grace H.", "do": "save"})
    pipedrive.post("/pipedrive/701/persons/2", data={"do": "delete"})
    bodies = sorted(
        (json.loads(one.body) for one in receiver.wait(3)), key=lambda body: str(body["data"])
    )
    metas = {body["meta"]["action"]: body["meta"] for body in bodies}
    assert metas["create"]["user_id"] == "32" and metas["change"]["user_id"] == "31"
    assert {meta["change_source"] for meta in metas.values()} == {"app"}
    assert set(metas) == {"create", "change", "delete"}


def test_another_sites_page_changes_no_record(pipedrive):
    headers = {"Sec-Fetch-Site": "cross-site"}
    form = {"name": "Grace"}
    assert pipedrive.post("/pipedrive/701/persons/", data=form, headers=headers).status_code == 404


def test_the_control_causes_each_event(pipedrive, receiver):
    register(pipedrive, receiver)
    kinds = ("person", "organization", "deal", "lead", "activity", "note")
    for kind in kinds:
        for action in ("create", "change", "delete"):
            assert [row["status"] for row in send(pipedrive, f"{kind}.{action}")] == [200]
    metas = [json.loads(one.body)["meta"] for one in receiver.caught]
    events = [f"{meta['entity']}.{meta['action']}" for meta in metas]
    assert events == [
        f"{kind}.{action}" for kind in kinds for action in ("create", "change", "delete")
    ]


def test_without_a_webhook_the_control_says_so(pipedrive):
    wish = {"system": "pipedrive", "account": "701", "event": "person.create"}
    answer = pipedrive.post("/_control/send", json=wish)
    assert answer.json() == {"error": "no webhook of 701 takes person.create"}


def test_a_changed_signature_is_a_wrong_password(pipedrive, receiver):
    register(pipedrive, receiver)
    send(pipedrive, "person.create", tamper="signature")
    _, _, pair = receiver.caught[0].headers["Authorization"].partition(" ")
    assert base64.b64decode(pair) != b"hub:s3cret"
    wish = {"system": "pipedrive", "account": "701", "event": "person.create"}
    answer = pipedrive.post("/_control/send", json=wish | {"tamper": "timestamp"})
    assert answer.json()["error"] == "tamper is one of body, signature at pipedrive"


def test_a_failed_attempt_is_repeated_three_times_under_the_same_id(pipedrive, receiver):
    register(pipedrive, receiver)
    pipedrive.post("/_control/pace", json={"system": "pipedrive", "factor": 1000})
    receiver.answers = [(500, {}, b"")]
    send(pipedrive, "person.create")
    metas = [json.loads(one.body)["meta"] for one in receiver.wait(4)]
    assert [meta["attempt"] for meta in metas] == [1, 2, 3, 4]
    assert len({meta["id"] for meta in metas}) == 1


def test_ten_failures_ban_a_webhook_for_half_an_hour_and_its_events_are_lost(pipedrive, receiver):
    register(pipedrive, receiver)
    receiver.answers = [(500, {}, b"")]
    assert len(send(pipedrive, "person.create", times=10)) == 10
    assert send(pipedrive, "person.create") == []
    assert "banned" in pipedrive.get("/pipedrive/701/webhooks/").text
    receiver.answers = [(200, {}, b"")]
    pipedrive.now = NOON + 1801
    assert [row["status"] for row in send(pipedrive, "person.create")] == [200]


def test_three_days_without_success_delete_a_webhook(pipedrive, receiver):
    register(pipedrive, receiver)
    receiver.answers = [(500, {}, b"")]
    send(pipedrive, "person.create")
    pipedrive.now = NOON + 3 * DAY - 60
    pipedrive.world(pipedrive=[{"company": "701", "access_token": "v1u:acme-2"}])
    assert len(call(pipedrive, "GET", "v1/webhooks", "v1u:acme-2").json()["data"]) == 1
    pipedrive.now = NOON + 3 * DAY
    assert call(pipedrive, "GET", "v1/webhooks", "v1u:acme-2").json()["data"] == []


def test_an_uninstallation_takes_the_webhooks_of_the_app_along(pipedrive, receiver):
    register(pipedrive, receiver)
    wish = {"system": "pipedrive", "account": "701", "do": "uninstall"}
    pipedrive.post("/_control/tokens", json=wish)
    assert "None yet." in pipedrive.get("/pipedrive/701/webhooks/").text


def test_people_delete_and_change_a_webhook_on_its_page(pipedrive, receiver):
    webhook = register(pipedrive, receiver)
    page = f"/pipedrive/701/webhooks/{webhook['id']}"
    pipedrive.post(page, data={"do": "save", "subscription_url": f"{receiver.url}/elsewhere"})
    assert list_webhooks(pipedrive)[0]["subscription_url"].endswith("/elsewhere")
    pipedrive.post(page, data={"do": "delete"})
    assert list_webhooks(pipedrive) == []


@pytest.mark.parametrize(("share", "copies"), [({"lost": 1}, 0), ({"doubled": 1}, 2)])
def test_only_what_a_call_of_the_api_causes_is_disturbed(pipedrive, receiver, share, copies):
    register(pipedrive, receiver)
    answer = pipedrive.post("/_control/disturb", json={"system": "pipedrive", **share})
    assert answer.status_code == 200
    create_record(pipedrive, "v2/persons", name="Grace")
    pipedrive.post("/pipedrive/701/persons/", data={"name": "Ada"}, allow_redirects=False)
    requests_sent = receiver.wait(copies + 1)
    assert sorted(json.loads(request.body)["data"]["name"] for request in requests_sent) == [
        "Ada",
        *["Grace"] * copies,
    ]
    (disturbance,) = pipedrive.get("/_control/disturb").json()["disturbances"].values()
    counts = disturbance["counts"]
    assert (counts["caused"], counts["lost"]) == (1, int("lost" in share))
