"""What Slack sends us: events, slash commands and interactions, at one URL for all workspaces.

https://docs.slack.dev/apis/events-api, /interactivity/implementing-slash-commands and
/interactivity/handling-user-interaction; signed as /authentication/verifying-requests-from-slack
describes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode

import orjson

from connectors.http import Json, Request, Response, Unreadable
from connectors.i18n import _
from connectors.outcomes import Outcome
from connectors.schema import Credential
from connectors.signatures import SLACK as SLACK_SCHEME
from connectors.slack.feeds import (
    FEEDS,
    MESSAGE_SUBTYPES,
    build_change_key,
    build_message_change,
    identity_request,
    parse_identity,
)
from connectors.slack.webhook_types import EVENT_TYPES
from connectors.webhook_request import WebhookRequest
from connectors.webhook_sources import (
    NO_SETTINGS,
    URL_VERIFICATION,
    AccountChange,
    FailedShare,
    Feed,
    FixedAnswer,
    Item,
    RecordChange,
    StoredRequest,
    WebhookSource,
)

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
RETRY_PERIOD_SECONDS = 361.0  # seconds: three retries, at once, after one and after five minutes
ANSWER_DEADLINE_SECONDS = 3.0  # seconds
# credentials for an answer, and a verification token that Slack no longer wants used
REPLY_KEYS = ("response_url", "trigger_id")
SECRET_KEYS = (
    *REPLY_KEYS,
    "token",
    "response_urls",
    # of workflows
    "bot_access_token",
    "interactivity_pointer",
)
MAX_FORM_FIELDS = 100

# /interactivity/implementing-slash-commands (2026-11): "occasionally" a GET checks our certificate
SSL_CHECK = FixedAnswer(source="query", match=(("ssl_check", "1"),), methods=("GET",))
# /interactivity/handling-user-interaction and, for dialogs, its former page (2026-11)
INTERACTION_TYPES = (
    "block_actions",
    "block_suggestion",
    "interactive_message",
    "shortcut",
    "message_action",
    "view_submission",
    "view_closed",
    "dialog_submission",
    "dialog_cancellation",
    "dialog_suggestion",
)
MESSAGE_KEYS = ("channel", "channel_type", "user", "text", "ts", "thread_ts")
EVENT_NAMES = {
    "app_mention": "mention.created",
    "message": "message.created",
    "app_uninstalled": "app.uninstalled",
    "tokens_revoked": "tokens.revoked",
}

NO_CANARY = _(
    "Whatever the hub could change in Slack would be a message that people see, so it makes none. "
    "Slack proves its URL when an event of any workspace arrives."
)


class SlackWebhooks(WebhookSource):
    url_per = "app"
    scheme = SLACK_SCHEME
    handshakes = (URL_VERIFICATION, SSL_CHECK)
    secret_from = "app_field"
    secret_field = "signing_secret"
    answer_deadline_seconds = ANSWER_DEADLINE_SECONDS
    retry_period_seconds = RETRY_PERIOD_SECONDS
    # /apis/events-api (2026-11): "failing to respond to 95% of delivery attempts within 60 minutes"
    # disables an app's subscriptions, unless it receives less than 1,000 events an hour
    sender_rules = (FailedShare("disabled", share=0.95, warn_share=0.5, warn_least=50),)
    event_types = EVENT_TYPES
    feeds = FEEDS  # commands and interactions are in no history
    no_canary = {event.type.partition(".")[0]: NO_CANARY for event in EVENT_TYPES}
    stored_headers = (
        "content-type",
        "user-agent",
        "x-slack-retry-num",
        "x-slack-retry-reason",
        "x-slack-request-timestamp",
    )

    def message_id(self, request: WebhookRequest, settings: Mapping[str, Any] = NO_SETTINGS) -> str:
        """Return the event's id, the same in all retries; of a form the digest of its body."""
        document = _parse_document(request)
        id = document.get("event_id")
        return id if isinstance(id, str) and id else super().message_id(request)

    def share_key(self, request: WebhookRequest) -> str:
        return ",".join(_list_accounts(_parse_document(request)))

    def split_secrets(self, request: WebhookRequest) -> StoredRequest:
        """Separate response URL and trigger id from the body, stored as JSON without secrets.

        A body that is not an object is stored as empty, as secrets in it would not be found.
        """
        document = _parse_document(request)
        if not document:
            return StoredRequest(b"")
        reply = {key: str(document[key]) for key in REPLY_KEYS if document.get(key)}
        try:
            body = orjson.dumps(_remove_secrets(document))
        except (TypeError, RecursionError):  # nested too deeply
            return StoredRequest(b"", reply)
        stored = urlencode({"payload": body}).encode() if request.is_form() else body
        return StoredRequest(stored, reply)

    def parse_items(
        self, request: WebhookRequest, settings: Mapping[str, Any], *, message_id: str
    ) -> Sequence[Item]:
        document = _parse_document(request)
        if document.get("type") == "event_callback":
            return _read_event(document)
        if document.get("type") == "app_rate_limited":
            return [_read_rate_limit(document, message_id)]
        if "ssl_check" in document:
            return ()
        if document.get("command"):
            return [_read_command(document, message_id)]
        if document.get("type") in INTERACTION_TYPES:
            return [_read_interaction(document, message_id)]
        raise Unreadable("it is neither an event, a command nor an interaction")

    def preparation_request(self, feed: Feed, credential: Credential) -> Request:
        """Build the request that names the app's user, by whom messages mention it."""
        return identity_request(credential)

    def parse_preparation(self, feed: Feed, response: Response) -> Mapping[str, str] | Outcome:
        return parse_identity(response)

    def record_changes(
        self, collection: str, record: Mapping[str, Any], *, account: str
    ) -> Sequence[RecordChange]:
        return [build_message_change(record, account)]


