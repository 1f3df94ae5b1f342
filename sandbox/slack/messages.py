"""chat.postMessage and chat.update: what Slack accepts as a message, and its errors."""

import json
from typing import Any

from sandbox.slack.accounts import Team
from sandbox.slack.block_kit import (
    MOST_MARKDOWN,
    SHOWN,
    check_attachment,
    check_blocks,
    markdown_length,
)

MOST_TEXT, MOST_ATTACHMENTS = 40_000, 100
MOST_UPDATED_TEXT = 4_000  # "cannot exceed 4,000 characters", of chat.update; a post is cut


class Refused(Exception):
    """An error code of Slack, with further fields of the body."""

    def __init__(self, error: str, **more: Any):
        super().__init__(error)
        self.error, self.more = error, more


def content(arguments: dict[str, Any]) -> dict[str, Any]:
    """The message that these arguments make."""
    blocks, attachments = check_blocks_argument(arguments), check_attachments_argument(arguments)
    markdown, text = (str(arguments.get(name) or "") for name in ("markdown_text", "text"))
    if markdown and (text or blocks):
        raise Refused("markdown_text_conflict")
    if markdown and len(markdown) > MOST_MARKDOWN:
        raise Refused("msg_too_long")
    if not (text or markdown or blocks or any(shows(attachment) for attachment in attachments)):
        raise Refused("no_text")
    message: dict[str, Any] = {"text": (text or markdown)[:MOST_TEXT]}
    return (
        message
        | ({"blocks": blocks} if blocks else {})
        | ({"attachments": attachments} if attachments else {})
    )


def check_blocks_argument(arguments: dict[str, Any]) -> list[dict[str, Any]]:
    blocks = parse_list(arguments, "blocks", "invalid_blocks_format")
    if problems := check_blocks(blocks, "/blocks"):
        raise invalid("invalid_blocks", problems)
    if markdown_length(blocks) > MOST_MARKDOWN:
        raise Refused("msg_blocks_too_long")
    return blocks


def check_attachments_argument(arguments: dict[str, Any]) -> list[dict[str, Any]]:
    attachments = parse_list(arguments, "attachments", "invalid_attachments")
    if len(attachments) > MOST_ATTACHMENTS:
        raise Refused("too_many_attachments")
    all_problems = [
        check_attachment(attachment, f"/attachments/{at}")
        for at, attachment in enumerate(attachments)
    ]
    if problems := [sentence for problems in all_problems for sentence in problems]:
        raise invalid("invalid_attachments", problems)
    return attachments


def shows(attachment: dict[str, Any]) -> bool:
    """Whether people would see anything of it."""
    return any(attachment.get(name) for name in SHOWN)


def invalid(error: str, problems: list[str]) -> Refused:
    messages = [f"[ERROR] {problem}" for problem in problems]
    return Refused(error, errors=problems, response_metadata={"messages": messages})


def parse_list(arguments: dict[str, Any], name: str, error: str) -> list[Any]:
    """A list, which a form carries as JSON text."""
    value = arguments.get(name)
    try:
        value = json.loads(value) if isinstance(value, str) and value else value
    except ValueError:
        raise Refused(error) from None
    if value in (None, ""):
        return []
    if not isinstance(value, list):
        raise Refused(error)
    return value


def metadata(arguments: dict[str, Any]) -> dict[str, Any] | None:
    """`event_type` and the object `event_payload`; at an update an empty object takes it away."""
    value = arguments.get("metadata")
    try:
        value = json.loads(value) if isinstance(value, str) else value
    except ValueError:
        raise Refused("invalid_metadata_format") from None
    if value is None or value == {}:
        return value
    if not isinstance(value, dict) or set(value) - {"entities"} != {"event_type", "event_payload"}:
        raise Refused("invalid_metadata_format")
    if not isinstance(value["event_type"], str) or not isinstance(value["event_payload"], dict):
        raise Refused("invalid_metadata_format")
    return value


def message(team: Team, arguments: dict[str, Any], user: str = "") -> dict[str, Any]:
    """The message as it is stored; its author is the person whose token it is, or the app."""
    stored: dict[str, Any] = {
        "type": "message",
        "team": team.team,
        "bot_id": bot_id(team),
        "app_id": team.app_id,
        "bot_profile": bot_profile(team),
    }
    if user:
        stored |= {"user": user}
    else:
        name = str(arguments.get("username") or team.bot_name)
        stored |= {"subtype": "bot_message", "username": name}
    stored |= {"attachments": [], **content(arguments)}
    for name in ("thread_ts", "icon_emoji", "icon_url"):
        if arguments.get(name):
            stored[name] = str(arguments[name])
    described = metadata(arguments)
    return stored | ({"metadata": described} if described else {})


def apply_update(old: dict[str, Any], arguments: dict[str, Any]) -> dict[str, Any]:
    """What chat.update changes: what is not sent stays, but for blocks where text is sent alone."""
    new = content(arguments)
    if len(str(arguments.get("text") or "")) > MOST_UPDATED_TEXT:
        raise Refused("msg_too_long")
    for name in ("blocks", "attachments"):
        emptied = name in arguments and name not in new
        if emptied or (name == "blocks" and arguments.get("text") and name not in new):
            new[name] = []
    if not arguments.get("text") and not arguments.get("markdown_text"):
        new["text"] = old["text"]
    described = metadata(arguments)
    return new | ({} if described is None else {"metadata": described})


def is_reply(message: dict[str, Any]) -> bool:
    return bool(message.get("thread_ts", message["ts"]) != message["ts"])


def bot_id(team: Team) -> str:
    return f"B{team.bot_user[1:]}"


def bot_profile(team: Team) -> dict[str, Any]:
    return {
        "id": bot_id(team),
        "app_id": team.app_id,
        "user_id": team.bot_user,
        "name": team.bot_name,
        "team_id": team.team,
        "deleted": False,
        "updated": 1700000000,
        "icons": {},
    }
