"""Tokens live, expire, rotate, are revoked and forgotten, by themselves and by the control."""

from email.utils import parsedate_to_datetime

import pytest
import requests

from tests.sandbox.oauth_requests import (
    ACME,
    GLOBEX,
    ORG,
    OTHER,
    SLACK_APP,
    call_slack,
    connect_salesforce,
    connect_slack,
    read_limits_status,
    redeem,
    refresh_salesforce,
    request_slack_token,
)
from tests.sandbox.running_sandbox import RunningSandbox

BOTH = {"user_scope": "search:read"}


def end(desk, system, account, do, **more):
    return desk.post(
        "/_control/tokens", json={"system": system, "account": account, "do": do, **more}
    )


def refresh_slack(desk, token):
    return request_slack_token(desk, grant_type="refresh_token", refresh_token=token)


def test_a_person_gets_a_token_of_their_own_beside_the_bots(desk):
    answer = connect_slack(desk, ACME, **BOTH)
    user = answer["authed_user"]
    assert (user["id"], user["token_type"], user["scope"]) == ("U0000ANN1", "user", "search:read")
    who = call_slack(desk, user["access_token"])
    assert (who["user_id"], who["user"], "bot_id" in who) == ("U0000ANN1", "ann", False)


def test_only_user_scopes_bring_no_bot_token(desk):
    answer = connect_slack(desk, ACME, scope="", **BOTH)
    assert "access_token" not in answer and answer["authed_user"]["access_token"].startswith(
        "xoxp-"
    )


def test_the_bots_and_the_users_token_rotate_apart(desk):
    answer = connect_slack(desk, GLOBEX, **BOTH)
    user = answer["authed_user"]
    for _ in range(2):
        user = refresh_slack(desk, user["refresh_token"])
    assert (user["token_type"], user["access_token"].startswith("xoxe.xoxp-1-")) == ("user", True)
    assert call_slack(desk, answer["authed_user"]["access_token"])["error"] == "token_revoked"
    assert call_slack(desk, answer["access_token"])["ok"]
    assert refresh_slack(desk, answer["refresh_token"])["token_type"] == "bot"


def test_scopes_add_up_over_consents(desk):
    desk.world(slack=[{"team": "T0000NEW", **SLACK_APP}])
    assert connect_slack(desk, "T0000NEW", scope="chat:write")["scope"] == "chat:write"
    again = connect_slack(desk, "T0000NEW", scope="users:read")
    assert again["scope"] == "chat:write,users:read"
    assert call_slack(desk, again["access_token"], "conversations.list")["error"] == "missing_scope"


def test_a_lasting_token_stays_the_same_until_it_is_revoked(desk):
    first = connect_slack(desk, ACME)["access_token"]
    call_slack(desk, first, "auth.revoke")
    second = connect_slack(desk, ACME)
    assert (first, second["access_token"] != first) == ("xoxb-acme-1", True)
    assert second["scope"] == "chat:write,users:read"
    assert (
        call_slack(desk, first)["error"] == "token_revoked"
        and call_slack(desk, second["access_token"])["ok"]
    )


def test_a_wrong_client_does_not_use_up_a_refresh_token(desk):
    desk.world(slack=[{"team": ACME, "client_id": "another", "client_secret": "x"}])
    stranger = {"client_id": "another", "client_secret": "x"}
    data = {"grant_type": "refresh_token", "refresh_token": "xoxe-1-globex-1"}
    assert request_slack_token(desk, **data | stranger)["error"] == "invalid_refresh_token"
    desk.now += 61
    assert request_slack_token(desk, **data)["ok"]


def test_an_uninstalled_app_is_out_of_the_workspace(desk):
    answer = connect_slack(desk, GLOBEX, **BOTH)
    headers = {"Authorization": f"Bearer {answer['access_token']}"}
    wrong = SLACK_APP | {"client_secret": "x"}
    assert (
        desk.post("/slack/api/apps.uninstall", data=wrong, headers=headers).json()["error"]
        == "bad_client_secret"
    )
    desk.now += 60
    assert desk.post("/slack/api/apps.uninstall", data=SLACK_APP, headers=headers).json()["ok"]
    assert call_slack(desk, answer["access_token"])["error"] == "account_inactive"
    assert call_slack(desk, answer["authed_user"]["access_token"])["error"] == "token_revoked"
    assert refresh_slack(desk, answer["refresh_token"])["error"] == "invalid_refresh_token"


