"""Authlib signs in at each simulated system, with only the addresses changed."""

import pytest
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.jwk import KeySet

from tests.sandbox.oauth_requests import BACK, ORG, VERIFIER

SLACK_TEAM, COMPANY = "T000GLOBEX", "701"


def session_for(system, **more):
    secrets = {
        "slack": "slack-secret",
        "salesforce": "salesforce-secret",
        "pipedrive": "pipedrive-secret",
    }
    return OAuth2Session(f"hub.{system}", secrets[system], redirect_uri=BACK, **more)


def sign_in(desk, session, authorize, account, token, **more):
    """A person allows what is asked; the token of the code that comes back."""
    url, state = session.create_authorization_url(f"{desk.url}{authorize}", **more)
    sent_back = desk.post(
        url.removeprefix(desk.url), data={"account": account}, allow_redirects=False
    )
    location = sent_back.headers["Location"]
    return session.fetch_token(
        f"{desk.url}{token}", authorization_response=location, state=state, **more
    )


def test_salesforce_by_pkce(desk):
    at, scope = "/salesforce/login/services/oauth2", "api refresh_token"
    how = {
        "scope": scope,
        "code_challenge_method": "S256",
        "token_endpoint_auth_method": "client_secret_post",
    }
    with session_for("salesforce", **how) as session:
        token = sign_in(
            desk, session, f"{at}/authorize", ORG, f"{at}/token", code_verifier=VERIFIER
        )
        limits = f"{token['instance_url']}/services/data/v67.0/limits"
        assert session.get(limits).json()["DailyApiRequests"]["Max"] == 15_000
        renewed = session.refresh_token(f"{desk.url}{at}/token")
        assert renewed["access_token"] != token["access_token"]
        assert (
            session.revoke_token(f"{desk.url}{at}/revoke", token=token["refresh_token"]).status_code
            == 200
        )
        assert session.get(limits).status_code == 401


def test_salesforce_refuses_a_code_with_another_verifier(desk):
    at = "/salesforce/login/services/oauth2"
    how = {"code_challenge_method": "S256", "token_endpoint_auth_method": "client_secret_post"}
    with session_for("salesforce", scope="api", **how) as session:
        url, state = session.create_authorization_url(
            f"{desk.url}{at}/authorize", code_verifier=VERIFIER
        )
        sent_back = desk.post(
            url.removeprefix(desk.url), data={"account": ORG}, allow_redirects=False
        )
        data = {"authorization_response": sent_back.headers["Location"], "state": state}
        with pytest.raises(OAuthError, match="invalid code verifier"):
            session.fetch_token(f"{desk.url}{at}/token", code_verifier="w" * 43, **data)


def test_pipedrive_by_basic_authentication(desk):
    at = "/pipedrive/oauth"
    with session_for("pipedrive") as session:
        token = sign_in(desk, session, f"{at}/authorize", COMPANY, f"{at}/token")
        me = f"{token['api_domain']}/api/v1/users/me"
        assert session.get(me).json()["data"]["company_id"] == int(COMPANY)
        renewed = session.refresh_token(f"{desk.url}{at}/token")
        assert renewed["refresh_token"] == token["refresh_token"]
        session.revoke_token(f"{desk.url}{at}/revoke", token=token["refresh_token"])
        assert session.get(me).status_code == 401


def test_slack_with_rotation_under_its_own_token_type(desk):
    api = "/slack/api/oauth.v2.access"
    with session_for("slack", scope="chat:write,channels:read") as session:
        token = sign_in(desk, session, "/slack/oauth/v2/authorize", SLACK_TEAM, api)
        assert (token["token_type"], token["team"]["id"]) == ("bot", SLACK_TEAM)
        renewed = session.refresh_token(f"{desk.url}{api}", refresh_token=token["refresh_token"])
        assert renewed["refresh_token"] != token["refresh_token"]


def test_salesforce_signs_an_id_token_that_authlib_verifies_and_takes_the_client_by_basic(desk):
    issuer = f"{desk.url}/salesforce/login"
    configuration = desk.get("/salesforce/login/.well-known/openid-configuration").json()
    assert configuration["issuer"] == issuer
    how = {
        "scope": "api openid",
        "code_challenge_method": "S256",
        "token_endpoint_auth_method": "client_secret_basic",
    }
    at = "/salesforce/login/services/oauth2"
    with session_for("salesforce", **how) as session:
        token = sign_in(
            desk,
            session,
            f"{at}/authorize",
            ORG,
            f"{at}/token",
            code_verifier=VERIFIER,
            nonce="n-1",
        )
    keys = KeySet.import_key_set(desk.get("/salesforce/login/id/keys").json())
    signed = jwt.decode(token["id_token"], keys, algorithms=["RS256"])
    data = {"iss": issuer, "aud": "hub.salesforce"}
    options = {name: {"essential": True, "value": value} for name, value in data.items()}
    parameters = {"nonce": "n-1", "access_token": token["access_token"]}
    claims = CodeIDToken(signed.claims, signed.header, options, parameters)
    claims.validate(now=claims["iat"])
    assert claims["sub"] == token["id"]
    assert claims["at_hash"]


def test_salesforce_gives_no_id_token_without_openid(desk):
    at = "/salesforce/login/services/oauth2"
    how = {"code_challenge_method": "S256", "token_endpoint_auth_method": "client_secret_basic"}
    with session_for("salesforce", scope="api", **how) as session:
        token = sign_in(
            desk, session, f"{at}/authorize", ORG, f"{at}/token", code_verifier=VERIFIER
        )
    assert "id_token" not in token
