"""OAuth 2: build consent URLs and token requests, and parse the responses; nothing is sent."""

import base64
import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Literal
from urllib.parse import parse_qsl

from oauthlib.common import add_params_to_uri
from oauthlib.oauth2.rfc6749.parameters import prepare_token_request

from connectors.allowed_hosts import find_allowed_origin
from connectors.base import Connector, Grant
from connectors.http import Request, Response, Scope, Unreadable
from connectors.outcomes import PERMISSION_MISSING, Outcome, delivered, raises_unreadable
from connectors.schema import Credential, Environment

TOKEN_PATTERN = re.compile(r"[\x21-\x7e]{1,4096}", re.ASCII)  # it goes into a header
PERMISSION_SEPARATOR = re.compile(r"[,\s]+")
PERMISSION_PATTERN = re.compile(r"[\x21-\x7e]{1,100}", re.ASCII)
MAX_PERMISSIONS = 200

# our problem codes by the error codes of callbacks and token endpoints (RFC 6749)
PROBLEMS: Mapping[str, str] = {
    "access_denied": "denied",
    "consent_required": "denied",
    "user_denied": "denied",
    "interaction_required": "denied",
    "invalid_client": "client_refused",
    "invalid_client_id": "client_refused",
    "unauthorized_client": "client_refused",
    "invalid_grant": "code_refused",
    "invalid_request": "request_refused",
    "invalid_redirect_uri": "redirect_refused",
    "redirect_uri_mismatch": "redirect_refused",
    "invalid_scope": "permission_refused",
    PERMISSION_MISSING: "permission_refused",
    "rate_limit_exceeded": "throttled",
    "server_error": "unavailable",
    "temporarily_unavailable": "unavailable",
    "unsupported_grant_type": "request_refused",
    "unsupported_response_type": "request_refused",
}


