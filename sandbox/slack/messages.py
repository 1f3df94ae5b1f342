"""chat.postMessage and chat.update: what Slack accepts as a message, and its words for what it does not."""

import json
from typing import Any

from sandbox.accounts import Team

MOST_TEXT, MOST_MARKDOWN, MOST_BLOCKS, MOST_ATTACHMENTS = 40_000, 12_000, 50, 100


class Refused(Exception):
    """Slack's error word, and what else the body says."""

    def __init__(self, error: str, **more: Any):
        super().__init__(error)
        self.error, self.more = error, more


def content(arguments: dict[str, Any]) -> dict[str, Any]:
    """The message that these arguments make."""
    blocks, attachments = listed(arguments, "blocks"), listed(arguments, "attachments")
    markdown, text = (str(arguments.get(name) or "") for name in ("markdown_text", "text"))
    if markdown and (text or blocks):
        raise Refused("markdown_text_conflict")
    if markdown and len(markdown) > MOST_MARKDOWN:
        raise Refused("msg_too_long")
    if not (text or markdown or blocks or attachments):
        raise Refused("no_text")
    if len(blocks) > MOST_BLOCKS or not all(isinstance(block, dict) and block.get("type") for block in blocks):
        raise Refused("invalid_blocks")
    if len(attachments) > MOST_ATTACHMENTS:
        raise Refused("too_many_attachments")
    message: dict[str, Any] = {"text": (text or markdown)[:MOST_TEXT]}
    return message | ({"blocks": blocks} if blocks else {}) | ({"attachments": attachments} if attachments else {})


def listed(arguments: dict[str, Any], name: str) -> list[Any]:
    """A list, which a form carries as JSON text."""
    value = arguments.get(name) or []
    try:
        value = json.loads(value) if isinstance(value, str) else value
    except ValueError:
        value = None
    if not isinstance(value, list):
        raise Refused("invalid_blocks_format" if name == "blocks" else "invalid_attachments")
    return value


def metadata(arguments: dict[str, Any]) -> dict[str, Any] | None:
    value = arguments.get("metadata")
    try:
        value = json.loads(value) if isinstance(value, str) else value
    except ValueError:
        value = ""
    if value is not None and not (isinstance(value, dict) and {"event_type", "event_payload"} <= set(value)):
        raise Refused("invalid_metadata_format")
    return value


def message(team: Team, arguments: dict[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {"type": "message", "subtype": "bot_message", "bot_id": bot_id(team), "app_id": team.app_id}
    made |= {"username": str(arguments.get("username") or team.bot_name), "attachments": [], **content(arguments)}
    for name in ("thread_ts", "icon_emoji", "icon_url"):
        if arguments.get(name):
            made[name] = str(arguments[name])
    described = metadata(arguments)
    return made | ({"metadata": described} if described else {})


def bot_id(team: Team) -> str:
    return f"B{team.bot_user[1:]}"
