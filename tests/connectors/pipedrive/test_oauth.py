"""Tokens of Pipedrive: permissions, refresh, revocation and hosts."""

import pytest

from connectors.http import Response
from connectors.pipedrive.connector import Pipedrive
from tests.connectors.recorded import NOON, credential, recorded

PIPEDRIVE = Pipedrive()
APP = {"client_id": "hub", "client_secret": "s"}
BACK = "https://hub.test/connect/pipedrive/callback"


def test_asks_who_it_is_at_the_company_s_own_address():
    assert (
        PIPEDRIVE.probe_request(credential("pipedrive"), at=NOON).url
        == "https://acme.pipedrive.com/api/v1/users/me"
    )


def test_permissions_are_not_requested_but_shown():
    url = PIPEDRIVE.build_authorize_url(APP, credential("pipedrive"), state="s1", redirect_uri=BACK)
    assert url.startswith("https://oauth.pipedrive.com/oauth/authorize?") and "scope" not in url
    answer = recorded("pipedrive", "token__refreshed")
    granted = PIPEDRIVE.parse_token_response(
        answer, APP, credential("pipedrive", account="", settings={})
    )
    assert granted.permissions == (
        "activities:full",
        "base",
        "contacts:full",
        "deals:full",
        "leads:full",
    )
    assert granted.account is None


def test_every_permission_of_an_action_is_one_that_the_app_asks_for():
    asked = {entry.key for entry in PIPEDRIVE.permissions}
    assert all(set(action.permissions) <= asked for action in PIPEDRIVE.actions)


def test_refreshes_as_our_client_with_the_same_token():
    request = PIPEDRIVE.refresh_request(APP, credential("pipedrive"))
    assert request.url == "https://oauth.pipedrive.com/oauth/token"
    assert request.form == {"grant_type": "refresh_token", "refresh_token": "v1r:refresh"}
    assert request.headers == {"Authorization": "Basic aHViOnM="}


def test_revokes_the_refresh_token_which_uninstalls_the_app():
    request = PIPEDRIVE.revoke_request(APP, credential("pipedrive"))
    assert request.url == "https://oauth.pipedrive.com/oauth/revoke"
    assert request.form == {"token": "v1r:refresh", "token_type_hint": "refresh_token"}
    assert PIPEDRIVE.parse_revoke(Response(200)).kind == "delivered"
    assert PIPEDRIVE.parse_revoke(recorded("pipedrive", "token__invalid_grant")).kind == "delivered"


@pytest.mark.parametrize(
    "url",
    ["https://evil.example", "https://pipedrive.com.evil.example", "http://acme.pipedrive.com"],
)
def test_believes_no_other_host(url):
    assert PIPEDRIVE.find_credential_problem(credential("pipedrive", settings={"api_domain": url}))
    answer = Response(200, b'{"access_token":"v1u:a","api_domain":"%s"}' % url.encode())
    assert (
        PIPEDRIVE.parse_token_response(answer, APP, credential("pipedrive")).reason
        == "host_refused"
    )


def test_a_desk_may_name_its_sandbox_as_the_host():
    here = "http://127.0.0.1:8100"
    assert (
        PIPEDRIVE.find_credential_problem(
            credential(
                "pipedrive", settings={"api_domain": f"{here}/pipedrive/acme"}, hosts=(here,)
            )
        )
        == ""
    )
