"""The application's records: pages by keyset, conditional changes, tombstones, planted records."""

import json
from datetime import UTC, datetime

import pytest
import requests
from standardwebhooks.webhooks import Webhook

from tests.sandbox.running_sandbox import NOON, RunningSandbox

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
LATER = "2026-11-25T12:00:10Z"


def seed(desk, object="orders", account="acme", status=201, **wish):
    answer = desk.post(
        "/_control/seed",
        json={"system": "app", "account": account, "object": object, **wish},
    )
    assert answer.status_code == status, answer.text
    return answer.json()


def list_records(desk, query="", object="orders"):
    return desk.get(f"/app/api/{object}?tenant=acme{query}").json()


def numbers(page):
    return [order["number"] for order in page["orders"]]


def patch(desk, number, fields, **headers):
    url = f"{desk.url}/app/api/orders/{number}?tenant=acme"
    return requests.patch(url, json=fields, headers=headers, timeout=10)


def test_thousands_of_orders_are_there_on_demand_and_read_in_pages(desk):
    planted = seed(desk, generate={"count": 3000})
    assert (planted["count"], planted["first"], planted["last"]) == (3000, "A-1001", "A-4000")
    read, after = [], ""
    while after is not None:
        page = list_records(desk, f"&limit=1000&after={after}")
        read += numbers(page)
        after = page["next_after"]
    assert len(set(read)) == 3000 and read == sorted(read)
    assert page["count"] == len(page["orders"])


def test_any_difference_can_be_planted_and_read_back(desk):
    rows = [
        {"number": "A-1", "total": 12.5, "note": None},
        {"number": "A-2", "total": "12.50", "note": "", "customer": "Zoë ☃"},
        {"number": "A-3", "updated_at": "2026-11-01T12:00:00+02:00"},
    ]
    assert seed(desk, records=rows)["ids"] == ["A-1", "A-2", "A-3"]
    seed(desk, account="globex", records=[{"number": "A-1", "total": "9"}])
    seed(desk, records=[{"number": "A-3", "deleted": True}])
    (first, second) = list_records(desk)["orders"]
    assert (first["total"], first["note"], second["customer"]) == (12.5, None, "Zoë ☃")
    lines = desk.get("/_control/records?system=app&account=acme&object=orders").text.splitlines()
    assert len(lines) == 3 and '"deleted": true' in lines[2]
    assert "Order A-1" in desk.get("/app/orders/A-1").text


def test_generated_fields_are_templates(desk):
    fields = {"number": "N-{n:06d}", "total": "={n}.5", "state": "paid"}
    seed(desk, generate={"count": 2, "start": 7, "fields": fields})
    assert [(o["number"], o["total"], o["state"]) for o in list_records(desk)["orders"]] == [
        ("N-000007", 7.5, "paid"),
        ("N-000008", 8.5, "paid"),
    ]


@pytest.mark.parametrize(
    "wish",
    [
        {},
        {"records": {}},
        {"records": [1]},
        {"generate": {"count": "9"}},
        {"generate": {"count": 1, "times": 2}},
        {"object": "carts", "records": [{}]},
        {"records": [{}], "x": 1},
        {"records": [{"number": "A-1", "updated_at": "yesterday"}]},
    ],
)
def test_a_wish_that_is_wrong_is_answered_with_a_sentence(desk, wish):
    assert seed(desk, status=400, **wish)["error"]


def test_changes_are_read_since_a_moment_and_deleted_orders_on_demand(desk):
    seed(desk, records=[{"number": f"A-{n}"} for n in range(4)])
    desk.now += 10
    assert patch(desk, "A-2", {"state": "paid"}, **{"If-Match": "*"}).status_code == 200
    requests.delete(f"{desk.url}/app/api/orders/A-3?tenant=acme", timeout=10)
    assert numbers(list_records(desk, f"&updated_since={LATER}")) == ["A-2"]
    assert numbers(list_records(desk, f"&updated_until={LATER}")) == ["A-0", "A-1"]
    (_, tombstone) = list_records(desk, f"&updated_since={LATER}&include_deleted=true")["orders"]
    assert tombstone["deleted"] is True and "state" not in tombstone
    assert numbers(list_records(desk, "&ids=A-1,A-3,A-9")) == ["A-1"]
    assert numbers(list_records(desk, "&state=paid")) == ["A-2"]


def test_a_change_needs_the_version_that_it_is_made_of(desk):
    seed(desk, records=[{"number": "A-1", "total": "1.00"}])
    first = desk.get("/app/api/orders/A-1?tenant=acme")
    assert first.headers["ETag"] == '"1"'
    assert patch(desk, "A-1", {"total": "2.00"}).status_code == 428
    changed = patch(desk, "A-1", {"total": "2.00"}, **{"If-Match": '"1"'})
    assert (changed.status_code, changed.headers["ETag"]) == (200, '"2"')
    refused = patch(desk, "A-1", {"total": "3.00"}, **{"If-Match": '"1"'})
    assert (refused.status_code, refused.headers["ETag"]) == (412, '"2"')
    assert patch(desk, "A-1", {"total": "2.00"}, **{"If-Match": '"2"'}).headers["ETag"] == '"2"'
    assert list_records(desk)["orders"][0]["total"] == "2.00"


