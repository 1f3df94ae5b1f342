"""Salesforce: write and read records of an organisation."""

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal
from urllib.parse import quote

from connectors.base import Grant
from connectors.http import Budget, InFlight, Rate, Report, Request, Response
from connectors.i18n import _
from connectors.oauth import OAuth, parse_permissions, parse_tokens
from connectors.outcomes import Outcome, never, raises_unreadable, reconnect
from connectors.salesforce.actions import ACTIONS, API_VERSION, base_url
from connectors.salesforce.bulk.queries import BULK_READS
from connectors.salesforce.bulk.writes import BULK_WRITE
from connectors.salesforce.collections import COLLECTIONS, ObjectFigures
from connectors.salesforce.directory import SalesforceDirectory
from connectors.salesforce.errors import ORG, TOKEN, find_rejection, find_token_rejection
from connectors.salesforce.oauth import (
    CONSENT_PROBLEMS,
    ENVIRONMENTS,
    ERRORS,
    GUIDE,
    LOGIN_HOSTS,
    PERMISSIONS,
    PROBLEMS,
)
from connectors.salesforce.object_schemas import SalesforceSchema
from connectors.salesforce.subscriptions import SalesforceSubscriptions
from connectors.salesforce.webhooks import SalesforceWebhooks
from connectors.schema import Account, AuthorizationLifetimes, Credential, DataFlow, Field

USAGE_PATTERN = re.compile(r"(?:^|[;\s])api-usage=([0-9]{1,12})/([0-9]{1,12})", re.ASCII)
ORGANISATION_QUERY = "SELECT Id, Name FROM Organization"
ORG_ID_LENGTH = 15  # significant characters of an id; the other three are a checksum


