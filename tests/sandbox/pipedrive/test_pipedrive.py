"""The simulated Pipedrive: its records and lists, as its documentation tells them."""

from urllib.parse import urlencode

import pytest

from tests.sandbox.pipedrive_requests import ACME, GLOBEX, KEY, call, create, create_record
from tests.sandbox.running_sandbox import RunningSandbox


@pytest.mark.parametrize(
    ("path", "body", "change", "verb"),
    [
        ("v2/persons", {"name": "Ada"}, {"name": "Ada Lovelace"}, "PATCH"),
        ("v2/organizations", {"name": "Acme"}, {"name": "Acme Teas"}, "PATCH"),
        ("v2/deals", {"title": "Order 7", "person_id": 1}, {"status": "won"}, "PATCH"),
        ("v2/activities", {"subject": "Call"}, {"done": True}, "PATCH"),
        ("v1/leads", {"title": "Order 7", "person_id": 1}, {"was_seen": True}, "PATCH"),
        ("v1/notes", {"content": "Hello", "person_id": 1}, {"content": "Bye"}, "PUT"),
    ],
)
def test_a_record_is_made_read_changed_and_deleted(desk, path, body, change, verb):
    record = create_record(desk, path, **body)
    one = f"{path}/{record['id']}"
    assert record.items() >= body.items()
    assert call(desk, verb, one, json=change).json()["data"].items() >= change.items()
    assert call(desk, "GET", one).json()["data"].items() >= (body | change).items()
    assert record["id"] in [row["id"] for row in call(desk, "GET", path).json()["data"]]
    assert call(desk, "DELETE", one).json()["success"] is True
    assert call(desk, "GET", one).status_code == 404


def test_a_lead_has_a_uuid_and_the_others_a_number(desk):
    assert len(create_record(desk, "v1/leads", title="a", person_id=1)["id"]) == 36
    assert [create_record(desk, "v2/deals", title=title)["id"] for title in "ab"] == [1, 2]


@pytest.mark.parametrize(
    "path", ["v1/persons", "v1/deals", "v2/leads", "v2/notes", "v2/nothing", "v3/deals"]
)
def test_the_other_version_does_not_know_it(desk, path):
    assert call(desk, "GET", path).status_code == 404


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("v2/persons", {}, 400),
        ("v2/persons", {"name": "  "}, 400),
        ("v2/persons", {"name": "Ada", "org_id": "1"}, 400),
        ("v2/persons", {"name": "Ada", "org_id": 99}, 400),
        ("v2/persons", {"name": "Ada", "emails": [{"value": None}]}, 400),
        ("v2/persons", {"name": "Ada", "job_title": "Countess"}, 403),
        ("v2/deals", {"title": "a", "value": "12.50"}, 400),
        ("v2/deals", {"title": "a", "status": "sold"}, 400),
        ("v2/deals", {"title": "a", "lost_reason": "price"}, 400),
        ("v2/deals", {"title": "a", "expected_close_date": "tomorrow"}, 400),
        ("v2/deals", {"title": "a", "expected_close_date": "2026-02-31"}, 400),
        ("v2/deals", {"title": "a", "stage_id": 99}, 400),
        ("v2/deals", {"title": "a", "pipeline_id": 99}, 400),
        ("v2/deals", {"title": "a", "owner_id": 99}, 400),
        ("v2/deals", {"title": "a", "currency": "euro"}, 400),
        ("v2/deals", {"title": "a", "visible_to": 2}, 400),
        ("v2/deals", {"title": "a", "custom_fields": {"0" * 40: 1}}, 400),
        ("v2/deals", {"title": "a", "custom_fields": {KEY: []}}, 400),
        ("v2/persons", {"name": "Ada", "marketing_status": "maybe"}, 400),
        ("v2/deals", {"title": "a", "probability": 101}, 400),
        ("v2/activities", {"subject": "a", "due_time": "noon"}, 400),
        ("v2/activities", {"subject": "a", "duration": "an hour"}, 400),
        ("v1/leads", {"title": "a", "person_id": 1, "label_ids": [1]}, 400),
        ("v2/activities", {"subject": "a", "done": 1}, 400),
        ("v1/leads", {"title": "a"}, 400),
        ("v1/leads", {"title": "a", "person_id": 1, "0" * 40: 1}, 400),
        ("v1/notes", {"content": "a"}, 400),
        ("v1/notes", {"content": "a", "deal_id": 99}, 400),
    ],
)
def test_a_wrong_record_is_refused(desk, path, body, status):
    answer = create(desk, path, **body)
    assert (answer.status_code, answer.json()["success"]) == (status, False)
    assert answer.json().keys() >= {"error", "error_info", "data", "additional_data"}


