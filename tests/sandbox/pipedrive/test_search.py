"""Search of records, and what follows from a new value: names of persons, times of deals."""

from urllib.parse import urlencode

import pytest

from tests.sandbox.pipedrive_requests import (
    call,
    create_record,
    read_remaining_budget,
    summarize_error,
)


def search(desk, path, **query):
    answer = call(desk, "GET", f"v2/{path}?{urlencode(query)}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def names(found):
    items = [result["item"] for result in found["data"]["items"]]
    return [item.get("name") or item.get("title") for item in items]


@pytest.fixture
def people(desk):
    organization = create_record(desk, "v2/organizations", name="Teas Ltd")
    for name, email in (("Jane Doe", "jane@teas.example"), ("Jan Møller", "jan@mugs.example")):
        emails = [{"value": email, "primary": True, "label": "work"}]
        create_record(desk, "v2/persons", name=name, emails=emails, org_id=organization["id"])
    return organization


def test_a_person_is_found_by_name_or_address(desk, people):
    assert names(search(desk, "persons/search", term="møller")) == ["Jan Møller"]
    matches = search(desk, "persons/search", term="JANE@teas.example", exact_match="true")
    assert names(matches) == ["Jane Doe"]
    person = matches["data"]["items"][0]["item"]
    assert (person["type"], person["primary_email"]) == ("person", "jane@teas.example")
    assert person["organization"] == {"id": people["id"], "name": "Teas Ltd"}


def test_what_equals_the_term_comes_first_and_fields_narrow(desk, people):
    assert names(search(desk, "persons/search", term="jan")) == ["Jane Doe", "Jan Møller"]
    assert names(search(desk, "persons/search", term="teas", fields="email")) == ["Jane Doe"]
    assert names(search(desk, "persons/search", term="teas", fields="name")) == []


def test_results_come_in_pages(desk, people):
    first = search(desk, "persons/search", term="example", limit=1)
    cursor = first["additional_data"]["next_cursor"]
    second = search(desk, "persons/search", term="example", limit=1, cursor=cursor)
    assert names(first) + names(second) == ["Jane Doe", "Jan Møller"]
    assert second["additional_data"]["next_cursor"] is None


def test_items_of_all_kinds_are_searched_together_only_with_the_scope(desk):
    desk.world(pipedrive=[{"company": "701", "scopes": "contacts:full,deals:full"}])
    assert call(desk, "GET", "v2/itemSearch?term=teas").status_code == 403
    desk.world(pipedrive=[{"company": "701", "scopes": "contacts:full,deals:full,search:read"}])
    create_record(desk, "v2/organizations", name="Teas Ltd")
    create_record(desk, "v2/deals", title="Teas for all")
    assert names(search(desk, "itemSearch", term="teas")) == ["Teas for all", "Teas Ltd"]
    assert names(search(desk, "itemSearch", term="teas", item_types="deal")) == ["Teas for all"]


@pytest.mark.parametrize("query", ["term=a", "term=", "term=ab&fields=salary", "term=ab&cursor=!"])
def test_a_search_that_cannot_be_is_refused(desk, query):
    assert call(desk, "GET", f"v2/persons/search?{query}").status_code == 400


def test_a_search_costs_twenty_tokens(desk):
    before = read_remaining_budget(call(desk, "GET", "v2/persons/search?term=ab"))
    assert before - read_remaining_budget(call(desk, "GET", "v2/persons/search?term=ab")) == 20


def test_notes_cannot_be_searched(desk):
    assert summarize_error(call(desk, "GET", "v2/notes/search?term=ab"))[0] == 404


def test_a_person_has_the_parts_of_the_name(desk):
    person = create_record(desk, "v2/persons", name="Anna Maria Ek")
    assert (person["first_name"], person["last_name"]) == ("Anna Maria", "Ek")
    renamed = call(desk, "PATCH", f"v2/persons/{person['id']}", json={"name": "Plato"})
    data = renamed.json()["data"]
    assert (data["first_name"], data["last_name"]) == ("Plato", None)


def test_a_deal_tells_when_it_was_won_or_lost(desk):
    deal = create_record(desk, "v2/deals", title="A-1")
    assert (deal["won_time"], deal["close_time"]) == (None, None)

    def set_status(status):
        path = f"v2/deals/{deal['id']}"
        return call(desk, "PATCH", path, json={"status": status}).json()["data"]

    won = set_status("won")
    assert won["won_time"] == won["close_time"] == won["update_time"]
    assert won["lost_time"] is None
    lost = set_status("lost")
    assert (lost["won_time"], lost["lost_time"]) == (None, lost["close_time"])
    assert set_status("open")["close_time"] is None
