"""Pipedrive: what it answers, and what we understand."""

import pytest

from connectors.base import Grant
from connectors.http import Report, Response, Unreadable
from connectors.object_schemas import FieldsPage
from connectors.outcomes import Outcome
from connectors.pipedrive.connector import Pipedrive
from connectors.pipedrive.errors import ADDRESS, BURST, COMPANY, OUTCOMES_BY_STATUS, TOKEN
from connectors.pipedrive.schema import RECORD_KINDS
from connectors.schema import Account
from tests.connectors.recorded import ORDER, credential, fixtures, message, recorded, rendered

PIPEDRIVE = Pipedrive()
KEY = "dcf558aac1ae4e8c4f849ba5e668430d8df9be12"  # of a custom field
LEAD = "5a9f2c1e-7c2b-4f53-9a3a-0f2d7b1c6e44"
UNREADABLE = "unreadable"
EXPECTED = {
    "create_person__created": ("delivered", ""),
    "create_person__created_201": ("delivered", ""),
    "create_person__invalid": ("never", "bad_request"),
    "create_person__contact_sync_is_off": ("never", "forbidden"),
    "create_organization__created": ("delivered", ""),
    "create_deal__created": ("delivered", ""),
    "create_deal__unknown_custom_field": ("never", "bad_request"),
    "create_deal__limit_of_the_plan": ("never", "forbidden"),
    "create_deal__expired_token": ("refresh", "unauthorized_access"),
    "create_deal__unauthorized_by_a_proxy": ("refresh", "unauthorized_access"),
    "create_deal__missing_scope": ("never", "permission_missing"),
    "create_deal__account_not_open": ("later", "account_not_open"),
    "create_deal__burst": ("later", "throttled"),
    "create_deal__day_spent": ("later", "throttled"),
    "create_deal__not_enough_left_of_the_day": ("later", "throttled"),
    "create_deal__too_many": ("later", "throttled"),
    "create_deal__cloudflare": ("later", "throttled"),
    "create_deal__cloudflare_says_how_long": ("later", "throttled"),
    "create_deal__not_found_by_a_proxy": ("never", "not_found"),
    "create_deal__gone": ("never", "status_410"),
    "create_deal__feature_not_enabled": ("never", "feature_not_enabled"),
    "create_deal__unprocessable": ("never", "unprocessable"),
    "create_deal__server_error": ("unknown", "status_500"),
    "create_deal__bad_gateway": ("unknown", "status_502"),
    "create_deal__maintenance": ("later", "maintenance"),
    "create_deal__a_page": ("unknown", "unreadable"),
    "create_deal__no_success": ("unknown", "unreadable"),
    "update_deal__changed": ("delivered", ""),
    "update_deal__deleted": ("never", "not_found"),
    "create_lead__created": ("delivered", ""),
    "create_lead__not_linked": ("never", "bad_request"),
    "update_lead__changed": ("delivered", ""),
    "create_activity__created": ("delivered", ""),
    "create_note__created": ("delivered", ""),
    "update_note__changed": ("delivered", ""),
    "deal_fields__first": ["id", "title", "value", "owner_id", "status"],
    "deal_fields__last": [
        f"custom_fields.{KEY}",
        "custom_fields.946947d1b02fd3ef20798d6112ec5d895a686a21",
        "custom_fields.b2d6bd6bcf8ee6f4c8fd7a5b3d6bd6bcf8ee6f4c",
    ],
    "deal_fields__none": UNREADABLE,
    "deal_fields__no_end": UNREADABLE,
    "deal_fields__missing_scope": ("never", "permission_missing"),
    "users_me__ok": Account("701", "Acme (Ann Archer)", "31"),
    "users_me__no_company": UNREADABLE,
    "users_me__expired_token": ("refresh", "unauthorized_access"),
    "token__refreshed": 3600.0,
    "token__told_as_text": 3599.0,
    "token__moved": 3600.0,
    "token__host_elsewhere": 3600.0,
    "token__without_a_token": ("reconnect", "no_access_token"),
    "token__invalid_grant": ("reconnect", "invalid_grant"),
    "token__invalid_client": ("later", "invalid_client"),
    "token__no_grant_type": ("later", "invalid_request"),
    "token__too_many": ("later", "throttled"),
    "token__cloudflare": ("later", "throttled"),
    "token__maintenance": ("later", "unavailable"),
    "token__server_error": ("unknown", "status_500"),
    "token__a_page": UNREADABLE,
}


