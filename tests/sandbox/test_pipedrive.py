"""The simulated Pipedrive: its manners, as its documentation tells them."""

from urllib.parse import urlencode

import pytest
import requests

from tests.sandbox.desk import Desk
from tests.sandbox.oauth import BACK, allow, buttons, came_back, choose

ACME, GLOBEX = "v1u:acme-1", "v1u:globex-1"
AUTHORIZE = "/pipedrive/oauth/authorize"
ASKED = {"client_id": "hub.pipedrive", "redirect_uri": BACK, "state": "s1"}
APP = ("hub.pipedrive", "pipedrive-secret")
KEY = "dcf558aac1ae4e8c4f849ba5e668430d8df9be12"
HOUR, DAY = 3600, 24 * 3600
BLOCK = 300


def call(desk, method, path, token=ACME, **more):
    headers = {"Authorization": f"Bearer {token}"}
    return requests.request(method, f"{desk.url}/api/{path}", headers=headers, timeout=5, **more)


def create(desk, path, **body):
    return call(desk, "POST", path, json=body)


def made(desk, path, **body):
    answer = create(desk, path, **body)
    assert answer.json()["success"] is True, answer.text
    return answer.json()["data"]


def said(answer):
    return answer.status_code, answer.json()["error"]


def token(desk, client=APP, **form):
    return desk.post("/pipedrive/oauth/token", data=form, auth=client)


def refresh(desk, refresh_token="701:acme-1"):
    return token(desk, grant_type="refresh_token", refresh_token=refresh_token)


def redeem(desk, code, **form):
    return token(desk, grant_type="authorization_code", code=code, **{"redirect_uri": BACK} | form)


def day_left(answer):
    return int(answer.headers["x-daily-ratelimit-token-remaining"])


# --- records ---------------------------------------------------------------------------------------------------------


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
    record = made(desk, path, **body)
    one = f"{path}/{record['id']}"
    assert record.items() >= body.items()
    assert call(desk, verb, one, json=change).json()["data"].items() >= change.items()
    assert call(desk, "GET", one).json()["data"].items() >= (body | change).items()
    assert record["id"] in [row["id"] for row in call(desk, "GET", path).json()["data"]]
    assert call(desk, "DELETE", one).json()["success"] is True
    assert call(desk, "GET", one).status_code == 404


def test_a_lead_has_a_uuid_and_the_others_a_number(desk):
    assert len(made(desk, "v1/leads", title="a", person_id=1)["id"]) == 36
    assert [made(desk, "v2/deals", title=title)["id"] for title in "ab"] == [1, 2]


@pytest.mark.parametrize("path", ["v1/persons", "v1/deals", "v2/leads", "v2/notes", "v2/nothing", "v3/deals"])
def test_the_other_version_does_not_know_it(desk, path):
    assert call(desk, "GET", path).status_code == 404


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("v2/persons", {}, 400),
        ("v2/persons", {"name": "Ada", "org_id": "1"}, 400),
        ("v2/persons", {"name": "Ada", "org_id": 99}, 400),
        ("v2/persons", {"name": "Ada", "emails": [{"value": None}]}, 400),
        ("v2/persons", {"name": "Ada", "job_title": "Countess"}, 403),
        ("v2/deals", {"title": "a", "value": "12.50"}, 400),
        ("v2/deals", {"title": "a", "status": "sold"}, 400),
        ("v2/deals", {"title": "a", "lost_reason": "price"}, 400),
        ("v2/deals", {"title": "a", "expected_close_date": "tomorrow"}, 400),
        ("v2/deals", {"title": "a", "custom_fields": {"0" * 40: 1}}, 400),
        ("v2/deals", {"title": "a", "custom_fields": {KEY: []}}, 400),
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


def test_custom_fields_stand_inside_in_v2_and_beside_in_v1(desk):
    deal = made(desk, "v2/deals", title="a", custom_fields={KEY: "A-1"})
    lead = made(desk, "v1/leads", title="a", person_id=1, **{KEY: "A-1"})
    assert (deal["custom_fields"], lead[KEY]) == ({KEY: "A-1"}, "A-1")


