"""The methods that list the app's conversations, and read the messages of one, or of a thread."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from sandbox.slack.messages import Refused, is_reply
from sandbox.slack.web_api.methods import (
    READS,
    TIER_3,
    Method,
    MethodRequest,
    kind_of,
    paginate,
    parse_boolean,
)

SlackMessage = dict[str, Any]
HISTORY_SCOPES = {
    "public_channel": "channels:history",
    "private_channel": "groups:history",
    "im": "im:history",
}


def users_conversations(request: MethodRequest) -> dict[str, Any]:
    """The conversations that the token's user is in, without direct ones that have no message."""
    types = str(request.arguments.get("types") or "public_channel").replace(" ", "").split(",")
    for kind in types:
        if kind not in READS:
            raise Refused("invalid_types")
        request.needs(READS[kind])
    rooms = [
        room
        for room in (
            *request.rooms.channels(request.team),
            *request.rooms.direct_messages(request.team),
        )
        if kind_of(room) in types and room["is_member"]
        if not room["is_im"] or request.rooms.count(request.team, room)
    ]
    if parse_boolean(request.arguments.get("exclude_archived")):
        rooms = [room for room in rooms if not room["is_archived"]]
    page, following = paginate(rooms, request.arguments, unless_told=100)
    channels = [{name: room[name] for name in room if name != "num_members"} for room in page]
    return {"channels": channels, "response_metadata": {"next_cursor": following}}


def conversations_history(request: MethodRequest) -> dict[str, Any]:
    """The messages of a channel, newest first; replies are in conversations.replies alone."""
    is_within = build_time_filter(request.arguments)
    messages = request.rooms.history(request.team, readable_channel(request))
    threads = replies_by_thread(messages)
    return messages_page(
        request,
        [
            with_thread(one, threads.get(one["ts"], []))
            for one in messages
            if not is_reply(one) and "only_for" not in one and is_within(one)
        ],
    )


def conversations_replies(request: MethodRequest) -> dict[str, Any]:
    """A message and the replies to it, oldest first; `ts` may be that of a reply too."""
    channel, ts = readable_channel(request), request.arguments.get("ts")
    is_within = build_time_filter(request.arguments)
    named = request.rooms.message(channel, ts)
    question = named and request.rooms.message(channel, named.get("thread_ts", ts))
    if question is None:
        raise Refused("thread_not_found")
    messages = request.rooms.history(request.team, channel)
    replies = replies_by_thread(messages).get(question["ts"], [])
    thread = [one | {"parent_user_id": author(question)} for one in replies if is_within(one)]
    return messages_page(request, [with_thread(question, replies), *thread])


def readable_channel(request: MethodRequest) -> dict[str, Any]:
    """The channel; its history needs the scope of its kind."""
    channel = request.channel()
    request.needs(HISTORY_SCOPES[kind_of(channel)])
    return channel


def messages_page(request: MethodRequest, messages: Sequence[SlackMessage]) -> dict[str, Any]:
    """A page; `history_messages` among the limits of a workspace is the most that it has."""
    limited = {**request.arguments}
    if most := request.team.limits.get("history_messages"):
        limited["limit"] = min(int(request.arguments.get("limit") or most), most)
    page, following = paginate(messages, limited, unless_told=100)
    return {
        "messages": page,
        "has_more": bool(following),
        "response_metadata": {"next_cursor": following},
    }


def build_time_filter(arguments: Mapping[str, Any]) -> Callable[[SlackMessage], bool]:
    """Whether a message is behind `oldest` and before `latest`; `inclusive` takes these as well.

    https://docs.slack.dev/reference/methods/conversations.history (2026-11)
    """
    oldest, latest = stamp(arguments, "oldest"), stamp(arguments, "latest")
    is_inclusive = parse_boolean(arguments.get("inclusive"))

    def is_within(message: SlackMessage) -> bool:
        at = Decimal(message["ts"])
        if is_inclusive and at in (oldest, latest):
            return True
        return (oldest is None or at > oldest) and (latest is None or at < latest)

    return is_within


def stamp(arguments: Mapping[str, Any], name: str) -> Decimal | None:
    """Raises Refused unless it is a number of seconds, as text or number."""
    text = arguments.get(name)
    if text in (None, ""):
        return None
    try:
        value = Decimal(str(text))
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite():
        raise Refused(f"invalid_ts_{name}")
    return value


def replies_by_thread(messages: Iterable[SlackMessage]) -> dict[str, list[SlackMessage]]:
    """The replies to each message by its ts, oldest first; `messages` stand newest first."""
    threads: dict[str, list[SlackMessage]] = {}
    for message in messages:
        if is_reply(message) and "only_for" not in message:
            threads.setdefault(message["thread_ts"], []).insert(0, message)
    return threads


def with_thread(message: SlackMessage, replies: Sequence[SlackMessage]) -> SlackMessage:
    """The message with what Slack adds to one that was answered."""
    if not replies:
        return message
    authors = list(dict.fromkeys(author(reply) for reply in replies))
    return message | {
        "thread_ts": message["ts"],
        "reply_count": len(replies),
        "reply_users": authors,
        "reply_users_count": len(authors),
        "latest_reply": replies[-1]["ts"],
        "is_locked": False,
        "subscribed": False,
    }


def author(message: SlackMessage) -> str:
    """The user, or the bot where a message has none."""
    return str(message.get("user") or message.get("bot_id", ""))


CONVERSATION_METHODS = {
    # the scopes depend on the kinds of conversations
    "conversations.history": Method(conversations_history, TIER_3),
    "conversations.replies": Method(conversations_replies, TIER_3),
    "users.conversations": Method(users_conversations, TIER_3),
}
