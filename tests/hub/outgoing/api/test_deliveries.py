"""Events and deliveries read and listed by REST."""

from urllib.parse import parse_qs, urlsplit

import pytest

from connectors.http import Response
from tests.factories import NOON, WHSEC
from tests.fakes import FakeHttp
from tests.hub.outgoing.api.deliveries import DELIVERIES, EVENTS, delivery_url
from tests.hub.outgoing.pump.test_loop import pump

pytestmark = pytest.mark.django_db


def ids(response):
    assert response.status_code == 200, response.json()
    return [item["id"] for item in response.json()["items"]]


def test_an_event_is_read_with_its_deliveries_their_reasons_and_attempts(shop, delivery):
    pump(FakeHttp(Response(500, b"sorry")))
    event = shop.get(f"{EVENTS}/{delivery.event.public_id}").json()
    (told,) = event["deliveries"]
    assert (told["state"], told["reason"], told["detail"]) == ("waiting", "status_500", "sorry")
    assert told["sentence"] == "Webhook rejected it: status 500."
    (attempt,) = told["attempts"]
    assert (attempt["number"], attempt["outcome"], attempt["reason"]) == (1, "later", "status_500")


def test_an_event_is_found_by_the_id_that_was_sent(api, shop, acme):
    document = shop.post(
        EVENTS, {"id": "o/1 ü", "type": "order.created", "data": {}}, format="json"
    ).json()
    assert shop.get(f"{EVENTS}/o%2F1%20%C3%BC").json()["id"] == document["id"]
    assert api.platform().get(f"{EVENTS}/o%2F1%20%C3%BC?tenant=acme").json()["id"] == document["id"]
    assert api.platform().get(f"{EVENTS}/o%2F1%20%C3%BC").status_code == 404


def test_an_event_without_a_route_says_so_and_which_almost_matched(make, shop, acme):
    make.route(tenant=acme, name="typo", event_type="order.creatd")
    event = make.event(acme)
    document = shop.get(f"{EVENTS}/{event.public_id}").json()
    assert (document["reason"], document["sentence"]) == (
        "no_route",
        "No route matches this event type.",
    )
    checks = shop.get(f"{EVENTS}/{event.public_id}/explain").json()["checks"]
    assert checks[-1]["detail"] == "“typo” takes order.creatd."


def test_an_event_is_read_in_a_fixed_number_of_statements(
    make, shop, connection, django_assert_num_queries
):
    shop.get(EVENTS)
    for _ in range(2):
        make.route(connection)
        event = make.event(connection.tenant)
        with django_assert_num_queries(4):
            shop.get(f"{EVENTS}/{event.public_id}")


# --- lists ----------------------------------------------------------------------------------------


def test_events_are_listed_by_type_and_state(make, shop, acme, connection):
    make.route(connection)
    one, two = make.event(acme), make.event(acme, type="ticket.closed")
    assert ids(shop.get(EVENTS)) == [str(two.public_id), str(one.public_id)]
    assert ids(shop.get(f"{EVENTS}?type=order.created")) == [str(one.public_id)]
    assert ids(shop.get(f"{EVENTS}?state=waiting")) == [str(one.public_id)]
    assert ids(shop.get(f"{EVENTS}?state=no_route")) == [str(two.public_id)]


def test_deliveries_are_listed_by_what_they_read_as(make, shop, delivery, connection):
    other = make.delivery(make.connection(connection.tenant))
    connection.pause("window", until=None, now=NOON)
    for query in (
        "state=held",
        "reason=paused",
        f"connection={connection.public_id}",
        "state=held&reason=paused",
    ):
        assert str(delivery.public_id) in ids(shop.get(f"{DELIVERIES}?{query}"))
        assert str(other.public_id) not in ids(shop.get(f"{DELIVERIES}?{query}"))
    for query in (f"event={other.event.public_id}&state=waiting", f"route={other.route.public_id}"):
        assert ids(shop.get(f"{DELIVERIES}?{query}")) == [str(other.public_id)]


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("type=order.created", 1),
        ("type=order", 0),
        ("since=2020-01-01T00:00:00Z", 1),
        ("until=2020-01-01T00:00:00%2B01:00", 0),
        ("type=order.created&since=2020-01-01T00:00:00Z&state=waiting", 1),
    ],
)
def test_deliveries_are_listed_by_type_and_time(shop, delivery, query, count):
    assert len(ids(shop.get(f"{DELIVERIES}?{query}"))) == count