def test_pages_of_v2_follow_a_cursor(desk):
    for title in "abc":
        made(desk, "v2/deals", title=title)
    first = call(desk, "GET", "v2/deals?limit=2").json()
    cursor = first["additional_data"]["next_cursor"]
    last = call(desk, "GET", f"v2/deals?{urlencode({'limit': 2, 'cursor': cursor})}").json()
    assert [row["title"] for row in first["data"] + last["data"]] == ["a", "b", "c"]
    assert last["additional_data"] == {"next_cursor": None}
    assert call(desk, "GET", "v2/deals?cursor=abc").status_code == 400


def test_pages_of_v1_follow_an_offset(desk):
    for number in "123":
        made(desk, "v1/leads", title=number, person_id=1)
        made(desk, "v1/notes", content=number, person_id=1)
    leads = call(desk, "GET", "v1/leads?limit=2").json()["additional_data"]
    assert leads == {"start": 0, "limit": 2, "more_items_in_collection": True, "next_start": 2}
    notes = call(desk, "GET", "v1/notes?start=2&limit=2").json()["additional_data"]["pagination"]
    assert notes["more_items_in_collection"] is False


def test_a_list_is_of_what_changed_since_a_moment_without_milliseconds(desk):
    made(desk, "v2/deals", title="old")
    desk.now += 60
    made(desk, "v2/deals", title="new")
    since = call(desk, "GET", "v2/deals?updated_since=2026-11-25T12:01:00Z").json()["data"]
    assert [row["title"] for row in since] == ["new"]
    assert call(desk, "GET", "v2/deals?updated_since=2026-11-25T12:01:00.000Z").status_code == 400


def test_a_restart_forgets_nothing(desk):
    made(desk, "v2/deals", title="kept")
    with Desk(desk.state).running() as again:
        assert call(again, "GET", "v2/deals/1").json()["data"]["title"] == "kept"


def test_the_company_of_the_token_answers_and_no_other(desk):
    assert call(desk, "GET", "v1/users/me").json()["data"]["company_id"] == 701
    assert call(desk, "GET", "v1/users/me", token=GLOBEX).json()["data"]["company_domain"] == "globex"
    headers = {"Authorization": f"Bearer {ACME}"}
    assert desk.get("/pipedrive/acme/api/v1/users/me", headers=headers).status_code == 200
    assert desk.get("/pipedrive/globex/api/v1/users/me", headers=headers).status_code == 401
    assert [line["account"] for line in desk.ledger()] == ["701", "702", "701", "701"]


def test_the_ledger_knows_a_lead_by_its_origin(desk):
    made(desk, "v1/leads", title="a", person_id=1, origin_id="delivery-1")
    assert desk.ledger()[-1]["id"] == "delivery-1"


# --- what may be called ----------------------------------------------------------------------------------------------


def test_each_call_costs_tokens_of_the_day(desk):
    costs = {
        "GET v1/users/me": 2, "POST v2/deals": 5, "GET v2/deals": 10, "GET v2/deals/1": 1, "PATCH v2/deals/1": 5,
        "DELETE v2/deals/1": 3, "GET v1/notes": 20, "POST v1/notes": 10, "GET v1/notes/1": 2,
    }  # fmt: skip
    left = 30_000
    for line, cost in costs.items():
        method, path = line.split()
        body = {"content": "a", "person_id": 1} if "notes" in path else {"title": "a"}
        answer = call(desk, method, path, json=None if method == "GET" else body)
        assert left - day_left(answer) == cost, line
        left = day_left(answer)


def test_a_spent_day_is_429_until_midnight(desk):
    desk.world(pipedrive=[{"company": "701", "daily_tokens": 9}])
    assert create(desk, "v2/deals", title="a").status_code == 200
    spent = create(desk, "v2/deals", title="b")
    assert (spent.status_code, day_left(spent)) == (429, 4)
    desk.now += DAY / 2 - 1
    refreshed = refresh(desk).json()["access_token"]
    assert call(desk, "POST", "v2/deals", token=refreshed, json={"title": "b"}).status_code == 429
    desk.now += 1
    assert call(desk, "POST", "v2/deals", token=refreshed, json={"title": "b"}).status_code == 200