def test_the_same_message_again_has_no_second_effect(desk):
    seed(desk, records=[{"number": "A-1", "total": "1.00"}])
    for _ in range(2):
        changed = patch(desk, "A-1", {"total": "2.00"}, **{"If-Match": '"1"', "webhook-id": "d1"})
        assert changed.status_code == 200
    order = {"number": "B-1", "tenant": "acme", "total": "5.00", "customer": "Ada"}
    for _ in range(2):
        response = desk.post("/app/api/orders", json=order, headers={"webhook-id": "d2"})
        assert response.json()["number"] == "B-1"
    assert desk.post("/app/api/orders", json=order, headers={"webhook-id": "d3"}).status_code == 409
    assert desk.hub == [], "an order that the hub brings is not told to it"


@pytest.mark.parametrize("fields", [{"number": "A-2"}, {"version": 7}, {"deleted": True}, []])
def test_what_the_application_sets_itself_cannot_be_set(desk, fields):
    seed(desk, records=[{"number": "A-1"}])
    assert patch(desk, "A-1", fields, **{"If-Match": "*"}).status_code == 400


def test_an_order_of_another_tenant_is_not_there(desk):
    seed(desk, account="globex", records=[{"number": "A-1"}])
    assert desk.get("/app/api/orders/A-1?tenant=acme").status_code == 404
    assert patch(desk, "A-1", {}, **{"If-Match": "*"}).status_code == 404


@pytest.mark.parametrize("query", ["&limit=0", "&limit=x", "&updated_since=now"])
def test_a_wrong_page_is_refused_with_a_sentence(desk, query):
    assert list_records(desk, query)["error"].endswith(".")


def test_customers_users_labels_and_log_lines_are_read_alike(desk):
    for object in ("customers", "users", "labels", "logs"):
        seed(desk, object=object, generate={"count": 3})
        first = list_records(desk, "&limit=2", object)
        records = list_records(desk, f"&limit=2&after={first['next_after']}", object)
        assert len(first[object] + records[object]) == 3 and records["next_after"] is None


def test_what_happens_to_orders_is_logged(desk):
    seed(desk, records=[{"number": "A-1"}])
    patch(desk, "A-1", {"state": "paid"}, **{"If-Match": "*"})
    (line,) = list_records(desk, object="logs")["logs"]
    assert (line["id"], line["message"]) == ("000000000001", "A-1 changed")
    assert list_records(desk, "&after=1", "logs")["logs"] == []


def test_a_signature_that_is_wrong_reads_nothing(desk):
    desk.world(app={"secret": SECRET, "api_key": "key"})
    assert desk.get("/app/api/orders").status_code == 401
    headers = {"webhook-id": "r1", "webhook-timestamp": str(int(NOON))}
    good = Webhook(SECRET).sign("r1", datetime.fromtimestamp(NOON, UTC), "")
    for signature, status in ((good, 200), (good[:-3] + "AA=", 401)):
        answer = desk.get("/app/api/orders", headers={**headers, "webhook-signature": signature})
        assert answer.status_code == status
    assert desk.get("/app/api/orders", headers={"Authorization": "Bearer key"}).status_code == 200


def test_records_and_tombstones_survive_a_restart(tmp_path):
    with RunningSandbox(tmp_path).running() as desk:
        seed(desk, records=[{"number": "A-1"}, {"number": "A-2", "deleted": True}])
    with RunningSandbox(tmp_path).running() as desk:
        assert numbers(list_records(desk, "&include_deleted=true")) == ["A-1", "A-2"]
        assert patch(desk, "A-1", {"state": "x"}, **{"If-Match": '"1"'}).status_code == 200


def test_a_page_can_be_cut(desk):
    seed(desk, generate={"count": 3})
    desk.fault("app", path="/orders?", cut=100)
    assert len(desk.get("/app/api/orders?tenant=acme").content) == 100
    assert list_records(desk)["count"] == 3


def test_customers_and_users_are_created_and_labels_and_log_lines_are_not(desk):
    person = {"tenant": "acme", "name": "Ada", "email": "ada@example.org"}
    for object, id in (("customers", "C-1001"), ("users", "U-1001")):
        response = desk.post(f"/app/api/{object}", json=person)
        assert (response.status_code, response.json()["id"]) == (201, id)
        assert list_records(desk, object=object)[object][0]["name"] == "Ada"
    assert desk.post("/app/api/customers", json=[]).status_code == 400
    assert desk.post("/app/api/logs", json=person).status_code == 405


def test_orders_and_labels_of_an_earlier_release_are_kept(tmp_path):
    order = {"number": "A-1001", "tenant": "acme", "state": "placed", "hub": None}
    order |= {"total": "1.00", "placed_at": "2026-11-01T12:00:00Z", "customer": "Ada"}
    order |= {"updated_at": "2026-11-01T12:00:00Z", "items": [], "currency": "EUR", "email": "a@b"}
    label = {"number": "L-5001", "request": "d1", "tenant": "acme", "order": "A-1001"}
    label |= {"created_at": "2026-11-01T12:00:00Z", "recipient": "", "address": "", "data": {}}
    (tmp_path / "orders.jsonl").write_text(json.dumps(["A-1001", order]) + "\n")
    (tmp_path / "app-labels.jsonl").write_text(json.dumps(["L-5001", label]) + "\n")
    for _ in range(2):
        with RunningSandbox(tmp_path).running() as desk:
            assert numbers(list_records(desk)) == ["A-1001"]
            assert desk.get("/app/api/orders/A-1001").headers["ETag"] == '"1"'
            wish = {"tenant": "acme", "order": "A-1001"}
            again = desk.post("/app/api/labels", json=wish, headers={"webhook-id": "d1"})
            assert again.json()["label"] == "L-5001"
            assert len(list_records(desk, object="labels")["labels"]) == 1