class Salesforce(OAuth):
    key = "salesforce"
    label = "Salesforce"
    summary = _("Leads, contacts and all other records of an organisation.")
    categories = (_("CRM"), _("Sales"))
    synonyms = ("sfdc", "crm", "leads", "contacts", "opportunities", "sales cloud", "force.com")
    data_flows = (
        DataFlow(
            "out",
            _(
                "The records that your routes create from events: leads, contacts and "
                "other objects."
            ),
        ),
        DataFlow(
            "in",
            _(
                "The IDs of the written records, and records that a route looks up. And, if a "
                "route takes them: new and changed orders, leads, accounts and opportunities."
            ),
        ),
    )
    approval = _("An administrator, if your organisation blocks apps that are not installed.")
    plan = _(
        "An edition with API access: Enterprise, Unlimited, Performance or Developer, or "
        "Professional with the add-on."
    )
    fields = (
        Field(
            "access_token",
            _("Access token"),
            _("00D…!…, a session of the organisation."),
            secret=True,
        ),
        Field(
            "refresh_token",
            _("Refresh token"),
            _("5Aep…, renews the session."),
            secret=True,
            required=False,
        ),
        Field(
            "instance_url",
            _("Instance URL"),
            _("For example https://acme.my.salesforce.com."),
            kind="url",
            required=False,
        ),
        Field(
            "environment",
            _("Which Salesforce"),
            _("The address where its users sign in."),
            kind="choice",
            default="production",
            choices=tuple((entry.key, entry.label) for entry in ENVIRONMENTS),
        ),
        Field(
            "login_host",
            _("Login host"),
            _(
                "Only for the organisation's own login host (My Domain), such as "
                "acme.my.salesforce.com."
            ),
            required=False,
            pattern="|".join(LOGIN_HOSTS.patterns.values()),
        ),
    )
    app_fields = (
        Field("client_id", _("Consumer key"), _("From the settings of the external client app.")),
        Field(
            "client_secret",
            _("Consumer secret"),
            _("From the settings of the external client app."),
            secret=True,
        ),
    )
    urls = {
        "login": "https://login.salesforce.com",
        "token": "https://login.salesforce.com/services/oauth2/token",
        "sandbox_login": "https://test.salesforce.com",
        "sandbox_token": "https://test.salesforce.com/services/oauth2/token",
        "domain_login": "https://{login_host}",
        "domain_token": "https://{login_host}/services/oauth2/token",
    }
    environments = ENVIRONMENTS
    login_host = LOGIN_HOSTS
    hosts = ("*.salesforce.com", "*.force.com", "*.cloudforce.com", "*.salesforce.mil")
    webhook_source = SalesforceWebhooks()
    subscriptions = SalesforceSubscriptions()
    actions = ACTIONS
    collections = COLLECTIONS
    bulk_reads = BULK_READS
    bulk_write = BULK_WRITE
    report_source = ObjectFigures()
    schema = SalesforceSchema()
    directory = SalesforceDirectory()
    quotas = {
        # rolling, of the whole organisation; Sforce-Limit-Info corrects it
        "account": Budget(100_000, 86_400.0),
        # of calls of 20 s and more: the least that an organisation has
        "account:queries": InFlight(5),
        # https://developer.salesforce.com/docs/atlas.en-us.api_asynch.meta/api_asynch/
        # bulk_common_limits.htm (2026-11)
        "account:jobs": Budget(10_000, 86_400.0),
        "account:batches": Budget(15_000, 86_400.0),
        "app:token": Rate(300, 60.0),  # a courtesy: nothing is documented
    }
    authorize_address, token_address = "{login}/services/oauth2/authorize", "{token}"
    revoke_address = "{login}/services/oauth2/revoke"
    token_call_scope = TOKEN
    uses_pkce = True
    client_credentials_in = "form"
    permissions, problems, errors, guide = PERMISSIONS, PROBLEMS, ERRORS, GUIDE
    consent_problems = CONSENT_PROBLEMS
    has_separate_grants = True  # an approval each, five at most: the sixth would end the oldest
    ended_token_codes = frozenset({"invalid_token", "unsupported_token_type", "invalid_grant"})
    # the session timeout of an organisation that did not choose another; most do not rotate
    # refresh tokens
    lifetimes = AuthorizationLifetimes(access_token_seconds=2 * 3600.0, refresh_token_reuse="works")

    def reconnect_parameters(self, account: str) -> Mapping[str, str]:
        """Return the parameter that forces a new sign-in: an organisation cannot be preselected."""
        return {"prompt": "login"}

    def find_credential_problem(self, credential: Credential) -> str:
        if not credential.access_token:
            return "missing: Access token"
        if host := str(credential.settings.get("login_host") or ""):
            kind = LOGIN_HOSTS.environment_of(host)
            if not kind or kind != (credential.settings.get("environment") or kind):
                return "the login host does not belong to Salesforce or to this kind of account"
        url = credential.settings.get("instance_url")
        return (
            ""
            if not url or self.find_own_origin(url, credential)
            else "the instance URL does not belong to Salesforce"
        )

    def probe_request(self, credential: Credential, *, at: datetime) -> Request:
        """Build a query for the organisation.

        The permission `api` is enough for it; userinfo would need `id` or `openid`.
        """
        query = quote(ORGANISATION_QUERY, safe="")
        url = f"{base_url(credential)}/services/data/{API_VERSION}/query?q={query}"
        return Request("GET", url, bearer=credential.access_token, spends=((ORG, 1),))

    @raises_unreadable
    def parse_probe(self, response: Response, credential: Credential) -> Account | Outcome:
        """Return the organisation as the account. Raises Unreadable.

        If the user may not read the organisation, return the account of the grant: the session is
        valid.
        """
        rejection = find_rejection(response)
        hidden = rejection is not None and rejection.reason == "invalid_type"
        if rejection and not (hidden and credential.account):
            return rejection
        records = [] if hidden else response.json()["records"]
        if not records and credential.account:
            return Account(id=credential.account)
        return Account(id=str(records[0]["Id"]), name=str(records[0].get("Name") or ""))

    def has_permission(self, permission: str, given_permissions: set[str]) -> bool:
        """Return whether a permission is granted.

        `full` includes all permissions except that of the refresh token, which has two names.
        """
        if permission == "refresh_token":
            return not given_permissions.isdisjoint({"refresh_token", "offline_access"})
        return permission in given_permissions or "full" in given_permissions

    def find_token_rejection(self, response: Response) -> Outcome | None:
        return find_token_rejection(response)

    @raises_unreadable
    def parse_token_response(
        self, response: Response, app: Mapping[str, str], credential: Credential
    ) -> Grant | Outcome:
        if rejection := find_token_rejection(response):
            return rejection
        answer = response.json()
        tokens = parse_tokens(answer)
        if "access_token" not in tokens:
            return never("no_access_token", "the response contains no access token")
        if not _is_signature_valid(answer, app["client_secret"]):
            return never("bad_signature", "the identity is not signed with our consumer secret")
        instance = self.find_own_origin(answer.get("instance_url"), credential)
        if not instance or not self.find_own_origin(answer["id"], credential):
            return never("host_refused", "the response names a host that is not Salesforce's")
        return Grant(
            tokens,
            settings={"instance_url": instance},
            account=_parse_account(answer),
            permissions=parse_permissions(answer.get("scope")),
            environment=_parse_environment(answer, credential),
        )

    @raises_unreadable
    def parse_refresh(self, response: Response, credential: Credential) -> Grant | Outcome:
        """Return the new grant, or the Outcome of a refused refresh. Raises Unreadable.

        Salesforce reports no lifetime, and a new refresh token only if the app rotates them.
        """
        if rejection := find_token_rejection(response):
            return rejection
        answer = response.json()
        if (
            credential.account
            and credential.account[:ORG_ID_LENGTH] != _parse_account(answer).id[:ORG_ID_LENGTH]
        ):
            return reconnect("other_account", "the response belongs to another organisation")
        renewed = parse_tokens(answer)
        if "access_token" not in renewed:
            return reconnect("no_access_token", "the response contains no access token")
        # An instance elsewhere is not followed; the tokens are kept, as the old refresh token may
        # have ended.
        instance = self.find_own_origin(answer.get("instance_url"), credential)
        return Grant(
            {**credential.secret, **renewed},
            settings={"instance_url": instance} if instance else {},
        )

    def revoke_request(self, app: Mapping[str, str], credential: Credential) -> Request:
        """Build the request that revokes the tokens; it needs no client id or secret."""
        request = super().revoke_request(app, credential)
        return Request(
            "POST",
            request.url,
            form={"token": request.form["token"]} if request.form else {},
            spends=request.spends,
        )

    def parse_quota_reports(self, response: Response) -> tuple[Report, ...]:
        """Parse `Sforce-Limit-Info: api-usage=12/15000`, a header of all REST API responses."""
        match = USAGE_PATTERN.search(response.headers.get("sforce-limit-info", ""))
        return (Report(ORG, used=int(match[1]), limit=int(match[2])),) if match else ()


def _parse_account(answer: Mapping[str, Any]) -> Account:
    """Parse the account in `https://login.salesforce.com/id/<organisation>/<user>`."""
    organisation, user = str(answer["id"]).rstrip("/").split("/")[-2:]
    return Account(id=organisation, user=user)


def _is_signature_valid(answer: Mapping[str, Any], secret: str) -> bool:
    """Return whether `signature` is the HMAC of URL and issue time; True if it is missing."""
    if "signature" not in answer:
        return True
    expected = hmac.digest(
        secret.encode(), f"{answer['id']}{answer['issued_at']}".encode(), hashlib.sha256
    )
    return hmac.compare_digest(base64.b64encode(expected), str(answer["signature"]).encode())


def _parse_environment(
    answer: Mapping[str, Any], credential: Credential
) -> Literal["production", "sandbox"]:
    """Return *sandbox* if the identity or instance URL is one of a sandbox."""
    marks = f"{answer['id']} {answer['instance_url']}".lower()
    is_sandbox_login = str(answer["id"]).startswith(f"{credential.urls.get('sandbox_login')}/")
    return (
        "sandbox"
        if is_sandbox_login or "//test.salesforce.com" in marks or ".sandbox." in marks
        else "production"
    )
