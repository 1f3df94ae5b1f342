"""OAuth 2: where a person lets us in, requests for tokens, and their answers read; oauthlib builds, nobody sends."""

import base64
import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Literal
from urllib.parse import parse_qsl

from oauthlib.common import add_params_to_uri
from oauthlib.oauth2.rfc6749.parameters import prepare_token_request

from connectors.base import Connector, Grant
from connectors.hosts import allowed_origin
from connectors.outcomes import PERMISSION_MISSING, Outcome, delivered, or_unreadable
from connectors.parts import Credential, Environment
from connectors.wire import Request, Response, Scope, Unreadable

TOKEN = re.compile(r"[\x21-\x7e]{1,4096}", re.ASCII)  # it goes into a header
BETWEEN_PERMISSIONS = re.compile(r"[,\s]+")
PERMISSION = re.compile(r"[\x21-\x7e]{1,100}", re.ASCII)
PERMISSIONS_MOST = 200

PROBLEMS: Mapping[str, str] = {  # their words, on the way back and at the token endpoint (RFC 6749), as ours
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
    """A system that gives tokens for a code that a person brings back. What differs between them is data."""

    needs_oauth = True
    refreshes = True
    authorize_at: str  # the three places, with the names of `urls` in braces
    token_at: str
    revoke_at: str
    token_calls: Scope  # the quota that a call of the token endpoint spends
    pkce: bool = False
    client_in: Literal["basic", "form"] = "basic"  # where our client id and secret go
    separator: str = " "  # between permissions, as they are asked for
    asks_permissions: bool = True  # False: they are fixed where our app is registered
    authorize_with: Mapping[str, str] = {}  # what else the address of consent takes
    problems: Mapping[str, str] = {}  # this system's own words, beside PROBLEMS
    at_consent: Mapping[str, str] = {}  # words that mean something else where they come back from consent
    installs_from_marketplace: bool = False  # people may come with a code and no state, from the system's own catalogue
    ended: ClassVar[frozenset[str]] = frozenset()  # its words for a token that has ended already

    def authorize(
        self,
        app: Mapping[str, str],
        credential: Credential,
        *,
        state: str,
        redirect_uri: str,
        optional: Iterable[str] = (),
        verifier: str = "",
    ) -> str:
        """The address that a person is sent to; where an account is connected again, that one is offered."""
        asked = {"response_type": "code", "client_id": app["client_id"], "redirect_uri": redirect_uri}
        if self.asks_permissions:
            asked["scope"] = self.separator.join(self.asked(optional))
        if self.pkce:
            asked |= {"code_challenge": challenge(verifier), "code_challenge_method": "S256"}
        again = self.reconnect_parameters(credential.account) if credential.account else {}
        return str(
            add_params_to_uri(
                self.authorize_at.format(**credential.urls),
                [*asked.items(), ("state", state), *self.authorize_with.items(), *again.items()],
            )
        )

    def reconnect_parameters(self, account: str) -> Mapping[str, str]:
        """What else the address of consent takes, so that this account is offered and not whichever is signed in."""
        return {}

    def offered(self, urls: Mapping[str, str], hosts: tuple[str, ...]) -> tuple[Environment, ...]:
        """The environments that a person may be sent to: they sign in inside our host patterns."""
        return tuple(
            entry for entry in self.environments if self.has_login_inside(hosts, self.urls_at(entry.key, urls))
        )

    def has_login_hosts(self, urls: Mapping[str, str], hosts: tuple[str, ...]) -> bool:
        """Whether people may be sent to a login host of their own: an example of one is inside our host patterns."""
        own = self.login_host
        return own is not None and self.has_login_inside(hosts, self.urls_at("", urls, own.example))

    def has_login_inside(self, hosts: tuple[str, ...], urls: Mapping[str, str]) -> bool:
        """Whether these base URLs lead to a login, token and revocation address that the patterns allow."""
        places = (self.authorize_at, self.token_at, self.revoke_at)
        return all(allowed_origin(place.format(**urls), hosts or self.hosts) for place in places)

    def asked(self, optional: Iterable[str] = ()) -> list[str]:
        return [entry.key for entry in self.permissions if not entry.optional or entry.key in optional]

    def exchange(
        self, app: Mapping[str, str], credential: Credential, *, code: str, redirect_uri: str, verifier: str = ""
    ) -> Request:
        said = {"code": code, "redirect_uri": redirect_uri}
        return self.tokens_for("authorization_code", app, credential, **said, code_verifier=verifier or None)

    def exchanged(self, response: Response, app: Mapping[str, str], credential: Credential) -> Grant | Outcome:
        """What was granted, or why nothing was. Raises Unreadable."""
        raise NotImplementedError

    def refresh(self, app: Mapping[str, str], credential: Credential) -> Request:
        return self.tokens_for("refresh_token", app, credential, refresh_token=credential.secret.get("refresh_token"))

    def tokens_for(self, grant: str, app: Mapping[str, str], credential: Credential, **said: Any) -> Request:
        client = {"client_id": app["client_id"], "client_secret": app["client_secret"]}
        in_form = client if self.client_in == "form" else {}
        return Request(
            "POST",
            self.token_at.format(**credential.urls),
            form=dict(parse_qsl(prepare_token_request(grant, **said, **in_form))),
            headers={} if in_form else basic(client),
            spends=((self.token_calls, 1),),
        )

    def revoke(self, app: Mapping[str, str], credential: Credential) -> Request:
        """End what this credential holds (RFC 7009): by its refresh token, which takes the others along."""
        kind = "refresh_token" if credential.secret.get("refresh_token") else "access_token"
        client = {"client_id": app["client_id"], "client_secret": app["client_secret"]}
        in_form = client if self.client_in == "form" else {}
        return Request(
            "POST",
            self.revoke_at.format(**credential.urls),
            form={"token": str(credential.secret.get(kind, "")), "token_type_hint": kind, **in_form},
            headers={} if in_form else basic(client),
            spends=((self.token_calls, 1),),
        )

    def refusal(self, response: Response) -> Outcome | None:
        """What the token endpoint refuses; None where it grants. Raises Unreadable."""
        raise NotImplementedError

    @or_unreadable
    def revoked(self, response: Response) -> Outcome:
        """`delivered` where nothing lives on; `refresh` where a new access token must be asked for first."""
        wrong = self.refusal(response)
        return delivered() if wrong is None or wrong.reason in self.ended else wrong

    def origin(self, url: object, credential: Credential) -> str:
        """The origin of an address in an answer where it is one of this system's own, otherwise empty."""
        return allowed_origin(url, credential.hosts or self.hosts)

    def issued_by(self, issuer: str, credential: Credential) -> bool:
        """RFC 9207: whether the `iss` that came back with a code is this system."""
        own = allowed_origin(issuer, (origin_of(self.authorize_at.format(**credential.urls)),))
        return bool(own or self.origin(issuer, credential))

    def problem(self, word: str) -> str:
        """Our word for theirs; `refused` where nobody knows it."""
        return self.problems.get(word) or PROBLEMS.get(word.lower(), "refused")

    def turned_away(self, word: str) -> str:
        """The same for what comes back from consent."""
        return self.at_consent.get(word) or self.problem(word)

    def uninstalled_account(self, authorization: str, body: bytes, app: Mapping[str, str]) -> str:
        """The account whose people removed our app, of a call to the way back; empty where it is not the system's.

        Raises Unreadable.
        """
        return ""

    def manifest(self, *, redirect_uri: str, name: str) -> str:
        """Something to paste where our app is registered; empty where the system takes nothing of the kind."""
        return ""


def challenge(verifier: str) -> str:
    """S256 of RFC 7636."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


def basic(client: Mapping[str, str]) -> dict[str, str]:
    pair = base64.b64encode(f"{client['client_id']}:{client['client_secret']}".encode()).decode()
    return {"Authorization": f"Basic {pair}"}


def origin_of(url: str) -> str:
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.partition('/')[0]}"


def tokens_in(answer: Mapping[str, Any]) -> dict[str, str]:
    """The tokens of an answer, as they may go into a header. Raises Unreadable."""
    if not isinstance(answer, Mapping):
        raise Unreadable("the answer is no object")
    if str(answer.get("token_type") or "bearer").lower() not in ("bearer", "bot", "user"):
        raise Unreadable("the token is of a kind that nobody asked for")
    found = {key: answer[key] for key in ("access_token", "refresh_token") if answer.get(key)}
    if not all(isinstance(token, str) and TOKEN.fullmatch(token) for token in found.values()):
        raise Unreadable("a token that is no token")
    return found


def permissions_in(told: object) -> tuple[str, ...] | None:
    """A list of permissions, whatever stands between them; None where there is none to read."""
    if not isinstance(told, str):
        return None
    names = [name for name in BETWEEN_PERMISSIONS.split(told) if PERMISSION.fullmatch(name)]
    return tuple(sorted(set(names))[:PERMISSIONS_MOST])
