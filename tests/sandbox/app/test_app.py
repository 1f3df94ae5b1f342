from datetime import UTC, datetime

import pytest
from standardwebhooks.webhooks import Webhook

from tests.sandbox.running_sandbox import NOON

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
FORM = {
    "tenant": "acme",
    "customer": "Ada",
    "email": "ada@example.org",
    "currency": "eur",
    "name-0": "Tea",
    "quantity-0": "2",
    "price-0": "4.5",
    "name-1": "Cup",
    "quantity-1": "1",
    "price-1": "3",
}
ORDER = {
    "tenant": "acme",
    "customer": "Ada",
    "email": "ada@example.org",
    "items": [{"name": "Tea", "quantity": 1, "price": "4"}],
}


@pytest.fixture
def shop(desk):
    desk.world(
        app={
            "hub": "http://hub.test",
            "tenants": [{"reference": "acme", "hub_key": "hub_key_acme"}],
        }
    )
    return desk


def test_an_order_placed_by_a_person_is_sent_to_the_hub(shop):
    page = shop.post("/app/orders", data=FORM).text
    ((url, headers, event),) = shop.hub
    assert (url, headers) == (
        "http://hub.test/api/v1/events",
        {"Authorization": "Bearer hub_key_acme"},
    )
    assert (event["id"], event["type"]) == ("order-A-1001", "order.created")
    assert (event["data"]["total"], event["data"]["currency"], len(event["data"]["items"])) == (
        "12.00",
        "EUR",
        2,
    )
    assert (
        "A-1001" in page
        and "http://hub.test/open/events/01" in page
        and "/slack/T0000ACME/" in page
    )


def test_the_shop_links_to_no_address_of_the_api(shop):
    page = shop.post("/app/orders", data=FORM).text
    assert (
        'href="http://hub.test/open/events/01"' in page and 'href="http://hub.test/api/' not in page
    )
    shop.hub_says = (202, '{"url": "/api/v1/events/01"}')
    assert 'href="http://hub.test/"' in shop.post("/app/orders", data=FORM).text


def test_an_order_placed_over_http_is_sent_too_and_read_back(shop):
    assert shop.post("/app/api/orders", json=ORDER).status_code == 201
    assert shop.hub[0][2]["data"]["number"] == "A-1001"
    (order,) = shop.get("/app/api/orders?tenant=acme").json()["orders"]
    assert (order["state"], order["hub"]["status"]) == ("placed", 202)
    assert shop.get("/app/api/orders?tenant=globex").json()["orders"] == []
    assert shop.get("/app/api/orders/A-1001").json()["customer"] == "Ada"


def test_orders_are_read_in_pages(shop):
    for _ in range(3):
        shop.post("/app/api/orders", json=ORDER)
    first = shop.get("/app/api/orders?limit=2").json()
    document = shop.get(f"/app/api/orders?limit=2&after={first['next_after']}").json()
    assert [o["number"] for o in first["orders"] + document["orders"]] == [
        "A-1001",
        "A-1002",
        "A-1003",
    ]
    assert document["next_after"] is None


def test_a_hub_that_is_away_is_shown_and_the_order_stays(shop):
    shop.hub_says = ConnectionRefusedError("nobody there")
    assert "nobody there" in shop.post("/app/orders", data=FORM).text
    assert shop.get("/app/api/orders").json()["orders"][0]["state"] == "not sent"


def test_the_event_is_sent_again_under_the_same_id(shop):
    shop.hub_says = ConnectionRefusedError("nobody there")
    shop.post("/app/orders", data=FORM)
    shop.hub_says = (202, "{}")
    assert "The hub responded with 202" in shop.post("/app/orders/A-1001/tell").text
    assert [event["id"] for _, _, event in shop.hub] == ["order-A-1001"] * 2
    assert shop.get("/app/api/orders/A-1001").json()["state"] == "placed"


@pytest.mark.parametrize(
    "change",
    [
        {"customer": ""},
        {"email": "x"},
        {"currency": "euro"},
        {"quantity-0": "0"},
        {"price-0": "nan"},
    ],
)
def test_a_wrong_order_is_answered_with_a_sentence_and_keeps_what_was_typed(shop, change):
    answer = shop.post("/app/orders", data=FORM | change)
    assert (
        answer.status_code == 400 and 'role="alert"' in answer.text and 'value="Tea"' in answer.text
    )
    assert shop.hub == []


def test_another_sites_page_places_no_order(shop):
    assert (
        shop.post("/app/orders", data=FORM, headers={"Sec-Fetch-Site": "cross-site"}).status_code
        == 403
    )


def test_an_event_of_the_hub_changes_the_order(shop):
    shop.post("/app/api/orders", json=ORDER)
    event = {"id": "e1", "type": "order.shipped", "tenant": "acme", "data": {"number": "A-1001"}}
    assert shop.post("/app/api/events", json=event).status_code == 202
    assert shop.get("/app/api/orders/A-1001").json()["state"] == "shipped"
    line = shop.ledger()[-2]
    assert (line["system"], line["account"], line["id"]) == ("app", "acme", "e1")


def test_an_unsigned_event_is_refused_where_a_secret_is_known(shop):
    shop.world(app={"secret": SECRET})
    assert shop.post("/app/api/events", data="{}").status_code == 401
    signature = Webhook(SECRET).sign("m1", datetime.fromtimestamp(NOON, UTC), "{}")
    headers = {
        "webhook-id": "m1",
        "webhook-timestamp": str(int(NOON)),
        "webhook-signature": signature,
    }
    assert shop.post("/app/api/events", data="{}", headers=headers).status_code == 202


def test_the_tenant_may_stand_in_a_header(shop):
    shop.get("/app/api/health", headers={"Hub-Tenant": "acme"})
    assert shop.ledger()[-1]["account"] == "acme"