def test_a_deal_stands_in_a_stage_which_says_in_which_pipeline(desk):
    sales = {"id": 7, "name": "Sales", "stages": {"70": "New", "71": "Hot"}}
    support = {"id": 8, "name": "Renewals", "stages": {"80": "Due"}}
    desk.world(pipedrive=[{"company": "701", "pipelines": [sales, support]}])
    asked = ({}, {"stage_id": 80}, {"pipeline_id": 7}, {"stage_id": 71, "pipeline_id": 8})
    deals = [create_record(desk, "v2/deals", title="a", **place) for place in asked]
    assert [(deal["pipeline_id"], deal["stage_id"]) for deal in deals] == [
        (7, 70),
        (8, 80),
        (7, 70),
        (7, 71),
    ]
    moved = call(desk, "PATCH", f"v2/deals/{deals[0]['id']}", json={"stage_id": 99})
    assert moved.status_code == 400
    stages = call(desk, "GET", "v2/stages?pipeline_id=7").json()["data"]
    assert [(stage["id"], stage["name"]) for stage in stages] == [(70, "New"), (71, "Hot")]
    assert [row["name"] for row in call(desk, "GET", "v2/pipelines").json()["data"]] == [
        "Sales",
        "Renewals",
    ]


def test_custom_fields_stand_inside_in_v2_and_beside_in_v1(desk):
    deal = create_record(desk, "v2/deals", title="a", custom_fields={KEY: "A-1"})
    lead = create_record(desk, "v1/leads", title="a", person_id=1, **{KEY: "A-1"})
    assert (deal["custom_fields"], lead[KEY]) == ({KEY: "A-1"}, "A-1")


def test_pages_of_v2_follow_a_cursor(desk):
    for title in "abc":
        create_record(desk, "v2/deals", title=title)
    first = call(desk, "GET", "v2/deals?limit=2").json()
    cursor = first["additional_data"]["next_cursor"]
    last = call(desk, "GET", f"v2/deals?{urlencode({'limit': 2, 'cursor': cursor})}").json()
    assert [row["title"] for row in first["data"] + last["data"]] == ["a", "b", "c"]
    assert last["additional_data"] == {"next_cursor": None}
    assert call(desk, "GET", "v2/deals?cursor=abc").status_code == 400


def test_pages_of_v1_follow_an_offset(desk):
    for number in "123":
        create_record(desk, "v1/leads", title=number, person_id=1)
        create_record(desk, "v1/notes", content=number, person_id=1)
    leads = call(desk, "GET", "v1/leads?limit=2").json()["additional_data"]
    assert leads == {"start": 0, "limit": 2, "more_items_in_collection": True, "next_start": 2}
    notes = call(desk, "GET", "v1/notes?start=2&limit=2").json()["additional_data"]["pagination"]
    assert notes["more_items_in_collection"] is False


def test_a_list_is_of_what_changed_since_a_moment_without_milliseconds(desk):
    create_record(desk, "v2/deals", title="old")
    desk.now += 60
    create_record(desk, "v2/deals", title="new")
    since = call(desk, "GET", "v2/deals?updated_since=2026-11-25T12:01:00Z").json()["data"]
    assert [row["title"] for row in since] == ["new"]
    assert call(desk, "GET", "v2/deals?updated_since=2026-11-25T12:01:00.000Z").status_code == 400


def test_a_restart_forgets_nothing(desk):
    create_record(desk, "v2/deals", title="kept")
    with RunningSandbox(desk.state).running() as again:
        assert call(again, "GET", "v2/deals/1").json()["data"]["title"] == "kept"


def test_the_company_of_the_token_answers_and_no_other(desk):
    assert call(desk, "GET", "v1/users/me").json()["data"]["company_id"] == 701
    assert (
        call(desk, "GET", "v1/users/me", token=GLOBEX).json()["data"]["company_domain"] == "globex"
    )
    headers = {"Authorization": f"Bearer {ACME}"}
    assert desk.get("/pipedrive/acme/api/v1/users/me", headers=headers).status_code == 200
    assert desk.get("/pipedrive/globex/api/v1/users/me", headers=headers).status_code == 401
    assert [line["account"] for line in desk.ledger()] == ["701", "702", "701", "701"]


def test_the_ledger_knows_a_lead_by_its_origin(desk):
    create_record(desk, "v1/leads", title="a", person_id=1, origin_id="delivery-1")
    assert desk.ledger()[-1]["id"] == "delivery-1"