def _parse_document(request: WebhookRequest) -> dict[str, Any]:
    """Return the JSON of an event or interaction, or the form of a command; empty if unreadable.

    Slack's values are texts and short integers, so no number can be rounded.
    """
    try:
        if not request.is_form():
            return _as_object(orjson.loads(request.body))
        fields = dict(parse_qsl(request.body.decode(), max_num_fields=MAX_FORM_FIELDS))
        return _as_object(orjson.loads(fields["payload"])) if "payload" in fields else fields
    except (ValueError, RecursionError):
        return {}


def _remove_secrets(value: Any) -> Any:
    """Return a JSON value without the keys in SECRET_KEYS, at any depth. Raises RecursionError."""
    if isinstance(value, dict):
        return {key: _remove_secrets(x) for key, x in value.items() if key not in SECRET_KEYS}
    return [_remove_secrets(x) for x in value] if isinstance(value, list) else value


def _as_object(value: Json) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list_accounts(document: Mapping[str, Any]) -> list[str]:
    """Return the accounts of the installations for which a request was sent.

    An event names them in `authorizations`, usually one of several. In a channel that is shared
    between organisations, `team_id` is the workspace of its origin, which may be another tenant's;
    `context_team_id` is the one through which the app receives the event
    (https://docs.slack.dev/apis/events-api, 2026-11; slackapi/bolt-js issue 687).
    """
    accounts = [_find_account(entry) for entry in _list_authorizations(document)]
    is_shared = bool(document.get("is_ext_shared_channel"))
    context = (document.get("context_enterprise_id"), document.get("context_team_id"))
    if (is_shared or not accounts) and context[0] not in accounts:
        accounts.append(_find_account({"team_id": context[1]}))
    named = list(dict.fromkeys(filter(None, accounts)))
    return named or ([] if is_shared else list(filter(None, [_find_account(document)])))


