"""Slack: post messages to the channels of a workspace."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from connectors.base import Grant, parse_lifetime
from connectors.http import Rate, Request, Response, Scope
from connectors.i18n import _
from connectors.oauth import OAuth, parse_permissions, parse_tokens
from connectors.outcomes import (
    Outcome,
    delivered,
    never,
    raises_unreadable,
    reconnect,
    refresh,
    refresh_rejection,
)
from connectors.schema import (
    Account,
    AuthorizationLifetimes,
    Credential,
    DataFlow,
    Field,
)
from connectors.slack.actions import PostMessage, Respond, UpdateMessage
from connectors.slack.collections import Channels
from connectors.slack.directory import SlackDirectory
from connectors.slack.errors import find_rejection
from connectors.slack.feeds import AUTH_TEST, Messages, identity_request
from connectors.slack.files import SlackFiles
from connectors.slack.oauth import (
    CONSENT_PROBLEMS,
    ERRORS,
    GUIDE,
    PERMISSIONS,
    PROBLEMS,
    build_manifest,
)
from connectors.slack.subscriptions import SlackSubscriptions
from connectors.slack.webhooks import SlackWebhooks

AUTH_REVOKE = Scope("method", "auth.revoke")
APPS_UNINSTALL = Scope("method", "apps.uninstall")
OAUTH_SCOPE = Scope("app", "oauth.v2.access")

ACCESS_ENDED_CODES = frozenset({"token_expired", "token_revoked", "invalid_auth"})


class Slack(OAuth):
    key = "slack"
    label = "Slack"
    summary = _("Messages in the channels of a workspace.")
    categories = (_("Chat"), _("Notifications"))
    synonyms = ("messages", "channel", "bot", "chat", "team", "alerts")
    data_flows = (
        DataFlow(
            "out",
            _(
                "The messages that your routes create from events, in the channels that they "
                "select."
            ),
        ),
        DataFlow(
            "in",
            _(
                "The names of public channels. And, if you allow it: messages that mention the "
                "app or are sent to it, its slash commands and its buttons."
            ),
        ),
    )
    approval = _("An administrator, if your workspace requires approval of apps.")
    asks_admins = True
    fields = (
        Field(
            "access_token",
            _("Bot token"),
            _("xoxb-…, from the page of the installed app."),
            secret=True,
        ),
        Field(
            "refresh_token",
            _("Refresh token"),
            _("xoxe-…, if token rotation is on."),
            secret=True,
            required=False,
        ),
    )
    app_fields = (
        Field("client_id", _("Client ID"), _("From Basic Information of the app.")),
        Field(
            "client_secret",
            _("Client secret"),
            _("From Basic Information of the app."),
            secret=True,
        ),
        Field(
            "signing_secret",
            _("Signing secret"),
            _("Proves that a request comes from Slack."),
            secret=True,
        ),
    )
    urls = {
        "api": "https://slack.com/api",
        "authorize": "https://slack.com/oauth/v2/authorize",
        "respond": "https://hooks.slack.com",
    }
    actions = (PostMessage(), UpdateMessage(), Respond())
    webhook_source = SlackWebhooks()
    subscriptions = SlackSubscriptions()
    collections = (Channels(),)
    feed_collections = (Messages(),)
    directory = SlackDirectory()
    file_upload = SlackFiles()
    quotas = {
        "method:chat.postMessage": Rate(300, 60.0),  # "several hundred per minute per workspace"
        "method:chat.update": Rate(50, 60.0),  # tier 3
        "method:conversations.list": Rate(20, 60.0),  # tier 2
        "method:users.list": Rate(20, 60.0),  # tier 2
        "method:users.conversations": Rate(50, 60.0),  # tier 3
        # of apps outside the Marketplace since 2025-05-29; of others tier 3
        "method:conversations.history": Rate(1, 60.0, background_share=1.0),
        "method:conversations.replies": Rate(1, 60.0, background_share=1.0),
        "method:files.getUploadURLExternal": Rate(100, 60.0),  # tier 4
        "method:files.completeUploadExternal": Rate(100, 60.0),  # tier 4
        "method:auth.test": Rate(600, 60.0),
        "method:response_url": Rate(300, 60.0),  # unstated; each takes 5 answers
        "method:auth.revoke": Rate(60, 60.0),
        "method:apps.uninstall": Rate(1, 60.0),  # tier 1, "1+ per minute"
        "app:oauth.v2.access": Rate(600, 60.0),
        "channel": Rate(1, 1.0),
    }
    authorize_address, token_address, revoke_address = (
        "{authorize}",
        "{api}/oauth.v2.access",
        "{api}/auth.revoke",
    )
    token_call_scope = OAUTH_SCOPE
    permission_separator = ","
    # a workspace has one bot token of ours, however often the app is installed there
    has_one_grant = True
    permissions, problems, errors, guide = PERMISSIONS, PROBLEMS, ERRORS, GUIDE
    consent_problems = CONSENT_PROBLEMS
    ended_token_codes = frozenset({"account_inactive"})
    # "after a short grace period", and two access tokens are valid at a time
    lifetimes = AuthorizationLifetimes(refresh_token_reuse="grace")
    token_prefixes = ("", "user_")

    def reconnect_parameters(self, account: str) -> Mapping[str, str]:
        """Return the workspace as `team`; no parameter can name an organisation."""
        return {"team": account} if account.startswith("T") else {}

    def find_credential_problem(self, credential: Credential) -> str:
        return "" if credential.access_token else "missing: Bot token"

    def probe_request(self, credential: Credential, *, at: datetime) -> Request:
        return identity_request(credential)

    @raises_unreadable
    def parse_probe(self, response: Response, credential: Credential) -> Account | Outcome:
        return find_rejection(response, AUTH_TEST) or _parse_account(response.json())

    def find_token_rejection(self, response: Response) -> Outcome | None:
        return find_rejection(response, OAUTH_SCOPE)

    @raises_unreadable
    def parse_token_response(
        self, response: Response, app: Mapping[str, str], credential: Credential
    ) -> Grant | Outcome:
        if rejection := self.find_token_rejection(response):
            return rejection
        answer = response.json()
        tokens = parse_tokens(answer)
        if "access_token" not in tokens:
            return never("no_access_token", "the response contains no bot token")
        user = {
            f"user_{key}": token
            for key, token in parse_tokens(answer.get("authed_user") or {}).items()
        }
        return Grant(
            {**tokens, **user},
            expires_in=parse_lifetime(answer.get("expires_in")),
            account=_parse_granted_account(answer),
            permissions=parse_permissions(answer.get("scope")),
        )

    @raises_unreadable
    def parse_refresh(self, response: Response, credential: Credential) -> Grant | Outcome:
        if rejection := self.find_token_rejection(response):
            return refresh_rejection(rejection)
        answer = response.json()
        if credential.account not in ("", _parse_granted_account(answer).id):
            return reconnect("other_account", "the response belongs to another workspace")
        renewed = parse_tokens(answer)
        if "access_token" not in renewed:
            return reconnect("no_access_token", "the response contains no bot token")
        return Grant(
            {**credential.secret, **renewed}, expires_in=parse_lifetime(answer.get("expires_in"))
        )

    def revoke_request(self, app: Mapping[str, str], credential: Credential) -> Request:
        """Build the request that revokes the tokens.

        auth.revoke revokes a non-rotating token. With rotation it would revoke one token of the
        pair only, so the app is uninstalled instead.
        """
        if not credential.secret.get("refresh_token"):
            url, form, scope = self.revoke_address.format(**credential.urls), {}, AUTH_REVOKE
        else:
            url, scope = f"{credential.urls['api']}/apps.uninstall", APPS_UNINSTALL
            form = {"client_id": app["client_id"], "client_secret": app["client_secret"]}
        return Request("POST", url, form=form, bearer=credential.access_token, spends=((scope, 1),))

    @raises_unreadable
    def parse_revoke(self, response: Response) -> Outcome:
        """Return the Outcome of a revocation. Raises Unreadable.

        *refresh*: the access token has expired, while the refresh token may be valid.
        """
        rejection = find_rejection(response, APPS_UNINSTALL)
        if rejection is None:
            is_revoked = response.json().get("revoked", True) is True
            return delivered() if is_revoked else never("not_revoked", "revoked is false")
        if rejection.reason in ACCESS_ENDED_CODES:
            return refresh(rejection.reason, rejection.detail)
        return delivered() if rejection.reason in self.ended_token_codes else rejection

    def build_manifest(self, *, redirect_uri: str, name: str, webhook_url: str = "") -> str:
        return build_manifest(redirect_uri=redirect_uri, name=name, webhook_url=webhook_url)


def _parse_account(answer: Mapping[str, Any]) -> Account:
    """Return the account of an auth.test response: the workspace, or the whole organisation."""
    is_enterprise_install = answer.get("is_enterprise_install") is True
    return Account(
        id=str(answer["enterprise_id" if is_enterprise_install else "team_id"]),
        name=str(answer.get("team") or ""),
    )


def _parse_granted_account(answer: Mapping[str, Any]) -> Account:
    workspace = answer["enterprise" if answer.get("is_enterprise_install") is True else "team"]
    return Account(id=str(workspace["id"]), name=str(workspace.get("name") or ""))
