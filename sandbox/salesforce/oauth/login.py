"""The login hosts: codes and refresh tokens into sessions, revocation, and who a token belongs
to.
"""

import base64
import hashlib
import hmac
from typing import Any

from sandbox.oauth.authorization_codes import AuthorizationCodes
from sandbox.salesforce.accounts import ORGS, Org, username
from sandbox.salesforce.checks import Refusal
from sandbox.salesforce.ids import long
from sandbox.salesforce.oauth.id_tokens import LIFE as ID_TOKEN_LIFE
from sandbox.salesforce.oauth.id_tokens import IdTokens, configuration
from sandbox.salesforce.oauth.sessions import Approval, Sessions
from sandbox.storage.account_store import AccountStore
from sandbox.system import ApiRequest, ApiResponse

# scopes for "the identity URL service"
IDENTITY = {"id", "openid", "profile", "email", "address", "phone", "full"}


class Denied(Exception):
    def __init__(self, error: str, description: str):
        super().__init__(description)
        self.error, self.description = error, description


class Login:
    def __init__(self, store: AccountStore, sessions: Sessions, codes: AuthorizationCodes):
        self._store = store
        self._sessions = sessions
        self._codes = codes
        self._id_tokens = IdTokens()

    def answer(self, call: ApiRequest, host: str, path: str) -> ApiResponse:
        try:
            if path == "/services/oauth2/token" and call.method == "POST":
                return ApiResponse(
                    200, self._token(call, host), {"Cache-Control": "no-cache, no-store"}
                )
            if path == "/services/oauth2/revoke":
                return self._revoke(call)
        except Denied as denied:
            return ApiResponse(
                400, {"error": denied.error, "error_description": denied.description}
            )
        if path == "/id/keys":
            return ApiResponse(200, self._id_tokens.keys())
        if path == "/.well-known/openid-configuration":
            return ApiResponse(200, configuration(issuer_url(call, host)))
        if path.startswith("/id/") or path == "/services/oauth2/userinfo":
            return self._identity(call, path)
        return ApiResponse(
            404, Refusal(404, "NOT_FOUND", "The requested resource does not exist").body()
        )

    def account(self, call: ApiRequest) -> str:
        form = call.form()
        if grant := self._codes.find(form.get("code", "")):
            return grant.account
        token = form.get("refresh_token") or form.get("token", "")
        approval = self._sessions.owner(token) or self._sessions.session(
            token or call.credential("Bearer"), call.at
        )
        return approval.org.org if approval else ""

    def _token(self, call: ApiRequest, host: str) -> dict[str, Any]:
        form = with_client(call)
        kinds = {"refresh_token": self._refresh_token, "authorization_code": self._redeem_code}
        if (kind := form.get("grant_type", "")) not in kinds:
            raise Denied("unsupported_grant_type", "grant type not supported")
        self._check_client(form)
        grant = self._codes.find(form.get("code", ""))
        approval, refresh = kinds[kind](form, host, call.at)
        org = approval.org
        answer = {
            "access_token": self._sessions.start(approval, call.at),
            "instance_url": instance_url(call, org),
            "id": identity_url(call, org),
            "token_type": "Bearer",
            "issued_at": str(int(call.at * 1000)),
            "scope": " ".join(approval.scopes),
            **refresh,
        }
        signed = (answer["id"] + answer["issued_at"]).encode()
        signature = hmac.digest(org.client_secret.encode(), signed, hashlib.sha256)
        answer["signature"] = base64.b64encode(signature).decode()
        if grant and "openid" in approval.scopes:
            claims = id_claims(call, host, org) | ({"nonce": grant.nonce} if grant.nonce else {})
            answer["id_token"] = self._id_tokens.sign(claims, answer["access_token"])
        return answer

    def _check_client(self, form: dict[str, str]) -> None:
        apps = {
            org.client_id: org.client_secret for org in self._store[ORGS].values() if org.client_id
        }
        if form.get("client_id") not in apps:
            raise Denied("invalid_client_id", "client identifier invalid")
        if form.get("client_secret") != apps[form["client_id"]]:
            raise Denied("invalid_client", "invalid client credentials")

    def _refresh_token(
        self, form: dict[str, str], host: str, at: float
    ) -> tuple[Approval, dict[str, str]]:
        used = form.get("refresh_token", "")
        approval = self._sessions.owner(used)
        if (
            approval is None
            or approval.org.client_id != form["client_id"]
            or not signs_in_at(approval.org, host)
        ):
            raise Denied("invalid_grant", "expired access/refresh token")
        rotated = (
            {"refresh_token": self._sessions.rotate(approval, used, at)}
            if approval.org.rotates
            else {}
        )
        return approval, rotated

    def _redeem_code(
        self, form: dict[str, str], host: str, at: float
    ) -> tuple[Approval, dict[str, str]]:
        grant = self._codes.redeem(form.get("code", ""), client=form["client_id"], at=at)
        org = self._store[ORGS].get(grant.account) if grant else None
        if grant is None or org is None or not signs_in_at(org, host):
            raise Denied("invalid_grant", "expired authorization code")
        if grant.redirect_uri != form.get("redirect_uri"):
            raise Denied("redirect_uri_mismatch", "redirect_uri must match configuration")
        if grant.challenge and "code_verifier" not in form:
            raise Denied("invalid_grant", "missing code verifier")
        if grant.challenge and challenge_of(form["code_verifier"]) != grant.challenge:
            raise Denied("invalid_request", "invalid code verifier")
        approval, refresh = self._sessions.approve(
            org, grant.scopes or tuple(org.scopes.split()), at
        )
        return approval, {"refresh_token": refresh} if refresh else {}

    def _revoke(self, call: ApiRequest) -> ApiResponse:
        token = call.form().get("token") or call.query.get("token", "")
        if not self._sessions.revoke(token):
            raise Denied("unsupported_token_type", "this token type is not supported")
        return ApiResponse(200)

    def _identity(self, call: ApiRequest, path: str) -> ApiResponse:
        approval = self._sessions.session(call.credential("Bearer"), call.at)
        if approval is None:
            return ApiResponse(
                403, "Bad_OAuth_Token" if call.credential("Bearer") else "Missing_OAuth_Token"
            )
        if not IDENTITY.intersection(approval.scopes):
            return ApiResponse(403, "Bad_OAuth_Token")
        org = approval.org
        if path.startswith("/id/") and path.split("/")[2][:15] != org.org[:15]:
            return ApiResponse(403, "Wrong_Org")
        user = username(org)
        remainder = f"{instance_url(call, org)}/services/data/v{{version}}/"
        return ApiResponse(
            200,
            {
                "id": identity_url(call, org),
                "user_id": long(org.user),
                "organization_id": long(org.org),
                "username": user,
                "preferred_username": user,
                "display_name": f"Hub at {org.title}",
                "email": user,
                "active": True,
                "user_type": "STANDARD",
                "urls": {
                    "rest": remainder,
                    "sobjects": f"{remainder}sobjects/",
                    "query": f"{remainder}query/",
                },
            },
        )