def test_the_plan_and_the_seats_make_the_day(desk):
    desk.world(pipedrive=[{"company": "702", "plan": "premium", "seats": 3}])
    headers = call(desk, "GET", "v1/users/me", token=GLOBEX).headers
    assert headers["x-daily-ratelimit-token-limit"] == "450000"
    assert (headers["x-ratelimit-limit"], headers["x-ratelimit-remaining"]) == ("400", "399")


def test_the_day_may_be_untold(desk):
    desk.world(pipedrive=[{"company": "701", "daily_told": False}])
    assert not [name for name in call(desk, "GET", "v1/users/me").headers if "daily" in name]


def test_a_burst_is_429_for_that_token_for_two_seconds(desk):
    desk.world(pipedrive=[{"company": "701", "burst": 2}])
    answers = [call(desk, "GET", "v1/users/me") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert (answers[2].headers["x-ratelimit-remaining"], answers[2].headers["x-ratelimit-reset"]) == ("0", "2")
    assert call(desk, "GET", "v1/users/me", token=GLOBEX).status_code == 200
    desk.now += 2
    assert call(desk, "GET", "v1/users/me").status_code == 200


def test_whoever_goes_on_after_many_429s_meets_cloudflare(desk):
    desk.world(pipedrive=[{"company": "701", "burst": 1}])
    statuses = [call(desk, "GET", "v1/users/me").status_code for _ in range(32)]
    assert statuses == [200, *[429] * 30, 403]
    page = call(desk, "GET", "v1/users/me", token=GLOBEX)
    assert page.headers["Content-Type"].startswith("text/html") and "Error 1015" in page.text
    desk.now += BLOCK
    assert call(desk, "GET", "v1/users/me").status_code == 200


@pytest.mark.parametrize(("status", "error"), [(403, "Scope and URL mismatch"), (429, "request over limit")])
def test_a_fault_speaks_its_words(desk, status, error):
    desk.fault("pipedrive", account="701", status=status)
    assert said(create(desk, "v2/deals", title="a")) == (status, error)


def test_what_the_app_may_not_do_is_refused(desk):
    desk.world(pipedrive=[{"company": "701", "scopes": "base,deals:read"}])
    assert call(desk, "GET", "v2/deals").status_code == 200
    assert said(create(desk, "v2/deals", title="a")) == (403, "Scope and URL mismatch")


def test_a_closed_account_is_402(desk):
    desk.world(pipedrive=[{"company": "701", "closed": True}])
    assert said(call(desk, "GET", "v1/users/me")) == (402, "Company account is not open")


# --- tokens ----------------------------------------------------------------------------------------------------------


def test_a_person_chooses_a_company_and_comes_back_with_a_code(desk):
    assert buttons(desk, AUTHORIZE, **ASKED) == ["Allow in Acme", "Allow in Globex", "Cancel"]
    came = allow(desk, AUTHORIZE, "702", **ASKED)
    answer = redeem(desk, came["code"]).json()
    assert (came["state"], answer["api_domain"]) == ("s1", f"{desk.url}/pipedrive/globex")
    assert (answer["token_type"], answer["expires_in"], answer["scope"].split(",")[0]) == ("Bearer", 3600, "base")
    assert call(desk, "GET", "v1/users/me", token=answer["access_token"]).json()["data"]["company_id"] == 702


def test_a_person_says_no(desk):
    assert came_back(choose(desk, AUTHORIZE, "", **ASKED)) == {"error": "user_denied", "state": "s1"}


def test_a_code_lives_five_minutes_and_works_once(desk):
    late, code = (allow(desk, AUTHORIZE, "701", **ASKED)["code"] for _ in range(2))
    assert redeem(desk, code).status_code == 200
    assert redeem(desk, code).json()["message"] == "Invalid grant: authorization_code is invalid"
    desk.now += 300
    assert redeem(desk, late).json() == {
        "success": False, "message": "Invalid grant: authorization_code has expired", "error": "invalid_grant",
    }  # fmt: skip


def test_a_code_holds_for_its_redirect_only(desk):
    code = allow(desk, AUTHORIZE, "701", **ASKED)["code"]
    assert redeem(desk, code, redirect_uri="https://evil.example").json()["error"] == "invalid_request"


@pytest.mark.parametrize(
    ("client", "form", "error"),
    [
        (APP, {}, "invalid_request"),
        (APP, {"grant_type": "password"}, "unsupported_grant_type"),
        (APP, {"grant_type": "refresh_token", "refresh_token": "no"}, "invalid_grant"),
        (("hub.pipedrive", "wrong"), {"grant_type": "refresh_token", "refresh_token": "701:acme-1"}, "invalid_client"),
        (None, {"grant_type": "refresh_token", "client_id": APP[0], "client_secret": APP[1]}, "invalid_client"),
    ],
)
def test_the_token_endpoint_says_what_is_wrong(desk, client, form, error):
    answer = token(desk, client, **form)
    assert (answer.status_code, answer.json()["error"]) == (400, error)


def test_an_access_token_lives_an_hour_and_the_refresh_token_stays_the_same(desk):
    desk.now += HOUR
    expired = call(desk, "GET", "v1/users/me")
    assert (said(expired), expired.headers["x-401-by-gw"]) == ((401, "unauthorized access"), "true")
    answer = refresh(desk).json()
    assert answer["refresh_token"] == "701:acme-1"
    assert call(desk, "GET", "v1/users/me", token=answer["access_token"]).status_code == 200


def test_a_refresh_token_dies_after_sixty_days_of_rest(desk):
    desk.now += 59 * DAY
    assert refresh(desk).status_code == 200
    desk.now += 59 * DAY
    assert refresh(desk).status_code == 200
    desk.now += 60 * DAY
    assert refresh(desk).json()["message"] == "Invalid grant: refresh_token is invalid"


def test_revoking_an_access_token_ends_that_one_and_a_refresh_token_the_installation(desk):
    access = refresh(desk).json()["access_token"]
    assert desk.post("/pipedrive/oauth/revoke", data={"token": ACME}, auth=APP).status_code == 200
    assert call(desk, "GET", "v1/users/me").status_code == 401
    assert call(desk, "GET", "v1/users/me", token=access).status_code == 200
    assert desk.post("/pipedrive/oauth/revoke", data={"token": "701:acme-1"}, auth=APP).status_code == 200
    assert call(desk, "GET", "v1/users/me", token=access).status_code == 401
    assert refresh(desk).json()["error"] == "invalid_grant"


def test_an_uninstalled_app_may_be_installed_again(desk):
    desk.post("/_control/tokens", json={"system": "pipedrive", "account": "701", "do": "uninstall"})
    assert refresh(desk).json()["error"] == "invalid_grant"
    answer = redeem(desk, allow(desk, AUTHORIZE, "701", **ASKED)["code"]).json()
    assert call(desk, "GET", "v1/users/me", token=answer["access_token"]).status_code == 200


def test_the_control_ends_access_tokens_alone(desk):
    desk.post("/_control/tokens", json={"system": "pipedrive", "account": "701", "do": "expire"})
    assert call(desk, "GET", "v1/users/me").status_code == 401
    assert refresh(desk).status_code == 200
    states = {
        row["kind"]: row["state"] for row in desk.get("/_control/tokens?system=pipedrive&account=701").json()["tokens"]
    }
    assert states == {"access": "alive", "refresh": "alive"}


def test_the_ledger_masks_tokens(desk):
    refresh(desk)
    assert "701:acme-1" not in desk.ledger()[-1]["body"]


# --- pages -----------------------------------------------------------------------------------------------------------


def test_pages_show_what_is_there(desk):
    made(desk, "v2/deals", title="Order <A-1>", value=12.5, currency="EUR", custom_fields={KEY: "A-1"})
    assert desk.get("/pipedrive/").url.endswith("/pipedrive/701/deals/")
    assert "Order &lt;A-1&gt;" in desk.get("/pipedrive/701/deals/").text
    assert "Order number" in desk.get("/pipedrive/701/deals/1").text
    assert "Acme Retail" in desk.get("/pipedrive/701/organizations/").text


@pytest.mark.parametrize("path", ["703/", "701/nothing/", "701/deals/99"])
def test_a_page_of_nothing_is_404(desk, path):
    assert desk.get(f"/pipedrive/{path}").status_code == 404
