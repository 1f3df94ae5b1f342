"""The methods of the Web API: what each needs, how often it may be called, and what it does."""

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sandbox.slack.accounts import Team
from sandbox.slack.file_book import FileBook
from sandbox.slack.messages import Refused, apply_update, bot_id, message
from sandbox.slack.rooms import Rooms

TIER_1, TIER_2, TIER_3, TIER_4, SPECIAL = (
    1,
    20,
    50,
    100,
    600,
)  # calls per minute, per method and workspace
POSTS = 300  # chat.postMessage: "several hundred per minute per workspace"
MOST_OF_A_PAGE = 1000
READS = {  # what the list of each kind of conversation needs
    "public_channel": "channels:read",
    "private_channel": "groups:read",
    "im": "im:read",
    "mpim": "mpim:read",
}
CUSTOMIZED = ("username", "icon_emoji", "icon_url")


@dataclass(frozen=True)
class MethodRequest:
    """A method call with its token's team; `pace(channel)` counts a message for that channel or
    raises.
    """

    team: Team
    arguments: dict[str, Any]
    rooms: Rooms
    at: float
    pace: Callable[[str], None]
    files: FileBook
    base: str  # how the caller reached us: scheme and host
    user: str = ""  # whose token it is; empty: the bot's

    def needs(self, scope: str) -> None:
        if scope not in self.team.scopes.split(","):
            raise Refused("missing_scope", needed=scope, provided=self.team.scopes)

    def channel(self, *, by_name: bool = False) -> dict[str, Any]:
        """By its id; chat.postMessage alone takes a name too."""
        types = self.arguments.get("channel")
        if types in (None, ""):
            messages = ["[ERROR] missing required field: channel"]
            raise Refused("invalid_arguments", response_metadata={"messages": messages})
        channel = self.rooms.channel(self.team, types, by_name=by_name)
        if channel is None or not is_visible(channel):
            raise Refused("channel_not_found")
        return channel

    def writable(self, *, by_name: bool = False) -> dict[str, Any]:
        """A person may write in each public channel; the app where it is, or by a scope of its
        own.
        """
        channel = self.channel(by_name=by_name)
        if channel["is_archived"]:
            raise Refused("is_archived")
        everywhere = self.user or "chat:write.public" in self.team.scopes.split(",")
        if not channel["is_member"] and not everywhere:
            raise Refused("not_in_channel")
        return channel


def auth_test(request: MethodRequest) -> dict[str, Any]:
    team = request.team
    return {
        "url": f"https://{team.domain or team.team.lower()}.slack.com/",
        "team": team.title,
        "team_id": team.team,
        **build_identity(request),
        "is_enterprise_install": False,
        **({"expires_in": team.expires_in} if team.rotates else {}),
    }


def build_identity(request: MethodRequest) -> dict[str, str]:
    team = request.team
    if not request.user:
        return {"user": team.bot_name.lower(), "user_id": team.bot_user, "bot_id": bot_id(team)}
    names = {user["id"]: user["name"] for user in request.rooms.users(team)}
    return {"user": names.get(request.user, ""), "user_id": request.user}


def post_message(request: MethodRequest) -> dict[str, Any]:
    if any(request.arguments.get(name) for name in CUSTOMIZED):
        request.needs("chat:write.customize")
    channel = request.writable(by_name=True)
    new_message = message(request.team, request.arguments, request.user)
    request.pace(channel["id"])
    posted = request.rooms.post(request.team, channel, new_message, request.at)
    return {"channel": channel["id"], "ts": posted["ts"], "message": posted}


def update(request: MethodRequest) -> dict[str, Any]:
    """A person's token changes that person's messages, the bot's token the bot's; no others."""
    channel, ts = request.writable(), request.arguments.get("ts")
    old = request.rooms.message(channel, ts)
    if old is None:
        raise Refused("message_not_found")
    if old.get("user", "") != request.user:
        raise Refused("cant_update_message")
    new = apply_update(old, request.arguments)
    author = request.user or request.team.bot_user
    request.rooms.change(
        channel, old["ts"], **new, edited={"user": author, "ts": f"{request.at:.6f}"}
    )
    return {"channel": channel["id"], "ts": old["ts"], "text": new["text"], "message": old | new}