class OAuth(Connector):
    """A system with the authorization code flow. What differs between systems is data."""

    needs_oauth = True
    refreshes_tokens = True
    authorize_address: str  # these three addresses contain the names of `urls` in braces
    token_address: str
    revoke_address: str
    token_call_scope: Scope  # the quota that a call of the token endpoint spends
    uses_pkce: bool = False
    client_credentials_in: Literal["basic", "form"] = "basic"  # where our client id and secret go
    permission_separator: str = " "  # between permissions in the consent URL
    asks_permissions: bool = True  # False: they are fixed by our registration
    authorize_parameters: Mapping[str, str] = {}  # further parameters of the consent URL
    problems: Mapping[str, str] = {}  # problem codes by this system's own error codes
    # problem codes by error codes that have another meaning when the consent page returns them
    consent_problems: Mapping[str, str] = {}
    # a callback from the system's own catalogue of apps has a code and no state
    installs_from_marketplace: bool = False
    # error codes for a token that is not valid any more
    ended_token_codes: ClassVar[frozenset[str]] = frozenset()

    def build_authorize_url(
        self,
        app: Mapping[str, str],
        credential: Credential,
        *,
        state: str,
        redirect_uri: str,
        optional: Iterable[str] = (),
        verifier: str = "",
    ) -> str:
        """Return the consent URL; on a reconnect it offers the connected account."""
        query = {
            "response_type": "code",
            "client_id": app["client_id"],
            "redirect_uri": redirect_uri,
        }
        if self.asks_permissions:
            query["scope"] = self.permission_separator.join(self.requested_permissions(optional))
        if self.uses_pkce:
            query |= {
                "code_challenge": build_code_challenge(verifier),
                "code_challenge_method": "S256",
            }
        reconnect_query = (
            self.reconnect_parameters(credential.account) if credential.account else {}
        )
        return str(
            add_params_to_uri(
                self.authorize_address.format(**credential.urls),
                [
                    *query.items(),
                    ("state", state),
                    *self.authorize_parameters.items(),
                    *reconnect_query.items(),
                ],
            )
        )

    def reconnect_parameters(self, account: str) -> Mapping[str, str]:
        """Return the parameters of the consent URL that preselect this account."""
        return {}

    def allowed_environments(
        self, urls: Mapping[str, str], host_patterns: tuple[str, ...]
    ) -> tuple[Environment, ...]:
        """List the environments whose login, token and revocation URLs the patterns allow."""
        return tuple(
            entry
            for entry in self.environments
            if self.allows_login_urls(host_patterns, self.urls_at(entry.key, urls))
        )

    def allows_own_login_hosts(
        self, urls: Mapping[str, str], host_patterns: tuple[str, ...]
    ) -> bool:
        """Return whether host patterns allow login hosts of a customer, like the example."""
        login_host = self.login_host
        return login_host is not None and self.allows_login_urls(
            host_patterns, self.urls_at("", urls, login_host.example)
        )

    def allows_login_urls(self, host_patterns: tuple[str, ...], urls: Mapping[str, str]) -> bool:
        """Return if the patterns allow the login, token and revocation URLs at these base URLs."""
        places = (self.authorize_address, self.token_address, self.revoke_address)
        return all(
            find_allowed_origin(place.format(**urls), host_patterns or self.hosts)
            for place in places
        )

    def requested_permissions(self, optional: Iterable[str] = ()) -> list[str]:
        return [
            entry.key for entry in self.permissions if not entry.optional or entry.key in optional
        ]

    def exchange_request(
        self,
        app: Mapping[str, str],
        credential: Credential,
        *,
        code: str,
        redirect_uri: str,
        verifier: str = "",
    ) -> Request:
        parameters = {"code": code, "redirect_uri": redirect_uri}
        return self._build_token_request(
            "authorization_code", app, credential, **parameters, code_verifier=verifier or None
        )

    def parse_token_response(
        self, response: Response, app: Mapping[str, str], credential: Credential
    ) -> Grant | Outcome:
        """Return the grant, or the Outcome of a refused code. Raises Unreadable."""
        raise NotImplementedError

    def refresh_request(self, app: Mapping[str, str], credential: Credential) -> Request:
        return self._build_token_request(
            "refresh_token", app, credential, refresh_token=credential.secret.get("refresh_token")
        )

    def _build_token_request(
        self, grant: str, app: Mapping[str, str], credential: Credential, **parameters: Any
    ) -> Request:
        client = {"client_id": app["client_id"], "client_secret": app["client_secret"]}
        in_form = client if self.client_credentials_in == "form" else {}
        return Request(
            "POST",
            self.token_address.format(**credential.urls),
            form=dict(parse_qsl(prepare_token_request(grant, **parameters, **in_form))),
            headers={} if in_form else build_basic_auth_header(client),
            spends=((self.token_call_scope, 1),),
        )

    def revoke_request(self, app: Mapping[str, str], credential: Credential) -> Request:
        """Build the request that revokes this credential's tokens (RFC 7009).

        It names the refresh token, if there is one: its access tokens are revoked with it.
        """
        kind = "refresh_token" if credential.secret.get("refresh_token") else "access_token"
        client = {"client_id": app["client_id"], "client_secret": app["client_secret"]}
        in_form = client if self.client_credentials_in == "form" else {}
        return Request(
            "POST",
            self.revoke_address.format(**credential.urls),
            form={
                "token": str(credential.secret.get(kind, "")),
                "token_type_hint": kind,
                **in_form,
            },
            headers={} if in_form else build_basic_auth_header(client),
            spends=((self.token_call_scope, 1),),
        )

    def find_token_rejection(self, response: Response) -> Outcome | None:
        """Return the Outcome of an error response of the token endpoint; None if it granted tokens.

        Raises Unreadable.
        """
        raise NotImplementedError

    @raises_unreadable
    def parse_revoke(self, response: Response) -> Outcome:
        """Return the Outcome of a revocation. Raises Unreadable.

        *delivered*: no token is valid any more; *refresh*: the revocation needs a new access token.
        """
        rejection = self.find_token_rejection(response)
        return (
            delivered()
            if rejection is None or rejection.reason in self.ended_token_codes
            else rejection
        )

    def find_own_origin(self, url: object, credential: Credential) -> str:
        """Return the origin of a URL in a response if it belongs to this system, else ""."""
        return find_allowed_origin(url, credential.hosts or self.hosts)

    def is_issued_by(self, issuer: str, credential: Credential) -> bool:
        """Return whether `issuer`, the `iss` parameter beside a code (RFC 9207), is this system."""
        own_issuer = find_allowed_origin(
            issuer, (extract_origin(self.authorize_address.format(**credential.urls)),)
        )
        return bool(own_issuer or self.find_own_origin(issuer, credential))

    def find_problem(self, provider_code: str) -> str:
        """Return our problem code for the system's error code; `refused` for an unknown one."""
        return self.problems.get(provider_code) or PROBLEMS.get(provider_code.lower(), "refused")

    def find_consent_problem(self, provider_code: str) -> str:
        """Return our problem code for an error code that came back from the consent page."""
        return self.consent_problems.get(provider_code) or self.find_problem(provider_code)

    def parse_uninstalled_account(
        self, authorization: str, body: bytes, app: Mapping[str, str]
    ) -> str:
        """Return the account that removed our app, from an uninstall call to the callback URL.

        Returns "" if the call is not authenticated as coming from the system. Raises Unreadable.
        """
        return ""

    def build_manifest(self, *, redirect_uri: str, name: str, webhook_url: str = "") -> str:
        """Return the manifest to paste where our app is registered; "" if the system uses none.

        `webhook_url` is the app's webhook URL; "" if it has none yet.
        """
        return ""


def build_code_challenge(verifier: str) -> str:
    """Return the PKCE code challenge of a verifier, by S256 (RFC 7636)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


def build_basic_auth_header(client: Mapping[str, str]) -> dict[str, str]:
    pair = base64.b64encode(f"{client['client_id']}:{client['client_secret']}".encode()).decode()
    return {"Authorization": f"Basic {pair}"}


def extract_origin(url: str) -> str:
    scheme, _, remainder = url.partition("://")
    return f"{scheme}://{remainder.partition('/')[0]}"


def parse_tokens(answer: Mapping[str, Any]) -> dict[str, str]:
    """Return the tokens of a response, checked for use in a header. Raises Unreadable."""
    if not isinstance(answer, Mapping):
        raise Unreadable("the response is not an object")
    if str(answer.get("token_type") or "bearer").lower() not in ("bearer", "bot", "user"):
        raise Unreadable("the token has an unexpected type")
    tokens = {key: answer[key] for key in ("access_token", "refresh_token") if answer.get(key)}
    if not all(
        isinstance(token, str) and TOKEN_PATTERN.fullmatch(token) for token in tokens.values()
    ):
        raise Unreadable("a token is not valid")
    return tokens


def parse_permissions(value: object) -> tuple[str, ...] | None:
    """Parse permissions separated by commas or blanks; None if `value` is no text."""
    if not isinstance(value, str):
        return None
    names = [
        name for name in PERMISSION_SEPARATOR.split(value) if PERMISSION_PATTERN.fullmatch(name)
    ]
    return tuple(sorted(set(names))[:MAX_PERMISSIONS])
