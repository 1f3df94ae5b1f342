"""Messages to the app that no event told of, read from the history of its conversations.

https://docs.slack.dev/reference/methods/users.conversations, conversations.history and
conversations.replies (2026-11). For apps outside the Marketplace, history and replies are limited
to one call a minute and 15 messages since 29 May 2025
(https://docs.slack.dev/changelog/2025/05/29/rate-limit-changes-for-non-marketplace-apps).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.http import KIBIBYTE, Request, Response, Scope, Unreadable, dump_json
from connectors.i18n import _
from connectors.outcomes import READ_ERRORS, Outcome, raises_unreadable
from connectors.roles import Collection, Page
from connectors.schema import Credential
from connectors.slack.errors import find_rejection
from connectors.webhook_sources import Feed, RecordChange

AUTH_TEST = Scope("method", "auth.test")
CONVERSATIONS = Scope("method", "users.conversations")
HISTORY, REPLIES = (
    Scope("method", "conversations.history"),
    Scope("method", "conversations.replies"),
)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
PAGE_SIZE, CONVERSATIONS_PAGE_SIZE = 15, 200
PAGES_MAX = 60  # of one read: an hour, at one call a minute
# a thread that began before is not found, as only the history names its newest reply
THREAD_AGE_MAX = timedelta(days=7)
THREAD_GONE = "thread_not_found"
BROADCAST = "thread_broadcast"  # the subtype of a reply that the history has, too
# of what people write; all others tell of changes
# (https://docs.slack.dev/reference/events/message, 2026-11)
MESSAGE_SUBTYPES = (None, BROADCAST, "file_share", "me_message")
DIRECT = "im"  # a type of conversation
EVENT_TYPES_BY_OBJECT = {"mention": "app_mention", "message": "message"}
FEEDS = tuple(
    Feed(
        object,
        "messages",
        {"object": object, "types": types},
        is_prepared=True,
        has_end=True,
        permissions=permissions,
        pages_max=PAGES_MAX,
    )
    for object, types, permissions in (
        (
            "mention",
            "public_channel,private_channel",
            ("channels:history", "groups:history", "groups:read"),
        ),
        ("message", DIRECT, ("im:history", "im:read")),
    )
)


@dataclass(frozen=True, slots=True)
class ReadState:
    """Where a read is: in the list of conversations, or in the first of those that are left.

    There it reads the history, then the first of the threads that are left. `page` is Slack's
    cursor of the next page.
    """

    conversations: Sequence[str] = ()
    threads: Sequence[str] = ()
    page: str = ""
    is_listed: bool = False
    is_history_read: bool = False

    @classmethod
    def parse(cls, cursor: str) -> "ReadState":
        """Parse a cursor; the start for an empty one. Raises ValueError."""
        try:
            return cls(*json.loads(cursor)) if cursor else cls()
        except TypeError as error:
            raise ValueError("the cursor is not a position among messages") from error

    def to_cursor(self) -> str:
        """Return the cursor of the next page; "" if nothing is left."""
        has_ended = self.is_listed and not self.conversations
        return "" if has_ended else json.dumps(astuple(self))

    def after_conversations(self, ids: Sequence[str], page: str) -> "ReadState":
        conversations = [*self.conversations, *ids]
        return replace(self, conversations=conversations, page=page, is_listed=not page)

    def after_history(self, threads: Sequence[str], page: str) -> "ReadState":
        threads = [*self.threads, *threads]
        if page:
            return replace(self, threads=threads, page=page)
        return replace(self, threads=threads, page="", is_history_read=True)._skip_finished()

    def after_replies(self, page: str) -> "ReadState":
        threads = self.threads if page else self.threads[1:]
        return replace(self, threads=threads, page=page)._skip_finished()

    def without_place(self) -> "ReadState":
        """Return the state after a thread, or conversation, that cannot be read."""
        return self.after_replies("") if self.is_history_read else self.after_history((), "")

    def _skip_finished(self) -> "ReadState":
        if self.threads:
            return self
        return ReadState(self.conversations[1:], is_listed=True)


class Messages(Collection):
    """The messages of conversations that mention the app, or were sent to it directly.

    Parameters: `object` of the events, `types` of conversations, and the app's `bot` and `bot_id`.
    """

    key = "messages"
    label = _("Messages to the app")
    page_size = PAGE_SIZE
    reads_changes = True
    empty_pages_max = PAGES_MAX

    def page_request(
        self, credential: Credential, *, at: datetime, cursor: str = "", **query: str
    ) -> Request:
        """Build the request for a page. Raises ValueError for an invalid cursor or time."""
        state, since = ReadState.parse(cursor), datetime.fromisoformat(query["since"])
        window = {
            "latest": _format_slack_time(datetime.fromisoformat(query["until"])),
            "inclusive": "1",
        }
        if not state.is_listed:
            size = str(CONVERSATIONS_PAGE_SIZE)
            form = {"types": query["types"], "exclude_archived": "true", "limit": size}
        elif not state.is_history_read:
            oldest = _format_slack_time(since - THREAD_AGE_MAX)
            form = window | {"channel": state.conversations[0], "oldest": oldest}
        else:
            place = {"channel": state.conversations[0], "ts": state.threads[0]}
            form = window | place | {"oldest": _format_slack_time(since)}
        scope = _find_scope(state)
        return Request(
            "POST",
            f"{credential.urls['api']}/{scope.name}",
            form={"limit": str(PAGE_SIZE), **form} | ({"cursor": state.page} if state.page else {}),
            bearer=credential.access_token,
            spends=((scope, 1),),
            response_bytes_max=4 * 1024 * KIBIBYTE,
        )

    @raises_unreadable
    def parse_page_at(
        self, response: Response, *, cursor: str, query: Mapping[str, str]
    ) -> Page | Outcome:
        """Parse conversations, a history or replies: the messages to the app in them."""
        state = ReadState.parse(cursor)
        if rejection := find_rejection(response, _find_scope(state)):
            if rejection.reason == THREAD_GONE:
                return Page((), state.without_place().to_cursor())
            return rejection
        answer = response.json()
        page = str((answer.get("response_metadata") or {}).get("next_cursor") or "")
        if not state.is_listed:
            ids = [str(entry["id"]) for entry in answer["channels"]]
            return Page((), state.after_conversations(ids, page).to_cursor())
        messages = answer["messages"]
        if state.is_history_read:
            after = state.after_replies(page)
            messages = [entry for entry in messages if not _is_in_history(entry, state)]
        else:
            since = datetime.fromisoformat(query["since"])
            threads = [str(entry["ts"]) for entry in messages if _is_answered(entry, since)]
            after = state.after_history(threads, page)
        place = {"channel": state.conversations[0], "object": query["object"]}
        if query["types"] == DIRECT:
            place["channel_type"] = DIRECT
        records = [entry | place for entry in messages if _is_to_app(entry, query)]
        return Page(records, after.to_cursor())

    def record_id(self, record: Mapping[str, Any]) -> str:
        return f"{record['channel']}:{record['ts']}"


def identity_request(credential: Credential) -> Request:
    url = f"{credential.urls['api']}/auth.test"
    return Request("POST", url, form={}, bearer=credential.access_token, spends=((AUTH_TEST, 1),))


@raises_unreadable
def parse_identity(response: Response) -> Mapping[str, str] | Outcome:
    """Return the app's own user and bot. Raises Unreadable."""
    if rejection := find_rejection(response, AUTH_TEST):
        return rejection
    answer = response.json()
    return {"bot": str(answer["user_id"]), "bot_id": str(answer.get("bot_id") or "")}