def _list_authorizations(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    entries = document.get("authorizations")
    return [_as_object(entry) for entry in entries] if isinstance(entries, list) else []


def _find_account(source: Mapping[str, Any]) -> str:
    """Return the organisation of an installation for all its workspaces, otherwise the workspace.

    The notice of an organisation may name no workspace.
    """
    is_enterprise = source.get("is_enterprise_install") in (True, "true")
    enterprise = source.get("enterprise_id") or _as_object(source.get("enterprise")).get("id")
    team = source.get("team_id") or _as_object(source.get("team")).get("id")
    account = enterprise if is_enterprise else team or enterprise
    return account if isinstance(account, str) else ""


def _read_event(document: Mapping[str, Any]) -> Sequence[Item]:
    """Parse the event of an envelope, once for each account; returns no item unless it is a new
    message, a mention or the end of an installation.
    """
    event = _as_object(document["event"])
    type = EVENT_NAMES.get(str(event.get("type")), "")
    is_change_of_message = event.get("subtype") not in (*MESSAGE_SUBTYPES, "bot_message")
    if not type or (type == "message.created" and is_change_of_message):
        return ()
    item = Item(
        id=str(document["event_id"]),
        type=type,
        data=_select_texts(event, MESSAGE_KEYS),
        occurred_at=EPOCH + timedelta(seconds=float(document["event_time"])),
        author=str(event.get("user") or ""),
        is_own=_is_own(document, event),
        account_change=_find_account_change(event),
        change_key=build_change_key(type.partition(".")[0], event),
    )
    return [replace(item, account=account) for account in _list_accounts(document)] or [item]


def _is_own(document: Mapping[str, Any], event: Mapping[str, Any]) -> bool:
    """Return whether our app or its bot user caused the event; other apps have a `bot_id`, too."""
    app, bot_profile = document.get("api_app_id"), _as_object(event.get("bot_profile"))
    bots = [
        entry.get("user_id")
        for entry in _list_authorizations(document)
        if entry.get("is_bot") is True
    ]
    is_by_app = bool(app) and app in (event.get("app_id"), bot_profile.get("app_id"))
    return is_by_app or (bool(event.get("user")) and event.get("user") in bots)


def _read_rate_limit(document: Mapping[str, Any], message_id: str) -> Item:
    """Parse the notice that Slack dropped a minute's events: a workspace had 30,000 in an hour."""
    minute = EPOCH + timedelta(seconds=int(document["minute_rate_limited"]))
    return Item(
        id=message_id,
        type="app.rate_limited",
        data={"minute": minute.isoformat()},
        account=str(document["team_id"]),
        occurred_at=minute,
    )


def _find_account_change(event: Mapping[str, Any]) -> AccountChange:
    """Return what the event changes of the installation; revoked tokens of single users: none."""
    if event["type"] == "app_uninstalled":
        return "uninstalled"
    if event["type"] == "tokens_revoked" and _as_object(event.get("tokens")).get("bot"):
        return "tokens_revoked"
    return ""


def _read_command(document: Mapping[str, Any], message_id: str) -> Item:
    return Item(
        id=message_id,
        type="command.created",
        data={
            "command": str(document["command"]),
            "text": str(document.get("text", "")),
            "channel": str(document.get("channel_id", "")),
            "user": str(document.get("user_id", "")),
        },
        account=_find_account(document),
        author=str(document.get("user_id", "")),
    )


def _read_interaction(document: Mapping[str, Any], message_id: str) -> Item:
    """Parse an interaction. In a shared channel `team` is the person's workspace, while a dialog
    names the one that installed the app (slackapi/bolt-python, `extract_team_id`).
    """
    view = _as_object(document.get("view"))
    installed = view.get("app_installed_team_id")
    user = str(_as_object(document.get("user")).get("id", ""))
    actions = document.get("actions")
    return Item(
        id=message_id,
        type="interaction.created",
        data={
            "kind": str(document["type"]),
            "callback": str(document.get("callback_id") or ""),
            "channel": str(_as_object(document.get("channel")).get("id", "")),
            "user": user,
            "actions": actions if isinstance(actions, list) else [],
            "view": view,
        },
        account=installed if isinstance(installed, str) else _find_account(document),
        author=user,
    )


def _select_texts(source: Mapping[str, Any], keys: Sequence[str]) -> dict[str, str]:
    """Return these keys of an object as texts; "" for a missing one."""
    return {key: str(source.get(key) or "") for key in keys}
