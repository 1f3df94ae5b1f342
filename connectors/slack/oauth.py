"""Slack OAuth: how our app is registered, its permissions, and advice for problems."""

import json
from collections.abc import Mapping
from typing import Any

from connectors.i18n import _
from connectors.schema import Advice, Permission
from connectors.slack.actions import RECEIVES_COMMANDS

MAX_NAME_LENGTH = 35  # characters of an app's name
BOT_EVENTS = ("app_mention", "message.im", "app_uninstalled", "tokens_revoked")
SLASH_COMMAND = {"command": "/hub", "description": "Ask a question", "should_escape": True}

PERMISSIONS = (
    Permission("chat:write", _("to post messages as the app")),
    Permission("chat:write.public", _("to post in public channels that the app has not joined")),
    Permission("channels:read", _("to list the public channels by name")),
    Permission("users:read", _("to find members by name"), optional=True),
    Permission(
        "users:read.email",
        _("to find members by e-mail address"),
        optional=True,
    ),
    Permission("app_mentions:read", _("to receive messages that mention the app"), optional=True),
    Permission("im:history", _("to receive direct messages to the app"), optional=True),
    Permission(
        "channels:history",
        _("to read mentions in public channels that Slack did not deliver"),
        optional=True,
    ),
    Permission(
        "groups:history",
        _("to read mentions in private channels that Slack did not deliver"),
        optional=True,
    ),
    Permission("groups:read", _("to list the private channels that the app is in"), optional=True),
    Permission("im:read", _("to list the direct messages to the app"), optional=True),
    Permission("commands", RECEIVES_COMMANDS, optional=True),
    Permission("chat:write.customize", _("to post under another name or icon"), optional=True),
    Permission("files:write", _("to add charts to reports"), optional=True),
)

PROBLEMS: Mapping[str, str] = {
    "invalid_code": "code_refused",
    "code_already_used": "code_refused",
    "bad_client_secret": "client_refused",
    "invalid_client_id": "client_refused",
    "bad_redirect_uri": "redirect_refused",
    "oauth_authorization_url_mismatch": "request_refused",
    "invalid_code_verifier": "request_refused",
    "pkce_not_allowed": "request_refused",
    # of the workspace or the organisation that does not want the app; the words are unverified
    "app_approval_required": "not_approved",
    "app_not_approved": "not_approved",
    "app_approval_request_eligible": "not_approved",
    "app_approval_request_pending": "awaiting_approval",
    "app_approval_request_denied": "refused_by_admin",
    "restricted_app": "refused_by_admin",
    "team_access_not_granted": "not_approved",
    "invalid_team_for_non_distributed_app": "not_distributed",
    "invalid_scope_requested": "permission_refused",
}

# the person chose Cancel, or an administrator decided against the app
CONSENT_PROBLEMS: Mapping[str, str] = {"access_denied": "not_let_in"}

ERRORS: Mapping[str, Advice] = {
    "awaiting_approval": Advice(
        _(
            "If Slack reported that your request was sent, an administrator of the "
            "workspace must decide, and Slack does not send you back to us. Slackbot "
            "notifies you of the decision. Then return here and try again; it takes a "
            "minute."
        ),
        "their_admin",
        _(
            "I have requested the app “%(hub)s” for our Slack workspace. Please approve it "
            "in Slack's administration under Apps, Requests. It needs permission to post "
            "messages (chat:write, chat:write.public) and to read the names of public "
            "channels (channels:read)."
        ),
    ),
    "unfinished": Advice(
        _(
            "The window of Slack was closed or is still open, or Slack sent your request "
            "to an administrator and therefore did not send you back. Try again when they "
            "have approved the app."
        ),
        "their_admin",
        _(
            "I have requested the app “%(hub)s” for our Slack workspace. Please approve it "
            "in Slack's administration under Apps, Requests."
        ),
    ),
    "refused_by_admin": Advice(
        _(
            "An administrator of the workspace does not allow our app. Only an "
            "administrator can change that."
        ),
        "their_admin",
        _(
            "The app “%(hub)s” is restricted in our Slack workspace, but we would like to "
            "use it. Please review this in Slack's administration under Apps, Restricted "
            "Apps."
        ),
    ),
    "not_let_in": Advice(
        _(
            "An administrator of the workspace has rejected our app, or Cancel was "
            "pressed: Slack reports both in the same way. If you did not press Cancel, "
            "only an administrator can change this."
        ),
        "their_admin",
        _(
            "Slack does not let me install the app “%(hub)s” in our workspace. Please "
            "check whether it is restricted, and approve it in Slack's administration "
            "under Apps, Restricted Apps. It needs permission to post messages "
            "(chat:write, chat:write.public) and to read the names of public channels "
            "(channels:read)."
        ),
    ),
    "not_approved": Advice(
        _(
            "In this workspace, members can only install apps that an administrator has "
            "approved. Our app has not been approved yet."
        ),
        "their_admin",
        _(
            "Please approve the app “%(hub)s” for our Slack workspace in Slack's "
            "administration under Apps, Requests. It needs permission to post messages "
            "(chat:write, chat:write.public) and to read the names of public channels "
            "(channels:read)."
        ),
    ),
    "not_distributed": Advice(
        _(
            "Our app can only be installed in the workspace in which it was created: "
            "public distribution is not turned on."
        ),
        "us",
        _(
            "Please turn on public distribution for the Slack app: api.slack.com/apps, the "
            "app, Manage Distribution."
        ),
    ),
    "wrong_account": Advice(
        _(
            "You selected a workspace other than the connected one. Slack offers the "
            "workspace in which you are signed in. You can switch in the list at the top "
            "right of its page."
        ),
        "you",
    ),
}

GUIDE = (
    _(
        "Open api.slack.com/apps, select Create New App, From a manifest, select your "
        "workspace, and paste the manifest."
    ),
    _("Or enter the values yourself: OAuth & Permissions, Redirect URLs: %(redirect_uri)s"),
    _("On the same page, Bot Token Scopes: %(permissions)s"),
    _(
        "Leave PKCE off: it would permanently make the app a public client. Token rotation "
        "can be on or off."
    ),
    _(
        "Manage Distribution: turn on public distribution, so that other workspaces can "
        "install the app."
    ),
    _(
        "Basic Information, App Credentials: copy the client ID, the client secret and the "
        "signing secret to this page."
    ),
)


def build_manifest(*, redirect_uri: str, name: str, webhook_url: str = "") -> str:
    """Build the app manifest; with a webhook URL it receives events, commands and interactions.

    https://docs.slack.dev/reference/app-manifest (2026-11).
    """
    features: dict[str, Any] = {
        "bot_user": {"display_name": name[:MAX_NAME_LENGTH], "always_online": True}
    }
    settings: dict[str, Any] = {
        "org_deploy_enabled": False,
        "socket_mode_enabled": False,
        "token_rotation_enabled": False,
    }
    if webhook_url:
        features["slash_commands"] = [SLASH_COMMAND | {"url": webhook_url}]
        events = {"request_url": webhook_url, "bot_events": list(BOT_EVENTS)}
        settings["event_subscriptions"] = events
        settings["interactivity"] = {"is_enabled": True, "request_url": webhook_url}
    document = {
        "display_information": {"name": name[:MAX_NAME_LENGTH]},
        "features": features,
        "oauth_config": {
            "redirect_urls": [redirect_uri],
            "scopes": {"bot": [entry.key for entry in PERMISSIONS]},
        },
        "settings": settings,
    }
    return json.dumps(document, indent=2)