def build_change_key(object: str, event: Mapping[str, Any]) -> str:
    """Return the key of a message, by its channel and time; "" for any other event."""
    channel, ts = event.get("channel"), event.get("ts")
    is_message = object in EVENT_TYPES_BY_OBJECT and bool(channel) and bool(ts)
    return f"{object}:{channel}:{ts}" if is_message else ""


def build_message_change(message: Mapping[str, Any], account: str) -> RecordChange:
    """Return the event of a message that was read. Raises one of READ_ERRORS."""
    object, at = str(message["object"]), _parse_time(message["ts"])
    key = build_change_key(object, message)
    is_enterprise = account.startswith("E")
    authorization = {
        "enterprise_id" if is_enterprise else "team_id": account,
        "is_enterprise_install": is_enterprise,
    }
    document = {
        "type": "event_callback",
        "event_id": f"read:{key}",
        "event_time": int(at.timestamp()),
        "authorizations": [authorization],
        "event": {**message, "type": EVENT_TYPES_BY_OBJECT[object]},
    }
    record = f"{message['channel']}:{message['ts']}"
    body = dump_json(document)
    return RecordChange(f"read:{key}", f"{object}.created", record, at, body, change_key=key)


def _find_scope(state: ReadState) -> Scope:
    if not state.is_listed:
        return CONVERSATIONS
    return REPLIES if state.is_history_read else HISTORY


def _is_in_history(message: Mapping[str, Any], state: ReadState) -> bool:
    """Return whether a message of a thread was read with the history: its first one, for example.

    The pages would be taken for one that is repeated.
    """
    return message["ts"] == state.threads[0] or message.get("subtype") == BROADCAST


def _is_answered(message: Mapping[str, Any], since: datetime) -> bool:
    """Return whether a message has a reply since then."""
    latest = message.get("latest_reply")
    return bool(latest) and _parse_time(latest) >= since


def _is_to_app(message: Mapping[str, Any], query: Mapping[str, str]) -> bool:
    """Return whether Slack sends an event of a message of a person: of each direct one, or of one
    that mentions the app.
    """
    user, bot = message.get("user"), query["bot"]
    is_own = user == bot or (bool(query["bot_id"]) and message.get("bot_id") == query["bot_id"])
    if not user or is_own or message.get("subtype") not in MESSAGE_SUBTYPES:
        return False
    text = str(message.get("text") or "")
    return query["types"] == DIRECT or f"<@{bot}>" in text or f"<@{bot}|" in text


def _parse_time(ts: Any) -> datetime:
    """Parse seconds since 1970 with microseconds. Raises one of READ_ERRORS."""
    try:
        return EPOCH + timedelta(seconds=float(ts))
    except READ_ERRORS as error:
        raise Unreadable("a message has no time") from error


def _format_slack_time(at: datetime) -> str:
    return f"{at.timestamp():.6f}"