def test_pages_follow_each_other_forth_and_back_while_rows_are_added(make, shop, acme):
    events = [str(make.event(acme).public_id) for _ in range(5)][::-1]
    first = shop.get(f"{EVENTS}?limit=2&type=order.created")
    make.event(acme)
    second = shop.get(first.json()["next"])
    third = shop.get(second.json()["next"])
    assert ids(first) + ids(second) + ids(third) == events
    assert (first.json()["prev"], third.json()["next"]) == (None, None)
    assert ids(shop.get(third.json()["prev"])) == ids(second)
    assert f'<{second.json()["next"]}>; rel="next"' in second["Link"]
    assert parse_qs(urlsplit(second.json()["next"]).query)["type"] == ["order.created"]


def test_what_came_meanwhile_stands_before_the_page(make, shop, acme):
    one, two = make.event(acme), make.event(acme)
    page = shop.get(shop.get(f"{EVENTS}?limit=1").json()["next"])
    three = make.event(acme)
    before = shop.get(page.json()["prev"].replace("limit=1&", "limit=10&"))
    assert ids(page) == [str(one.public_id)]
    assert ids(before) == [str(three.public_id), str(two.public_id)]


def test_a_cursor_does_not_tell_the_row(make, shop, acme):
    rows = [make.event(acme) for _ in range(2)]
    way = shop.get(f"{EVENTS}?limit=1").json()["next"]
    assert not any(str(row.public_id) in way or row.public_id.hex in way for row in rows)


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("limit=0", "/limit"),
        ("limit=201", "/limit"),
        ("limit=x", "/limit"),
        ("after=x", "/after"),
        ("after=eyJh:1:x", "/after"),
        ("before=%00", "/before"),
        ("state=lost", "/state"),
        ("since=2026-11-25T12:00:00", "/since"),
        ("state=held&state=failed", "/state"),
        ("_connector=OR+1%3D1--", "/_connector"),
        ("tenant__name=x", "/tenant__name"),
        ("order_by=password", "/order_by"),
        ("type__startswith=a", "/type__startswith"),
    ],
)
@pytest.mark.parametrize("url", [EVENTS, DELIVERIES])
def test_a_strange_parameter_is_named(shop, url, query, pointer):
    answer = shop.get(f"{url}?{query}")
    assert (answer.status_code, answer.json()["code"]) == (400, "validation-failed")
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


def test_a_platform_key_lists_all_tenants_or_the_one_it_names(make, api, delivery):
    other = make.delivery()
    platform = api.platform()
    assert ids(platform.get(DELIVERIES)) == [str(other.public_id), str(delivery.public_id)]
    assert ids(platform.get(f"{DELIVERIES}?tenant=acme")) == [str(delivery.public_id)]
    assert platform.get(f"{DELIVERIES}?tenant=nobody").json()["code"] == "tenant-not-found"


def test_a_list_takes_a_fixed_number_of_statements(
    make, shop, connection, django_assert_num_queries
):
    shop.get(DELIVERIES)
    for _ in range(2):
        make.delivery(connection)
        with django_assert_num_queries(2):
            shop.get(DELIVERIES)


# --- a delivery -----------------------------------------------------------------------------------


def test_a_delivery_tells_the_call_of_each_attempt_without_bodies_and_secrets(shop, delivery):
    pump(FakeHttp(Response(200, b"secret answer")))
    response = shop.get(delivery_url(delivery))
    (attempt,) = response.json()["attempts"]
    exchange = attempt["exchange"]
    assert (exchange["method"], exchange["url"], exchange["status"]) == (
        "POST",
        "https://example.com/hook",
        200,
    )
    assert b"secret answer" not in response.content


def test_the_address_of_the_platforms_own_connection_is_not_shown(make, shop, acme):
    make.app("app", secret={"signing_secret": WHSEC}, urls={"api": "https://app.example.com"})
    body = {"type": "type", "data": "data"}
    make.route(make.connection(connector="app"), tenant=acme, action="send_event", body=body)
    delivery = make.event(acme).deliveries.get()
    pump(FakeHttp())
    response = shop.get(delivery_url(delivery))
    assert response.json()["attempts"][0]["exchange"]["url"] is None
    assert b"app.example.com" not in response.content


def test_a_delivery_is_explained(shop, delivery, connection):
    connection.pause("window", until=None, now=NOON)
    document = shop.get(delivery_url(delivery, "explain")).json()
    assert (document["state"], document["reason"], document["action"]) == (
        "held",
        "paused",
        "Resume the connection.",
    )
    assert [check["name"] for check in document["checks"] if check["passed"] is False] == [
        "connection",
        "lane",
    ]


def test_what_waits_behind_a_pause_is_listed_as_held(shop, delivery, connection):
    connection.pause("stocktaking", until=None, now=NOON)
    assert ids(shop.get(f"{DELIVERIES}?state=held")) == [str(delivery.public_id)]
    assert ids(shop.get(f"{DELIVERIES}?state=waiting")) == []
