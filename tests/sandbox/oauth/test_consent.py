"""Connecting by OAuth, as the hub's wizard does it: a person allows, the code becomes tokens."""

from urllib.parse import urlencode

import pytest

from tests.sandbox.oauth_requests import (
    ACME,
    ASKED,
    BACK,
    CHALLENGE,
    GLOBEX,
    OF_SALESFORCE,
    ORG,
    OTHER,
    SALESFORCE,
    SLACK,
    SLACK_APP,
    VERIFIER,
    WITH_PKCE,
    allow,
    connect_salesforce,
    list_buttons,
    parse_callback,
    redeem,
    refresh_salesforce,
    request_slack_token,
    submit_consent,
)

MY_DOMAIN = "acme.my.salesforce.com"


def test_slack_gives_a_code_for_the_chosen_workspace(desk):
    came = allow(desk, SLACK, ACME, **ASKED)
    assert came["state"] == "s1"
    answer = request_slack_token(desk, code=came["code"], redirect_uri=BACK)
    assert (answer["access_token"], answer["team"]["id"]) == ("xoxb-acme-1", ACME)
    assert desk.ledger()[-1]["account"] == ACME
    assert (
        request_slack_token(desk, code=came["code"], redirect_uri=BACK)["error"] == "invalid_code"
    )


def test_the_page_has_a_button_for_each_account_and_one_to_cancel(desk):
    assert list_buttons(desk, SLACK, **ASKED) == ["Allow in Acme", "Allow in Globex", "Cancel"]
    assert list_buttons(desk, SLACK, **ASKED, team=GLOBEX)[0] == "Allow in Globex"
    assert list_buttons(desk, SALESFORCE, **OF_SALESFORCE) == [
        "Allow in Acme",
        "Allow in Globex",
        "Cancel",
    ]


def test_the_pages_policy_lets_its_form_lead_to_the_callback_only(desk):
    page = desk.get(f"{SLACK}?{urlencode(ASKED)}")
    assert page.headers["Content-Security-Policy"].endswith(
        "form-action 'self' http://127.0.0.1:8000"
    )


@pytest.mark.parametrize(
    ("path", "life"), [(SLACK, 600), (SALESFORCE, 900)], ids=["slack", "salesforce"]
)
def test_a_code_ends_after_its_minutes(desk, path, life):
    app = ASKED if path == SLACK else OF_SALESFORCE
    code = allow(desk, path, ACME if path == SLACK else ORG, **app)["code"]
    desk.now += life
    answer = (
        request_slack_token(desk, code=code, redirect_uri=BACK)
        if path == SLACK
        else redeem(desk, code)
    )
    assert answer["error"] in ("invalid_code", "invalid_grant")


def test_a_code_holds_for_its_redirect_only(desk):
    code = allow(desk, SLACK, ACME, **ASKED)["code"]
    assert (
        request_slack_token(desk, code=code, redirect_uri=BACK + "/other")["error"]
        == "bad_redirect_uri"
    )
    code = allow(desk, SALESFORCE, ORG, **OF_SALESFORCE)["code"]
    assert redeem(desk, code, redirect_uri=BACK + "/other")["error"] == "redirect_uri_mismatch"


def test_a_code_of_one_system_or_client_is_foreign_to_another(desk):
    assert redeem(desk, allow(desk, SLACK, ACME, **ASKED)["code"])["error"] == "invalid_grant"
    desk.world(slack=[{"team": GLOBEX, "client_id": "another", "client_secret": "secret"}])
    code = allow(desk, SLACK, GLOBEX, **ASKED | {"client_id": "another"})["code"]
    assert request_slack_token(desk, code=code, redirect_uri=BACK)["error"] == "invalid_code"


def test_salesforce_checks_the_verifier(desk):
    def redeemed(**more):
        return redeem(desk, allow(desk, SALESFORCE, OTHER, **WITH_PKCE)["code"], **more)

    assert redeemed(code_verifier="wrong")["error"] == "invalid_request"
    assert redeemed()["error"] == "invalid_grant"
    good = redeemed(code_verifier=VERIFIER)
    assert good["instance_url"] == f"{desk.url}/salesforce/{OTHER}" and good["refresh_token"]


