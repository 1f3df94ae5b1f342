"""The simulated Pipedrive: a person lets our application in, and what its tokens do."""

from base64 import b64encode

import pytest

from tests.sandbox.oauth_requests import BACK, allow, list_buttons, parse_callback, submit_consent
from tests.sandbox.pipedrive_requests import (
    ACME,
    APP,
    ASKED,
    AUTHORIZE,
    DAY,
    HOUR,
    KEY,
    call,
    create_record,
    redeem,
    refresh,
    request_token,
    summarize_error,
)


def test_a_person_chooses_a_company_and_comes_back_with_a_code(desk):
    assert list_buttons(desk, AUTHORIZE, **ASKED) == ["Allow in Acme", "Allow in Globex", "Cancel"]
    came = allow(desk, AUTHORIZE, "702", **ASKED)
    answer = redeem(desk, came["code"]).json()
    assert (came["state"], answer["api_domain"]) == ("s1", f"{desk.url}/pipedrive/globex")
    assert (answer["token_type"], answer["expires_in"], answer["scope"].split(",")[0]) == (
        "Bearer",
        3600,
        "base",
    )
    assert (
        call(desk, "GET", "v1/users/me", token=answer["access_token"]).json()["data"]["company_id"]
        == 702
    )


def test_a_person_says_no(desk):
    assert parse_callback(submit_consent(desk, AUTHORIZE, "", **ASKED)) == {
        "error": "user_denied",
        "state": "s1",
    }


def test_a_code_lives_five_minutes_and_works_once(desk):
    late, code = (allow(desk, AUTHORIZE, "701", **ASKED)["code"] for _ in range(2))
    assert redeem(desk, code).status_code == 200
    assert redeem(desk, code).json()["message"] == "Invalid grant: authorization_code is invalid"
    desk.now += 300
    assert redeem(desk, late).json() == {
        "success": False,
        "message": "Invalid grant: authorization_code has expired",
        "error": "invalid_grant",
    }


def test_a_code_holds_for_its_redirect_only(desk):
    code = allow(desk, AUTHORIZE, "701", **ASKED)["code"]
    assert (
        redeem(desk, code, redirect_uri="https://evil.example").json()["error"] == "invalid_request"
    )


@pytest.mark.parametrize(
    ("client", "form", "error"),
    [
        (APP, {}, "invalid_request"),
        (APP, {"grant_type": "password"}, "unsupported_grant_type"),
        (APP, {"grant_type": "refresh_token", "refresh_token": "no"}, "invalid_grant"),
        (
            ("hub.pipedrive", "wrong"),
            {"grant_type": "refresh_token", "refresh_token": "701:acme-1"},
            "invalid_client",
        ),
        (
            None,
            {"grant_type": "refresh_token", "client_id": APP[0], "client_secret": APP[1]},
            "invalid_client",
        ),
    ],
)
def test_the_token_endpoint_says_what_is_wrong(desk, client, form, error):
    answer = request_token(desk, client, **form)
    assert (answer.status_code, answer.json()["error"]) == (400, error)


def test_an_access_token_lives_an_hour_and_the_refresh_token_stays_the_same(desk):
    desk.now += HOUR
    expired = call(desk, "GET", "v1/users/me")
    assert (summarize_error(expired), expired.headers["x-401-by-gw"]) == (
        (401, "unauthorized access"),
        "true",
    )
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
    assert (
        desk.post("/pipedrive/oauth/revoke", data={"token": "701:acme-1"}, auth=APP).status_code
        == 200
    )
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
        row["kind"]: row["state"]
        for row in desk.get("/_control/tokens?system=pipedrive&account=701").json()["tokens"]
    }
    assert states == {"access": "alive", "refresh": "alive"}


def test_the_ledger_masks_tokens(desk):
    refresh(desk)
    assert "701:acme-1" not in desk.ledger()[-1]["body"]


# --- pages ----------------------------------------------------------------------------------------


def test_pages_show_what_is_there(desk):
    create_record(
        desk,
        "v2/deals",
        title="Order <A-1>",
        value=12.5,
        currency="EUR",
        custom_fields={KEY: "A-1"},
    )
    assert desk.get("/pipedrive/").url.endswith("/pipedrive/701/deals/")
    assert "Order &lt;A-1&gt;" in desk.get("/pipedrive/701/deals/").text
    assert "Order number" in desk.get("/pipedrive/701/deals/1").text
    assert "Acme Retail" in desk.get("/pipedrive/701/organizations/").text


@pytest.mark.parametrize("path", ["703/", "701/nothing/", "701/deals/99"])
def test_a_page_of_nothing_is_404(desk, path):
    assert desk.get(f"/pipedrive/{path}").status_code == 404


def test_an_uninstall_is_reported_by_delete_at_the_callback_url(desk):
    redeem(desk, allow(desk, AUTHORIZE, "701", **ASKED)["code"])
    desk.hub_says = (204, "")
    answer = desk.post(
        "/_control/tokens", json={"system": "pipedrive", "account": "701", "do": "uninstall"}
    )
    assert answer.json()["callbacks"] == [{"method": "DELETE", "url": BACK, "status": 204}]
    ((method, url, headers, body),) = desk.called_back
    assert (method, url) == ("DELETE", BACK)
    assert headers["Authorization"] == f"Basic {b64encode(':'.join(APP).encode()).decode()}"
    assert body == {
        "client_id": "hub.pipedrive",
        "company_id": 701,
        "user_id": 31,
        "timestamp": "2026-11-25T12:00:00+00:00",
    }


def test_an_unreachable_callback_hinders_no_uninstall(desk):
    desk.hub_says = ConnectionError("nobody")
    redeem(desk, allow(desk, AUTHORIZE, "701", **ASKED)["code"])
    answer = desk.post(
        "/_control/tokens", json={"system": "pipedrive", "account": "701", "do": "uninstall"}
    )
    assert [callback["status"] for callback in answer.json()["callbacks"]] == [0]
    assert refresh(desk).status_code == 400


def test_an_installation_from_the_marketplace_comes_without_state(desk):
    asked = {name: value for name, value in ASKED.items() if name != "state"}
    assert set(allow(desk, AUTHORIZE, "701", **asked)) == {"code"}