def test_salesforce_revokes_a_session_alone_or_a_refresh_token_with_its_sessions(desk):
    one, other = connect_salesforce(desk, ORG), connect_salesforce(desk, ORG)
    fresh = refresh_salesforce(desk, one["refresh_token"])
    revoke = "/salesforce/login/services/oauth2/revoke"
    assert desk.post(revoke, data={"token": one["access_token"]}).status_code == 200
    assert [
        read_limits_status(desk, ORG, each["access_token"]) for each in (one, fresh, other)
    ] == [
        401,
        200,
        200,
    ]
    assert desk.post(revoke, data={"token": one["refresh_token"]}).status_code == 200
    assert [read_limits_status(desk, ORG, each["access_token"]) for each in (fresh, other)] == [
        401,
        200,
    ]
    assert refresh_salesforce(desk, one["refresh_token"])["error"] == "invalid_grant"
    assert desk.post(revoke, data={"token": "?"}).json()["error"] == "unsupported_token_type"


def test_the_sixth_approval_ends_the_oldest(desk):
    for _ in range(4):
        connect_salesforce(desk, ORG)
    assert "access_token" in refresh_salesforce(desk, "5Aep-acme")
    connect_salesforce(desk, ORG)
    assert refresh_salesforce(desk, "5Aep-acme")["error"] == "invalid_grant"


def test_a_session_without_the_api_scope_is_not_for_rest(desk):
    assert (
        read_limits_status(desk, ORG, connect_salesforce(desk, ORG, scope="id")["access_token"])
        == 401
    )


def test_a_refresh_token_is_of_its_host(desk):
    assert refresh_salesforce(desk, "5Aep-acme", host="test")["error"] == "invalid_grant"
    assert refresh_salesforce(desk, "5Aep-acme", host=ORG)["access_token"]


def test_an_org_that_moved_says_so_at_the_next_refresh(desk):
    moved = desk.url.replace("127.0.0.1", "localhost")
    desk.world(salesforce=[{"org": ORG, "instance_url": moved}])
    fresh = refresh_salesforce(desk, "5Aep-acme")
    assert (fresh["instance_url"], read_limits_status(desk, ORG, fresh["access_token"])) == (
        moved,
        401,
    )
    headers = {"Authorization": f"Bearer {fresh['access_token']}"}
    assert (
        requests.get(f"{moved}/services/data/v67.0/limits", headers=headers, timeout=5).status_code
        == 200
    )


def test_the_identity_is_of_the_sessions_org(desk):
    given = connect_salesforce(desk, ORG, scope="api id")
    headers = {"Authorization": f"Bearer {given['access_token']}"}
    assert requests.get(given["id"], headers=headers, timeout=5).json()["organization_id"] == ORG
    assert (
        requests.get(given["id"].replace(ORG, OTHER), headers=headers, timeout=5).text
        == "Wrong_Org"
    )
    assert requests.get(given["id"], timeout=5).text == "Missing_OAuth_Token"


def test_identifying_the_user_needs_a_scope_of_its_own(desk):
    given = connect_salesforce(desk, ORG, scope="api refresh_token")
    headers = {"Authorization": f"Bearer {given['access_token']}"}
    for url in (given["id"], f"{given['instance_url']}/services/oauth2/userinfo"):
        assert requests.get(url, headers=headers, timeout=5).status_code == 403
    query = f"{given['instance_url']}/services/data/v67.0/query?q=SELECT Id, Name FROM Organization"
    records = requests.get(query, headers=headers, timeout=5).json()["records"]
    assert [(record["Id"], record["Name"]) for record in records] == [(ORG, "Acme")]


def test_the_control_expires_what_can_expire(desk):
    assert end(desk, "slack", GLOBEX, "expire").status_code == 200
    assert call_slack(desk, "xoxe.xoxb-1-globex-1")["error"] == "token_expired"
    assert refresh_slack(desk, "xoxe-1-globex-1")["ok"]
    end(desk, "salesforce", ORG, "expire")
    assert read_limits_status(desk, ORG, "00D000000000001!acme") == 401
    assert (
        read_limits_status(desk, ORG, refresh_salesforce(desk, "5Aep-acme")["access_token"]) == 200
    )
    assert "do not expire" in end(desk, "slack", ACME, "expire").json()["error"]


@pytest.mark.parametrize(
    ("do", "word"), [("revoke", "token_revoked"), ("uninstall", "account_inactive")]
)
def test_the_control_ends_all_tokens_of_an_account(desk, do, word):
    states = {row["kind"]: row["state"] for row in end(desk, "slack", GLOBEX, do).json()["tokens"]}
    assert states == {"bot": word, "refresh": "invalid_refresh_token"}
    assert connect_slack(desk, GLOBEX)["scope"] == "chat:write,users:read"
    end(desk, "salesforce", OTHER, do)
    assert refresh_salesforce(desk, "5Aep-globex")["error"] == "invalid_grant"