def with_client(call: ApiRequest) -> dict[str, str]:
    """The form, with id and secret of the client that the Authorization header names."""
    client, secret = call.basic()
    return call.form() | ({"client_id": client, "client_secret": secret} if client else {})


def issuer_url(call: ApiRequest, host: str) -> str:
    return f"{call.base}/salesforce/{host}"


def id_claims(call: ApiRequest, host: str, org: Org) -> dict[str, Any]:
    return {
        "iss": issuer_url(call, host),
        "sub": identity_url(call, org),
        "aud": org.client_id,
        "iat": int(call.at),
        "exp": int(call.at) + ID_TOKEN_LIFE,
    }


def identity_url(call: ApiRequest, org: Org) -> str:
    host = "test" if org.sandbox else "login"
    return f"{call.base}/salesforce/{host}/id/{long(org.org)}/{long(org.user)}"


def instance_url(call: ApiRequest, org: Org) -> str:
    return org.instance_url or f"{call.base}/salesforce/{org.org}"


def signs_in_at(org: Org, host: str) -> bool:
    """Production at `login`, sandboxes at `test` where the org lets them, and every org at its own
    (My Domain).
    """
    if host in ("login", "test"):
        return not org.login_host_only and host == ("test" if org.sandbox else "login")
    return is_own_host(org, host)


def is_own_host(org: Org, host: str) -> bool:
    return bool(host) and host in (org.org, org.login_host)


def challenge_of(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