def pipedrive_says(name):
    response, door = recorded("pipedrive", name), name.partition("__")[0]
    if door == "users_me":
        return PIPEDRIVE.parse_probe(response, credential("pipedrive"))
    if door == "token":
        return PIPEDRIVE.parse_refresh(response, credential("pipedrive"))
    if door == "deal_fields":
        return PIPEDRIVE.schema.parse_fields(response, "deals")
    action = PIPEDRIVE.action(door)
    (outcome,) = action.read_outcomes(response, [message(rendered(action.example))])
    return outcome


def build_request(key, body, **changes):
    return PIPEDRIVE.action(key).request([message(body, **changes)], credential("pipedrive"))


def test_every_recorded_answer_is_in_the_table():
    assert fixtures("pipedrive") == sorted(EXPECTED)


@pytest.mark.parametrize(("name", "expected"), EXPECTED.items())
def test_reads(name, expected):
    if expected == UNREADABLE:
        with pytest.raises(Unreadable):
            pipedrive_says(name)
        return
    read = pipedrive_says(name)
    if isinstance(read, Grant):
        read = read.expires_in
    elif isinstance(read, FieldsPage):
        read = [field.key for field in read.fields]
    elif isinstance(read, Outcome):
        read = read.kind, read.reason
    assert read == expected


@pytest.mark.parametrize(("status", "meaning"), OUTCOMES_BY_STATUS.items())
def test_a_status_means_what_the_table_says(status, meaning):
    verdict, reason = meaning
    outcome = PIPEDRIVE.action("create_deal").outcome(
        Response(status, b'{"success":false,"error":"no"}')
    )
    assert outcome == verdict(reason, "no")


def test_words_count_more_than_the_status_whatever_their_case():
    answer = Response(400, b'{"error":"SCOPE and URL mismatch"}')
    assert PIPEDRIVE.action("create_deal").outcome(answer).reason == "permission_missing"


def test_what_it_says_is_kept_for_a_person():
    assert pipedrive_says("create_deal__limit_of_the_plan").detail == (
        "feature_capping_deals_limit: Deals limit reached"
    )


def test_the_reference_is_the_id_there():
    assert pipedrive_says("create_deal__created").reference == "8"
    assert pipedrive_says("create_lead__created").reference == LEAD


@pytest.mark.parametrize(
    ("name", "after", "pauses"),
    [
        ("create_deal__burst", 2.0, (BURST,)),
        ("create_deal__day_spent", 3600.0, (COMPANY,)),
        ("create_deal__not_enough_left_of_the_day", 3600.0, (COMPANY,)),
        ("create_deal__too_many", None, (COMPANY, BURST)),
        ("create_deal__cloudflare", 900.0, (ADDRESS,)),
        ("create_deal__cloudflare_says_how_long", 600.0, (ADDRESS,)),
        ("token__too_many", 30.0, (TOKEN,)),
        ("token__cloudflare", 900.0, (ADDRESS,)),
    ],
)
def test_rests_what_is_spent_for_as_long_as_it_takes_and_costs_no_attempt(name, after, pauses):
    outcome = pipedrive_says(name)
    assert (outcome.after, outcome.paused_scopes, outcome.costs_no_attempt) == (after, pauses, True)


def test_an_address_blocked_by_cloudflare_calls_no_company():
    request = build_request("create_deal", {"title": "a"})
    assert ADDRESS in [scope for scope, _ in request.spends]
    assert PIPEDRIVE.quota(ADDRESS) is None and PIPEDRIVE.unlimited_reasons["address"]


def test_a_permission_that_is_missing_is_no_block():
    assert pipedrive_says("create_person__contact_sync_is_off").paused_scopes == ()


@pytest.mark.parametrize("kind", RECORD_KINDS, ids=lambda kind: kind.key)
def test_the_newer_version_costs_half(kind):
    tokens = dict(build_request(f"create_{kind.key}", {kind.required_input: "a"}).spends)[COMPANY]
    assert tokens == {"v1": 10, "v2": 5}[kind.path[:2]]


def test_answers_report_the_day_of_the_company():
    assert PIPEDRIVE.parse_quota_reports(recorded("pipedrive", "create_deal__created")) == (
        Report(COMPANY, 129, 30_000),
    )


def test_a_day_that_is_spent_is_looked_at_again_in_an_hour():
    (report,) = PIPEDRIVE.parse_quota_reports(recorded("pipedrive", "create_deal__day_spent"))
    assert (report.used, report.resets_in) == (30_000, 3600.0)