def test_pkce_is_s256_only_and_not_slacks(desk):
    plain = OF_SALESFORCE | {"code_challenge": CHALLENGE, "code_challenge_method": "plain"}
    assert "only S256" in desk.get(f"{SALESFORCE}?{urlencode(plain)}").text
    assert (
        request_slack_token(desk, code="x", code_verifier=VERIFIER)["error"] == "pkce_not_allowed"
    )


@pytest.mark.parametrize(
    ("path", "asked"), [(SLACK, ASKED), (SALESFORCE, OF_SALESFORCE)], ids=["slack", "salesforce"]
)
def test_a_person_may_say_no(desk, path, asked):
    came = allow(desk, path, "", **asked)
    assert (came["error"], came["state"]) == ("access_denied", "s1")
    assert ("error_description" in came) == (path == SALESFORCE)


@pytest.mark.parametrize(
    "change",
    [
        {"client_id": "other"},
        {"client_id": ""},
        {"redirect_uri": "https://evil.example/"},
        {"redirect_uri": "javascript:1"},
        {"redirect_uri": "http://[::"},
        {"redirect_uri": ""},
        {"redirect_uri": "http://127.0.0.1:8000;script-src *"},
        {"redirect_uri": "http://127.0.0.1:8000/\r\nSet-Cookie: a=b"},
    ],
    ids=str,
)
def test_a_strange_client_or_redirect_gets_no_code(desk, change):
    assert desk.get(f"{SLACK}?{urlencode(ASKED | change)}").status_code == 400
    assert submit_consent(desk, SLACK, ACME, **ASKED | change).status_code == 400
    assert submit_consent(desk, SLACK, "", **ASKED | change).status_code == 400


def test_registered_redirects_are_the_only_ones(desk):
    desk.world(
        slack=[{"team": ACME, "redirect_urls": [BACK]}],
        salesforce=[{"org": ORG, "redirect_urls": [BACK]}],
    )
    assert (
        submit_consent(desk, SLACK, ACME, **ASKED | {"redirect_uri": BACK + "/below"}).status_code
        == 302
    )
    assert (
        submit_consent(desk, SLACK, ACME, **ASKED | {"redirect_uri": BACK + "beside"}).status_code
        == 400
    )
    assert submit_consent(desk, SALESFORCE, ORG, **OF_SALESFORCE).status_code == 302
    assert (
        submit_consent(
            desk, SALESFORCE, ORG, **OF_SALESFORCE | {"redirect_uri": BACK + "/below"}
        ).status_code
        == 400
    )


def test_fewer_scopes_may_be_granted_than_were_asked(desk):
    desk.world(slack=[{"team": "T0000NEW", **SLACK_APP}])
    code = parse_callback(submit_consent(desk, SLACK, "T0000NEW", ticked=["users:read"], **ASKED))[
        "code"
    ]
    assert request_slack_token(desk, code=code, redirect_uri=BACK)["scope"] == "users:read"
    code = parse_callback(submit_consent(desk, SALESFORCE, ORG, ticked=["api"], **OF_SALESFORCE))[
        "code"
    ]
    answer = redeem(desk, code)
    assert answer["scope"] == "api" and "refresh_token" not in answer


def test_a_workspace_whose_admin_must_approve_does_not_redirect_back(desk):
    desk.world(slack=[{"team": ACME, "approval": "needed"}])
    assert list_buttons(desk, SLACK, **ASKED)[0] == "Request to install in Acme"
    answer = submit_consent(desk, SLACK, ACME, **ASKED)
    assert (answer.status_code, "Your request was sent" in answer.text) == (200, True)
    desk.world(slack=[{"team": ACME, "approval": "refused"}])
    assert allow(desk, SLACK, ACME, **ASKED)["error"] == "access_denied"


@pytest.mark.parametrize(
    ("approval", "error"),
    [
        ("blocked", "OAUTH_APP_BLOCKED"),
        ("not_installed", "invalid_client"),
        ("not_approved", "OAUTH_APP_ACCESS_DENIED"),
        ("generic", "OAUTH_APPROVAL_ERROR_GENERIC"),
    ],
)
def test_an_orgs_admin_may_refuse_the_app(desk, approval, error):
    desk.world(salesforce=[{"org": ORG, "approval": approval}])
    came = allow(desk, SALESFORCE, ORG, **OF_SALESFORCE)
    assert (came["error"], came["state"]) == (error, "s1") and came["error_description"]


