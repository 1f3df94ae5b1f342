"""The consent page of an org: sign-in, host, and the admin's approval."""

from random import Random

from sandbox.oauth.authorization_codes import AuthorizationCodes
from sandbox.oauth.consent import Choice, ConsentPage, ConsentRequest
from sandbox.salesforce.accounts import ORGS, Org
from sandbox.salesforce.oauth.login import is_own_host, signs_in_at
from sandbox.storage.account_store import AccountStore

LIFE = 900  # seconds of a code
DENIED = {"error": "access_denied", "error_description": "end-user denied authorization"}
NO_CHALLENGE = {
    "error": "invalid_request",
    "error_description": "missing required code challenge",
}
REFUSALS = {  # by `approval` of the org
    "blocked": ("OAUTH_APP_BLOCKED", "this app is blocked by admin"),
    "not_installed": ("invalid_client", "app must be installed into org"),
    "not_approved": ("OAUTH_APP_ACCESS_DENIED", "user is not admin approved to access this app"),
    "generic": (
        "OAUTH_APPROVAL_ERROR_GENERIC",
        # as it is spelled there
        "An unexpected error has occured during authentication. Please try again.",
    ),
}
NO_LOGIN = (
    "Error: Please check your username and password.",
    "If you still can't log in, contact your Salesforce administrator.",
)
ALIASES = {"offline_access": "refresh_token"}


class Consents:
    def __init__(self, store: AccountStore, random: Random):
        self._store = store
        self.codes = AuthorizationCodes(random, lifetime=LIFE)

    def place(self) -> ConsentPage:
        return ConsentPage(
            system="salesforce",
            name="Salesforce",
            path="/salesforce/{host}/services/oauth2/authorize",
            denied=DENIED,
            choices=self._choices,
            redirects=lambda client: [
                url for org in self._orgs(client) for url in org.redirect_urls
            ],
            wrong=find_consent_problem,
            refused=self._refused,
            client_unknown="error=invalid_client_id&error_description=client identifier invalid",
            redirect_unknown="error=redirect_uri_mismatch&error_description=redirect_uri must "
            "match configuration",
            exact_redirect=True,
        )

    def _orgs(self, client: str) -> list[Org]:
        orgs = self._store[ORGS].values()
        return [org for org in orgs if client and org.client_id == client and not org.revoked]

    def _choices(self, consent_request: ConsentRequest) -> list[Choice]:
        orgs = self._orgs(consent_request.client)
        offered = [
            org
            for org in orgs
            if consent_request.host in ("login", "test") or is_own_host(org, consent_request.host)
        ]
        return [choice(org, consent_request.host) for org in offered]

    def _refused(self, consent_request: ConsentRequest) -> dict[str, str] | None:
        orgs = self._orgs(consent_request.client)
        if not consent_request.query.get("code_challenge") and any(
            org.requires_pkce for org in orgs
        ):
            return NO_CHALLENGE
        allowed = {scope for org in orgs for scope in org.scopes.split()}
        if all(ALIASES.get(scope, scope) in allowed for scope in consent_request.scopes()):
            return None
        return {"error": "invalid_scope", "error_description": "the requested scope is not allowed"}


def choice(org: Org, host: str) -> Choice:
    title = f"{org.title} (sandbox)" if org.sandbox else org.title
    if not signs_in_at(org, host):
        return Choice(org.org, title, "Log in to", message=NO_LOGIN)
    if org.approval:
        error, description = REFUSALS[org.approval]
        return Choice(org.org, title, answer={"error": error, "error_description": description})
    return Choice(org.org, title)


def find_consent_problem(consent_request: ConsentRequest) -> str | None:
    if consent_request.query.get("response_type", "code") != "code":
        return "error=unsupported_response_type&error_description=response type not supported"
    if consent_request.query.get("code_challenge_method", "S256") != "S256":
        return "error=invalid_request&error_description=only S256 is taken as code_challenge_method"
    return None