def test_the_control_may_end_the_users_token_only(desk):
    answer = connect_slack(desk, GLOBEX, **BOTH)
    end(desk, "slack", GLOBEX, "revoke", kind="user")
    assert call_slack(desk, answer["authed_user"]["access_token"])["error"] == "token_revoked"
    assert call_slack(desk, answer["access_token"])["ok"]


@pytest.mark.parametrize(
    "wish",
    [
        {},
        {"system": "slack", "account": "T404", "do": "revoke"},
        {"system": "slack", "account": ACME, "do": "forget"},
        {"system": "salesforce", "account": ORG, "do": "revoke", "kind": "bot"},
        {"system": "splunk", "account": "acme", "do": "revoke"},
        {"system": "slack", "account": ACME, "do": "revoke", "why": "x"},
    ],
    ids=str,
)
def test_a_wrong_wish_is_answered_with_a_sentence(desk, wish):
    answer = desk.post("/_control/tokens", json=wish)
    assert answer.status_code == 400 and answer.json()["error"]


def test_tokens_and_what_was_granted_survive_a_restart(tmp_path):
    with RunningSandbox(tmp_path).running() as desk:
        answer = connect_slack(desk, ACME, **BOTH)
        end(desk, "salesforce", ORG, "revoke")
    with RunningSandbox(tmp_path).running() as desk:
        assert call_slack(desk, answer["authed_user"]["access_token"])["ok"]
        assert refresh_salesforce(desk, "5Aep-acme")["error"] == "invalid_grant"


def test_the_levers_work_on_the_page(desk):
    form = {"system": "slack", "account": GLOBEX}
    assert "Uninstall" in desk.get("/_control/").text
    assert desk.post("/_control/tokens", data=form | {"do": "uninstall"}).url.endswith("/_control/")
    assert call_slack(desk, "xoxe.xoxb-1-globex-1")["error"] == "account_inactive"
    assert (
        '<option value="needed" selected>'
        in desk.post("/_control/approval", data=form | {"approval": "needed"}).text
    )
    assert (
        "is wrong"
        not in desk.post(
            "/_control/faults", data=form | {"consent": '{"error": "access_denied"}'}
        ).text
    )
    assert (
        desk.post("/_control/approval", data={"system": "slack", "account": "T404"}).status_code
        == 400
    )


@pytest.mark.parametrize(
    ("fault", "sees"),
    [
        (
            {"changes": {"instance_url": "https://evil.example"}},
            lambda answer: answer.json()["instance_url"],
        ),
        (
            {"changes": {"access_token": None}},
            lambda answer: answer.json().get("access_token", "gone"),
        ),
        (
            {"bytes": 1_000_000},
            lambda answer: len(answer.content) == 1_000_000 and answer.json()["token_type"],
        ),
        ({"body": "<html>Maintenance</html>"}, lambda answer: answer.headers["Content-Type"]),
    ],
    ids=["elsewhere", "missing", "huge", "html"],
)
def test_token_answers_can_be_hostile(desk, fault, sees):
    desk.fault("salesforce", path="oauth2/token", **fault)
    assert read_limits_status(desk, ORG, "00D000000000001!acme") == 200, (
        "the fault is of another path"
    )
    form = {
        "grant_type": "refresh_token",
        "refresh_token": "5Aep-acme",
        "client_id": "hub.salesforce",
    }
    sent = form | {"client_secret": "salesforce-secret"}
    answer = desk.post("/salesforce/login/services/oauth2/token", data=sent)
    assert sees(answer) in ("https://evil.example", "gone", "Bearer", "text/html; charset=utf-8")


def test_its_clock_may_be_ahead(desk):
    desk.fault("salesforce", path="oauth2/token", ahead=600)
    answer = desk.post("/salesforce/login/services/oauth2/token", data={})
    assert parsedate_to_datetime(answer.headers["Date"]).timestamp() == int(desk.now) + 600


def test_another_account_may_answer_and_an_answer_may_be_lost_after_its_effect(desk):
    desk.fault(
        "slack", path="oauth.v2.access", changes={"team": {"id": "T0OTHER"}, "expires_in": "3600"}
    )
    answer = refresh_slack(desk, "xoxe-1-globex-1")
    assert (answer["team"], answer["expires_in"]) == ({"name": "Globex", "id": "T0OTHER"}, "3600")
    desk.fault("salesforce", path="oauth2/token", status=0, effect=True)
    with pytest.raises(requests.ConnectionError):
        refresh_salesforce(desk, "5Aep-globex")
    assert refresh_salesforce(desk, "5Aep-globex")["error"] == "invalid_grant"


def test_a_code_of_no_one_is_refused(desk):
    assert redeem(desk, "nonsense")["error_description"] == "expired authorization code"