def conversations_list(request: MethodRequest) -> dict[str, Any]:
    types = str(request.arguments.get("types") or "public_channel").replace(" ", "").split(",")
    for kind in types:
        if kind not in READS:
            raise Refused("invalid_types")
        request.needs(READS[kind])
    rooms = request.rooms.channels(request.team)
    if "im" in types:
        rooms = [*rooms, *request.rooms.direct_messages(request.team)]
    page, following = paginate(rooms, request.arguments, unless_told=100)
    window = [channel for channel in page if kind_of(channel) in types and is_visible(channel)]
    if parse_boolean(
        request.arguments.get("exclude_archived")
    ):  # taken out after paging, as Slack does: pages may run short
        window = [channel for channel in window if not channel["is_archived"]]
    return {"channels": window, "response_metadata": {"next_cursor": following}}


def conversations_info(request: MethodRequest) -> dict[str, Any]:
    return {"channel": request.channel()}


def conversations_join(request: MethodRequest) -> dict[str, Any]:
    channel = request.channel()
    if channel["is_archived"]:
        raise Refused("is_archived")
    if channel["is_member"]:
        word = "already_in_channel"
        return {"channel": channel, "warning": word, "response_metadata": {"warnings": [word]}}
    request.rooms.join(request.team, channel)
    return {"channel": channel | {"is_member": True}}


def users_list(request: MethodRequest) -> dict[str, Any]:
    page, following = paginate(
        request.rooms.users(request.team), request.arguments, unless_told=MOST_OF_A_PAGE
    )
    members = [build_shown_user(request.team, user) for user in page]
    return {
        "members": members,
        "cache_ts": int(request.at),
        "response_metadata": {"next_cursor": following},
    }


def users_info(request: MethodRequest) -> dict[str, Any]:
    for user in request.rooms.users(request.team):
        if user["id"] == request.arguments.get("user"):
            return {"user": build_shown_user(request.team, user)}
    raise Refused("user_not_found")


def users_lookup_by_email(request: MethodRequest) -> dict[str, Any]:
    types = str(request.arguments.get("email") or "").lower()
    for user in request.rooms.users(request.team):
        if types and user["profile"].get("email", "").lower() == types:
            return {"user": user}
    raise Refused("users_not_found")


def team_info(request: MethodRequest) -> dict[str, Any]:
    team = request.team
    return {
        "team": {"id": team.team, "name": team.title, "domain": team.domain or team.team.lower()}
    }


@dataclass(frozen=True)
class Method:
    does: Callable[[MethodRequest], dict[str, Any]]
    per_minute: int
    scope: str = ""


METHODS = {
    "auth.test": Method(auth_test, SPECIAL),
    "chat.postMessage": Method(post_message, POSTS, "chat:write"),
    "chat.update": Method(update, TIER_3, "chat:write"),
    "conversations.info": Method(conversations_info, TIER_3, "channels:read"),
    "conversations.join": Method(conversations_join, TIER_3, "channels:join"),
    "conversations.list": Method(conversations_list, TIER_2),  # the scope depends on the types
    "team.info": Method(team_info, TIER_3, "team:read"),
    "users.info": Method(users_info, TIER_4, "users:read"),
    "users.list": Method(users_list, TIER_2, "users:read"),
    "users.lookupByEmail": Method(users_lookup_by_email, TIER_3, "users:read.email"),
}


def paginate(
    items: Sequence[dict[str, Any]], arguments: dict[str, Any], *, unless_told: int
) -> tuple[Sequence[dict[str, Any]], str]:
    """A page, and the cursor of the next (empty at the end)."""
    try:
        limit = int(arguments.get("limit") or unless_told)
    except (TypeError, ValueError, OverflowError):
        raise Refused("invalid_limit") from None
    if not 0 < limit <= MOST_OF_A_PAGE:
        raise Refused("invalid_limit")
    start = position(str(arguments.get("cursor") or ""))
    end = start + limit
    return items[start:end], cursor(end) if end < len(items) else ""


def cursor(position: int) -> str:
    return base64.b64encode(f"next:{position:05d}".encode()).decode()


def position(cursor: str) -> int:
    if not cursor:
        return 0
    try:
        word, number = base64.b64decode(cursor, validate=True).decode().split(":")
        if word != "next":
            raise ValueError(word)
        return int(number)
    except ValueError:
        raise Refused("invalid_cursor") from None


def kind_of(channel: dict[str, Any]) -> str:
    if channel["is_im"]:
        return "im"
    return "private_channel" if channel["is_private"] else "public_channel"


def is_visible(channel: dict[str, Any]) -> bool:
    return channel["is_member"] or not channel["is_private"]


def build_shown_user(team: Team, user: dict[str, Any]) -> dict[str, Any]:
    """A user as this token may see them: the email has a scope of its own."""
    if "users:read.email" in team.scopes.split(","):
        return user
    return user | {
        "profile": {name: value for name, value in user["profile"].items() if name != "email"}
    }


def parse_boolean(value: Any) -> bool:
    return value in (True, "true", "1", 1)