def test_a_sandbox_org_signs_in_at_its_own_host(desk):
    desk.world(salesforce=[{"org": OTHER, "sandbox": True}])
    test = SALESFORCE.replace("login", "test")
    assert list_buttons(desk, SALESFORCE, **OF_SALESFORCE)[1] == "Log in to Globex (sandbox)"
    assert (
        "check your username and password"
        in submit_consent(desk, SALESFORCE, OTHER, **OF_SALESFORCE).text
    )
    assert (
        "check your username and password" in submit_consent(desk, test, ORG, **OF_SALESFORCE).text
    )
    assert (
        redeem(desk, allow(desk, test, OTHER, **OF_SALESFORCE)["code"])["error"] == "invalid_grant"
    )
    assert (
        f"{desk.url}/salesforce/test/id/{OTHER}"
        in connect_salesforce(desk, OTHER, host="test")["id"]
    )


def test_an_orgs_own_host_offers_that_org_alone(desk):
    own = SALESFORCE.replace("login", ORG)
    assert list_buttons(desk, own, **OF_SALESFORCE) == ["Allow in Acme", "Cancel"]
    assert connect_salesforce(desk, ORG, host=ORG)["access_token"]


def test_an_org_may_let_people_sign_in_at_its_my_domain_only(desk):
    desk.world(salesforce=[{"org": ORG, "login_host": MY_DOMAIN, "login_host_only": True}])
    own = SALESFORCE.replace("login", MY_DOMAIN)
    assert list_buttons(desk, own, **OF_SALESFORCE) == ["Allow in Acme", "Cancel"]
    assert (
        "check your username and password"
        in submit_consent(desk, SALESFORCE, ORG, **OF_SALESFORCE).text
    )
    granted = connect_salesforce(desk, ORG, host=MY_DOMAIN)
    assert refresh_salesforce(desk, granted["refresh_token"])["error"] == "invalid_grant"
    assert refresh_salesforce(desk, granted["refresh_token"], host=MY_DOMAIN)["access_token"]


def test_an_unknown_my_domain_offers_no_org(desk):
    assert list_buttons(desk, SALESFORCE.replace("login", MY_DOMAIN), **OF_SALESFORCE) == []


def test_a_scope_that_the_app_does_not_have_goes_back_at_once(desk):
    data = OF_SALESFORCE | {"scope": "api web"}
    came = parse_callback(desk.get(f"{SALESFORCE}?{urlencode(data)}", allow_redirects=False))
    assert came["error"] == "invalid_scope"


def test_the_control_changes_what_the_next_consent_takes_back(desk):
    desk.fault("slack", account=ACME, consent={"error": "access_denied"})
    desk.fault("slack", consent={"state": None, "code": "foreign", "iss": "https://evil.example"})
    assert allow(desk, SLACK, ACME, **ASKED) == {"error": "access_denied", "state": "s1"}
    assert allow(desk, SLACK, GLOBEX, **ASKED) == {"code": "foreign", "iss": "https://evil.example"}
    assert "code" in allow(desk, SLACK, ACME, **ASKED)


def test_a_consent_page_is_down_only_when_a_fault_names_its_path(desk):
    desk.fault("slack", status=503, times=0)
    assert desk.get(f"{SLACK}?{urlencode(ASKED)}").status_code == 200
    desk.fault("slack", path="authorize", status=503)
    assert desk.get(f"{SLACK}?{urlencode(ASKED)}").status_code == 503


@pytest.mark.parametrize(
    "asked",
    [{"scope": "chat:wirte"}, {"scope": "search:read"}, {"user_scope": "chat:write.public"}],
)
def test_slack_knows_its_scopes_and_whose_they_may_be(desk, asked):
    answer = submit_consent(desk, SLACK, ACME, **ASKED | asked)
    (scope,) = asked.values()
    assert answer.status_code == 400 and f"Invalid permissions requested: {scope}" in answer.text


def test_salesforce_may_require_pkce(desk):
    desk.world(salesforce=[{"org": ORG, "requires_pkce": True}])
    came = allow(desk, SALESFORCE, ORG, **OF_SALESFORCE)
    assert (came["error"], came["error_description"]) == (
        "invalid_request",
        "missing required code challenge",
    )
    assert "code" in allow(desk, SALESFORCE, ORG, **WITH_PKCE)