@pytest.mark.parametrize(
    ("limit", "left"),
    [("", "5"), ("100", ""), ("100", "101"), ("0", "0"), ("-1", "1"), ("1e3", "1"), ("٣", "1")],
)
def test_a_strange_report_is_none(limit, left):
    headers = {"x-daily-ratelimit-token-limit": limit, "x-daily-ratelimit-token-remaining": left}
    assert PIPEDRIVE.parse_quota_reports(Response(200, headers=headers)) == ()


def test_each_record_has_its_place():
    made = [
        build_request(f"create_{kind.key}", {kind.required_input: "a"}) for kind in RECORD_KINDS
    ]
    changed = [
        build_request(f"update_{kind.key}", {"id": 7, kind.required_input: "a"})
        for kind in RECORD_KINDS
    ]
    assert {request.method for request in made} == {"POST"}
    assert [(request.method, request.url.partition(".com")[2]) for request in changed] == [
        ("PATCH", "/api/v2/persons/7"),
        ("PATCH", "/api/v2/organizations/7"),
        ("PATCH", "/api/v2/deals/7"),
        ("PATCH", "/api/v1/leads/7"),
        ("PATCH", "/api/v2/activities/7"),
        ("PUT", "/api/v1/notes/7"),
    ]


def test_what_the_event_does_not_have_is_left_as_it_is():
    body = {"id": 7, "title": "a", "value": None, "custom_fields": {KEY: None}}
    assert build_request("update_deal", body).json == {"title": "a"}


def test_custom_fields_stand_inside_or_beside_as_the_version_has_it():
    body = {"title": "a", "custom_fields": {KEY: "b"}}
    assert build_request("create_deal", body).json == body
    assert build_request("create_lead", body).json == {
        "title": "a",
        KEY: "b",
        "origin_id": ORDER["id"],
    }


def test_a_lead_keeps_the_id_of_the_delivery_unless_the_mapping_says_otherwise():
    assert (
        build_request("create_lead", {"title": "a", "origin_id": "shop"}).json["origin_id"]
        == "shop"
    )
    assert "origin_id" not in build_request("update_lead", {"id": LEAD, "title": "a"}).json


def test_an_example_without_an_address_makes_a_person_without_one():
    body = rendered(PIPEDRIVE.action("create_person").example, {"data": {"customer": "Ada"}})
    assert build_request("create_person", body).json == {"name": "Ada", "emails": []}


@pytest.mark.parametrize(
    ("key", "body"),
    [
        ("create_person", {"emails": []}),
        ("create_lead", {"title": "a"}),
        ("create_note", {"content": "a", "deal_id": None}),
        ("create_deal", {"title": "a", "custom_fields": "b"}),
        ("create_deal", {"title": "a", "custom_fields": {"size": 1}}),
        ("create_deal", {"title": "a", "name": "b"}),
        ("update_deal", {"title": "a"}),
        ("update_deal", {"id": "../users/1", "title": "a"}),
        ("update_deal", {"id": "7?a=b", "title": "a"}),
        ("update_deal", {"id": True, "title": "a"}),
        ("update_deal", {"id": {"a": 1}, "title": "a"}),
    ],
)
def test_refuses_a_body_with_a_sentence(key, body):
    assert PIPEDRIVE.action(key).find_body_problem(body)


@pytest.mark.parametrize("id", [7, "7", LEAD])
def test_takes_an_id_as_number_or_text(id):
    assert PIPEDRIVE.action("update_deal").find_body_problem({"id": id, "title": "a"}) == ""


def test_only_a_change_and_a_deletion_may_be_made_twice():
    assert {action.key for action in PIPEDRIVE.actions if action.is_idempotent} == {
        *(f"update_{k.key}" for k in RECORD_KINDS),
        "delete_deal",
    }


@pytest.mark.corrections(item="1.11")
def test_a_deal_is_deleted_by_its_id_only():
    action = PIPEDRIVE.action("delete_deal")
    request = action.request([message({"id": "17"})], credential("pipedrive"))
    assert (request.method, request.content()) == ("DELETE", b"")
    assert request.url.endswith("/api/v2/deals/17")
    assert action.find_body_problem({"id": "1?x=1"})


def test_follows_the_company_to_its_new_domain_and_nowhere_else():
    assert pipedrive_says("token__moved").settings == {
        "api_domain": "https://acme-teas.pipedrive.com"
    }
    assert pipedrive_says("token__host_elsewhere").settings == {}
