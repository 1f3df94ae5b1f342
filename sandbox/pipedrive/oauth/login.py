"""oauth.pipedrive.com: consent, codes and refresh tokens into access tokens, revocation."""

import base64
from collections.abc import Callable
from datetime import UTC, datetime
from random import Random
from typing import Any

from sandbox.oauth.authorization_codes import AuthorizationCodes
from sandbox.oauth.consent import Choice, ConsentPage, ConsentRequest
from sandbox.pipedrive.accounts import COMPANIES, Company
from sandbox.pipedrive.oauth.tokens import Tokens
from sandbox.storage.account_store import AccountStore
from sandbox.system import ApiRequest, ApiResponse, Callback

LIFE = 300  # seconds of a code
FORM = "application/x-www-form-urlencoded"


class Denied(Exception):
    def __init__(self, error: str, message: str):
        super().__init__(message)
        self.error, self.message = error, message


class Login:
    def __init__(self, store: AccountStore, tokens: Tokens, random: Random):
        self._store = store
        self._tokens = tokens
        self.codes = AuthorizationCodes(random, lifetime=LIFE)

    def place(self) -> ConsentPage:
        """Return the consent page, which requests no scopes: the app's registration states them."""
        return ConsentPage(
            system="pipedrive",
            name="Pipedrive",
            path="/pipedrive/oauth/authorize",
            denied={"error": "user_denied"},
            choices=lambda consent_request: [
                Choice(one.company, one.title) for one in self._companies(consent_request.client)
            ],
            redirects=lambda client: [
                url for one in self._companies(client) for url in one.redirect_urls
            ],
            wrong=find_consent_problem,
            client_unknown="Invalid client: client is invalid",
            redirect_unknown="Invalid request: redirect_uri is invalid",
            exact_redirect=True,
        )

    def account(self, call: ApiRequest) -> str:
        form = call.form()
        if grant := self.codes.find(form.get("code", "")):
            return grant.account
        return self._tokens.owner(form.get("refresh_token") or form.get("token", ""))

    def uninstall_callbacks(self, account: str, at: float) -> list[Callback]:
        """DELETE to the callback URL, by Basic; the formats of its values were never seen live."""
        company = self._store[COMPANIES].get(account)
        if company is None:
            return []
        password = f"{company.client_id}:{company.client_secret}".encode()
        headers = {"Authorization": f"Basic {base64.b64encode(password).decode()}"}
        body = {
            "client_id": company.client_id,
            "company_id": int(company.company),
            "user_id": company.user_id,
            "timestamp": datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds"),
        }
        urls = self._tokens.callbacks(company, at)
        return [Callback("DELETE", url, headers, body) for url in urls]

    def answer(self, call: ApiRequest, path: str) -> ApiResponse:
        doors: dict[str, Callable[[ApiRequest], ApiResponse]] = {
            "/oauth/token": self._token,
            "/oauth/revoke": self._revoke,
        }
        if path not in doors or call.method != "POST":
            return ApiResponse(
                404, {"success": False, "message": "Not found", "error": "not_found"}
            )
        try:
            return doors[path](call)
        except Denied as denied:
            return ApiResponse(
                400, {"success": False, "message": denied.message, "error": denied.error}
            )

    def _token(self, call: ApiRequest) -> ApiResponse:
        form = call.form() if call.headers.get("Content-Type", "").startswith(FORM) else {}
        kinds = {"authorization_code": self._redeem_code, "refresh_token": self._refresh_token}
        if "grant_type" not in form:
            raise Denied("invalid_request", "Missing parameter: grant_type")
        if form["grant_type"] not in kinds:
            raise Denied("unsupported_grant_type", "Unsupported grant type: grant_type is invalid")
        company, refresh_token = kinds[form["grant_type"]](form, self._client(call), call.at)
        return ApiResponse(
            200,
            self._build_token_response(call, company, refresh_token),
            {"Cache-Control": "no-store"},
        )

    def _build_token_response(
        self, call: ApiRequest, company: Company, refresh_token: str
    ) -> dict[str, Any]:
        return {
            "access_token": self._tokens.issue(company, refresh_token, call.at),
            "token_type": "Bearer",
            "refresh_token": refresh_token,
            "scope": company.scopes,
            "expires_in": company.expires_in,
            "api_domain": f"{call.base}/pipedrive/{company.host}",
        }

    def _redeem_code(self, form: dict[str, str], client: str, at: float) -> tuple[Company, str]:
        code = form.get("code", "")
        issued = self.codes.find(code)
        grant = self.codes.redeem(code, client=client, at=at)
        company = self._store[COMPANIES].get(grant.account) if grant else None
        if grant is None or company is None:
            late = issued is not None and issued.client == client
            raise Denied(
                "invalid_grant",
                f"Invalid grant: authorization_code {'has expired' if late else 'is invalid'}",
            )
        if grant.redirect_uri != form.get("redirect_uri"):
            raise Denied("invalid_request", "Invalid request: redirect_uri is invalid")
        return company, self._tokens.install(company, grant.redirect_uri, at)

    def _refresh_token(self, form: dict[str, str], client: str, at: float) -> tuple[Company, str]:
        used = form.get("refresh_token", "")
        company = self._tokens.installed(used, at)
        if company is None or company.client_id != client:
            raise Denied("invalid_grant", "Invalid grant: refresh_token is invalid")
        return company, used

    def _revoke(self, call: ApiRequest) -> ApiResponse:
        """Whatever the token is worth, the answer is the same (RFC 7009)."""
        client, token = self._client(call), call.form().get("token", "")
        company = self._store[COMPANIES].get(self._tokens.owner(token))
        if company and company.client_id == client:
            self._tokens.revoke(token)
        return ApiResponse(200)

    def _client(self, call: ApiRequest) -> str:
        """By Basic only: nothing else is documented."""
        client, secret = call.basic()
        if not client or not secret:
            raise Denied("invalid_client", "Invalid client: cannot retrieve client credentials")
        apps = {
            one.client_id: one.client_secret
            for one in self._store[COMPANIES].values()
            if one.client_id
        }
        if apps.get(client) != secret:
            raise Denied("invalid_client", "Invalid client: client is invalid")
        return client

    def _companies(self, client: str) -> list[Company]:
        companies = self._store[COMPANIES].values()
        return [one for one in companies if client and one.client_id == client and not one.revoked]


def find_consent_problem(consent_request: ConsentRequest) -> str | None:
    return (
        "Invalid request: response_type is invalid"
        if consent_request.query.get("response_type", "code") != "code"
        else None
    )
