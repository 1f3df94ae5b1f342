"""What Slack sends us: events, slash commands and interactions, at one URL for all workspaces.

https://docs.slack.dev/apis/events-api, /interactivity/implementing-slash-commands and
/interactivity/handling-user-interaction; signed as /authentication/verifying-requests-from-slack
describes.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode

import orjson

from connectors.http import Json, Unreadable
from connectors.signatures import SLACK as SLACK_SCHEME
from connectors.slack.webhook_types import EVENT_TYPES
from connectors.webhook_request import WebhookRequest
from connectors.webhook_sources import (
    NO_SETTINGS,
    URL_VERIFICATION,
    AccountChange,
    Item,
    StoredRequest,
    WebhookSource,
)

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
RETRY_PERIOD_SECONDS = 361.0  # seconds: three retries, at once, after one and after five minutes
ANSWER_DEADLINE_SECONDS = 3.0  # seconds
# credentials for an answer, and a verification token that Slack no longer wants used
REPLY_KEYS = ("response_url", "trigger_id")
SECRET_KEYS = (
    *(*REPLY_KEYS, "token", "response_urls"),
    *("bot_access_token", "interactivity_pointer"),  # of workflows
)
MAX_FORM_FIELDS = 100

MESSAGE_KEYS = ("channel", "channel_type", "user", "text", "ts", "thread_ts")
EVENT_NAMES = {
    "app_mention": "mention.created",
    "message": "message.created",
    "app_uninstalled": "app.uninstalled",
    "tokens_revoked": "tokens.revoked",
}


class SlackWebhooks(WebhookSource):
    url_per = "app"
    scheme = SLACK_SCHEME
    handshakes = (URL_VERIFICATION,)
    secret_from = "app_field"
    secret_field = "signing_secret"
    answer_deadline_seconds = ANSWER_DEADLINE_SECONDS
    retry_period_seconds = RETRY_PERIOD_SECONDS
    event_types = EVENT_TYPES
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
        return _find_account(_parse_document(request))

    def split_secrets(self, request: WebhookRequest) -> StoredRequest:
        """Separate response URL and trigger id from the body, which is stored as JSON without
        secrets.

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
        if document.get("type"):
            return [_read_interaction(document, message_id)]
        raise Unreadable("it is neither an event, a command nor an interaction")


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


def _find_account(document: Mapping[str, Any]) -> str:
    """Return the organisation of an installation for all its workspaces, otherwise the workspace.

    An event states in `authorizations` for which installation it was sent.
    """
    authorizations = document.get("authorizations")
    installations = authorizations if isinstance(authorizations, list) else []
    source = _as_object(installations[0]) if installations else document
    is_enterprise = source.get("is_enterprise_install") in (True, "true")
    enterprise = source.get("enterprise_id") or _as_object(document.get("enterprise")).get("id")
    team = source.get("team_id") or _as_object(document.get("team")).get("id")
    account = enterprise if is_enterprise else team
    return account if isinstance(account, str) else ""


def _read_event(document: Mapping[str, Any]) -> Sequence[Item]:
    """Parse the event of an envelope; returns no item unless it is a new message, a mention or the
    end of an installation.
    """
    event = _as_object(document["event"])
    type = EVENT_NAMES.get(str(event.get("type")), "")
    is_change_of_message = event.get("subtype") not in (None, "bot_message", "thread_broadcast")
    if not type or (type == "message.created" and is_change_of_message):
        return ()
    item = Item(
        id=str(document["event_id"]),
        type=type,
        data=_select_texts(event, MESSAGE_KEYS),
        account=_find_account(document),
        occurred_at=EPOCH + timedelta(seconds=float(document["event_time"])),
        author=str(event.get("user") or ""),
        is_own=bool(event.get("bot_id")),
        account_change=_find_account_change(event),
    )
    return [item]


def _read_rate_limit(document: Mapping[str, Any], message_id: str) -> Item:
    """Parse the notice that Slack dropped events of a minute, as a workspace had more than 30,000
    in an hour.
    """
    minute = EPOCH + timedelta(seconds=int(document["minute_rate_limited"]))
    return Item(
        id=message_id,
        type="app.rate_limited",
        data={"minute": minute.isoformat()},
        account=str(document["team_id"]),
        occurred_at=minute,
    )


def _find_account_change(event: Mapping[str, Any]) -> AccountChange:
    """Return what the event changes about the installation; revoked tokens of single users change
    nothing.
    """
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
            "view": _as_object(document.get("view")),
        },
        account=_find_account(document),
        author=user,
    )


def _select_texts(source: Mapping[str, Any], keys: Sequence[str]) -> dict[str, str]:
    """Return these keys of an object as texts; "" for a missing one."""
    return {key: str(source.get(key) or "") for key in keys}
