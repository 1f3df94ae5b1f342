"""Pipedrive: persons, organizations, deals, leads, activities and notes of a company."""

import hmac
import json
from collections.abc import Mapping
from datetime import datetime

from connectors.base import Grant, parse_lifetime
from connectors.http import Budget, Rate, Report, Request, Response
from connectors.i18n import _
from connectors.oauth import OAuth, build_basic_auth_header, parse_permissions, parse_tokens
from connectors.outcomes import Outcome, never, raises_unreadable, reconnect
from connectors.pipedrive.actions import ACTIONS, base_url, build_token_costs
from connectors.pipedrive.collections import COLLECTIONS
from connectors.pipedrive.directory import PipedriveDirectory
from connectors.pipedrive.errors import (
    TOKEN,
    find_rejection,
    find_token_rejection,
    parse_budget_report,
)
from connectors.pipedrive.oauth import ERRORS, GUIDE, PERMISSIONS, PROBLEMS
from connectors.pipedrive.object_schemas import PipedriveSchema
from connectors.pipedrive.subscriptions import PipedriveWebhookSubscriptions
from connectors.pipedrive.summaries import DealFigures, DealsSummary
from connectors.pipedrive.webhooks import PipedriveWebhooks
from connectors.schema import Account, AuthorizationLifetimes, Credential, DataFlow, Field


