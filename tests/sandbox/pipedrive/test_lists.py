"""Pipedrive's lists of v2 in the large: cursors, orders, changes, deleted deals, planting."""

from urllib.parse import urlencode

import pytest

from tests.sandbox.pipedrive_requests import call


@pytest.fixture
def company(desk):
    desk.world(pipedrive=[{"company": "701", "daily_tokens": 1_000_000, "burst": 100_000}])
    return desk


def seed(desk, object="deals", status=201, **wish):
    body = {"system": "pipedrive", "account": "701", "object": object, **wish}
    answer = desk.post("/_control/seed", json=body)
    assert answer.status_code == status, answer.text
    return answer.json()


def list_page(desk, path="deals", **query):
    return call(desk, "GET", f"v2/{path}?{urlencode(query)}").json()


def list_all(desk, path="deals", **query):
    rows, cursor = [], ""
    while cursor is not None:
        page = list_page(desk, path, **query, **({"cursor": cursor} if cursor else {}))
        rows += page["data"]
        cursor = page["additional_data"]["next_cursor"]
    return rows


def test_many_records_are_there_on_demand_and_read_once(company):
    fields = {"title": "Order A-{n}", "value": "={n}.5", "status": "won"}
    assert seed(company, generate={"count": 1200, "start": 1, "fields": fields})["count"] == 1200
    rows = list_all(company, limit=500)
    assert [row["id"] for row in rows] == list(range(1, 1201))
    assert (rows[6]["title"], rows[6]["value"], rows[6]["currency"]) == ("Order A-7", 7.5, "EUR")


@pytest.mark.parametrize("order", [{}, {"sort_direction": "desc"}, {"sort_by": "update_time"}])
def test_each_order_is_stable_over_pages(company, order):
    times = ["2026-11-03T00:00:00Z", "2026-11-01T00:00:00Z", "2026-11-01T00:00:00Z"]
    seed(company, records=[{"title": "a", "update_time": time} for time in times])
    seen = [row["id"] for row in list_all(company, limit=1, **order)]
    assert seen == {"desc": [3, 2, 1], "update_time": [2, 3, 1]}.get(
        next(iter(order.values()), ""), [1, 2, 3]
    )


def test_a_cursor_belongs_to_its_order(company):
    seed(company, generate={"count": 2})
    cursor = list_page(company, limit=1)["additional_data"]["next_cursor"]
    query = urlencode({"cursor": cursor, "sort_by": "update_time"})
    assert call(company, "GET", f"v2/deals?{query}").status_code == 400


@pytest.mark.parametrize("query", ["sort_by=title", "sort_direction=up", "status=sold"])
def test_a_list_refuses_what_it_does_not_know(company, query):
    assert call(company, "GET", f"v2/deals?{query}").status_code == 400


def test_deleted_deals_are_listed_on_demand_for_thirty_days_and_persons_never(company):
    for object in ("deals", "persons"):
        name = {"deals": "title", "persons": "name"}[object]
        seed(company, object, records=[{name: "a", "is_deleted": True}, {name: "b"}])
    states = "open,won,lost,deleted"
    assert [deal["is_deleted"] for deal in list_all(company, status=states)] == [True, False]
    assert [deal["is_deleted"] for deal in list_all(company)] == [False]
    assert not any(person["is_deleted"] for person in list_all(company, "persons", status=states))
    seed(company, records=[{"id": 1, "update_time": "2026-10-25T12:00:00Z"}])
    assert [deal["is_deleted"] for deal in list_all(company, status=states)] == [False]


def test_a_planted_record_changes_the_one_with_its_id_and_sends_no_webhook(company):
    (id,) = seed(company, records=[{"title": "a", "custom_fields": {"x": None}}])["ids"]
    company.now += 60
    seed(company, records=[{"id": id, "title": "b"}])
    (deal,) = list_all(company, updated_since="2026-11-25T12:01:00Z", ids=id)
    assert (deal["title"], deal["custom_fields"]) == ("b", {"x": None})
    assert company.get("/_control/sent").json()["sent"] == []
    lines = company.get("/_control/records?system=pipedrive&account=701&object=deals").text
    assert len(lines.splitlines()) == 1
    assert call(company, "POST", "v2/deals", json={"title": "c"}).json()["data"]["id"] == 2


@pytest.mark.parametrize(
    "wish",
    [
        {"records": [{"shoe": 1}]},
        {"object": "shoes", "records": [{}]},
        {"records": [{"title": "a", "update_time": "now"}]},
        {"account": "1", "records": [{}]},
    ],
)
def test_what_no_company_could_have_cannot_be_planted(company, wish):
    body = {"system": "pipedrive", "account": "701", "object": "deals", **wish}
    assert company.post("/_control/seed", json=body).status_code == 400


def test_archived_deals_have_a_list_of_their_own(company):
    seed(company, records=[{"title": "a"}, {"title": "b", "is_archived": True}])
    assert [row["title"] for row in list_all(company)] == ["a"]
    assert [row["title"] for row in list_all(company, "deals/archived")] == ["b"]
    assert list_all(company, ids="1,2") != list_all(company, "deals/archived", ids="1,2")
    assert call(company, "PATCH", "v2/deals/archived", json={"title": "c"}).status_code == 405