class Pipedrive(OAuth):
    key = "pipedrive"
    label = "Pipedrive"
    summary = _("Persons, organizations, deals, leads, activities and notes of a company.")
    categories = (_("CRM"), _("Sales"))
    synonyms = ("crm", "pipeline", "deals", "leads", "contacts", "sales")
    data_flows = (
        DataFlow(
            "out",
            _(
                "The records that your routes create from events: persons, organizations, "
                "deals and so on."
            ),
        ),
        DataFlow("in", _("The IDs of the written records, and your user and company there.")),
    )
    approval = _("An administrator, if only administrators of your company can install apps.")
    fields = (
        Field(
            "access_token",
            _("Access token"),
            _("v1u:…, issued to a user of the company; valid for one hour."),
            secret=True,
        ),
        Field(
            "refresh_token",
            _("Refresh token"),
            _("Renews the access token."),
            secret=True,
            required=False,
        ),
        Field(
            "api_domain",
            _("API domain"),
            _("For example https://acme.pipedrive.com."),
            kind="url",
            required=False,
        ),
    )
    app_fields = (
        Field(
            "client_id",
            _("Client ID"),
            _("From the app's page in the Developer Hub, under OAuth & access scopes."),
        ),
        Field("client_secret", _("Client secret"), _("From the same page."), secret=True),
    )
    urls = {"api": "https://api.pipedrive.com", "oauth": "https://oauth.pipedrive.com/oauth"}
    hosts = ("*.pipedrive.com",)
    actions = ACTIONS
    collections = (*COLLECTIONS, DealsSummary())
    report_source = DealFigures()
    can_refuse_stale_writes = False
    schema = PipedriveSchema()
    directory = PipedriveDirectory()
    webhook_source = PipedriveWebhooks()
    subscriptions = PipedriveWebhookSubscriptions()
    quotas = {
        # the minimum, Lite with one seat; a reported budget, or that of staff, replaces it:
        # 30,000 × (Lite 1, Growth 2, Premium 5, Ultimate 7) × seats
        # https://pipedrive.readme.io/docs/core-api-concepts-rate-limiting
        "account": Budget(30_000, 86_400.0),
        # of an OAuth token: Lite 80, Growth 160, Premium 400, Ultimate 480
        "connection": Rate(80, 2.0),
        "app:token": Rate(300, 60.0),  # a courtesy: nothing is documented
    }
    unlimited_reasons = {
        "address": "not published; the hub pauses if Cloudflare blocks its address"
    }
    authorize_address, token_address, revoke_address = (
        "{oauth}/authorize",
        "{oauth}/token",
        "{oauth}/revoke",
    )
    token_call_scope = TOKEN
    installs_from_marketplace = True
    asks_permissions = False
    permissions, problems, errors, guide = PERMISSIONS, PROBLEMS, ERRORS, GUIDE
    ended_token_codes = frozenset({"invalid_grant"})
    # each refresh gives the same token another 60 days
    lifetimes = AuthorizationLifetimes(
        unused_refresh_token_seconds=60 * 86400.0, refresh_token_reuse="works"
    )

    def find_credential_problem(self, credential: Credential) -> str:
        if not credential.access_token:
            return "missing: Access token"
        url = credential.settings.get("api_domain")
        return (
            ""
            if not url or self.find_own_origin(url, credential)
            else "the API domain does not belong to Pipedrive"
        )

    def probe_request(self, credential: Credential, *, at: datetime) -> Request:
        url = f"{base_url(credential)}/api/v1/users/me"
        return Request("GET", url, bearer=credential.access_token, spends=build_token_costs(2))

    @raises_unreadable
    def parse_probe(self, response: Response, credential: Credential) -> Account | Outcome:
        """Return the company as the account: its users share one daily budget.

        Raises Unreadable.
        """
        if rejection := find_rejection(response):
            return rejection
        user = response.json()["data"]
        company = user.get("company_name") or user.get("company_domain") or "a company"
        name = f"{company} ({user['name']})"
        return Account(id=str(user["company_id"]), name=name, user=str(user["id"]))

    def find_token_rejection(self, response: Response) -> Outcome | None:
        return find_token_rejection(response)

    @raises_unreadable
    def parse_token_response(
        self, response: Response, app: Mapping[str, str], credential: Credential
    ) -> Grant | Outcome:
        """Return the grant, or the Outcome of a refused code. Raises Unreadable.

        The response does not name the company: the probe asks for it at `api_domain`.
        """
        if rejection := find_token_rejection(response):
            return rejection
        answer = response.json()
        tokens = parse_tokens(answer)
        if "access_token" not in tokens:
            return never("no_access_token", "the response contains no access token")
        domain = self.find_own_origin(answer.get("api_domain"), credential)
        if not domain:
            return never(
                "host_refused", "the response names a host that does not belong to Pipedrive"
            )
        return Grant(
            tokens,
            expires_in=parse_lifetime(answer.get("expires_in")),
            settings={"api_domain": domain},
            permissions=parse_permissions(answer.get("scope")),
        )

    @raises_unreadable
    def parse_refresh(self, response: Response, credential: Credential) -> Grant | Outcome:
        """Return the new grant, or the Outcome of a refused refresh. Raises Unreadable.

        The response has the same refresh token, valid for another 60 days. The company's domain may
        have changed.
        """
        if rejection := find_token_rejection(response):
            return rejection
        answer = response.json()
        renewed = parse_tokens(answer)
        if "access_token" not in renewed:
            return reconnect("no_access_token", "the response contains no access token")
        # a domain elsewhere is ignored; the tokens are stored all the same
        domain = self.find_own_origin(answer.get("api_domain"), credential)
        return Grant(
            {**credential.secret, **renewed},
            expires_in=parse_lifetime(answer.get("expires_in")),
            settings={"api_domain": domain} if domain else {},
        )

    @raises_unreadable
    def parse_uninstalled_account(
        self, authorization: str, body: bytes, app: Mapping[str, str]
    ) -> str:
        """Return the company of an uninstall call; empty if the call is not authentic.

        It is a DELETE to the callback URL with our client id and secret as Basic authentication:
        https://pipedrive.readme.io/docs/app-uninstallation (2026-11). Raises Unreadable.
        """
        expected = build_basic_auth_header(
            {key: app[key] for key in ("client_id", "client_secret")}
        )["Authorization"]
        if not hmac.compare_digest(authorization.encode("utf-8", "replace"), expected.encode()):
            return ""
        return str(json.loads(body)["company_id"])

    def parse_quota_reports(self, response: Response) -> tuple[Report, ...]:
        report = parse_budget_report(response)
        return (report,) if report else ()
