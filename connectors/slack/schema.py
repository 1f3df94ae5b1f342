"""Check the content of a message by Slack's documented limits before it is sent.

https://docs.slack.dev/reference/methods/chat.postMessage and chat.update, Block Kit (2026-11). The
content of blocks is checked by Slack, whose response names the invalid block.
"""

import re
from collections.abc import Mapping
from typing import Any

MAX_TEXT_LENGTH = 40_000  # characters; Slack cuts silently what is longer
MAX_UPDATED_TEXT_LENGTH = 4_000  # chat.update refuses what is longer: msg_too_long
MAX_MARKDOWN_LENGTH = 12_000
MAX_LIST_LENGTHS = {"blocks": 50, "attachments": 100}
CONTENT_KEYS = ("text", "blocks", "attachments", "markdown_text")
CONVERSATION_PATTERN = re.compile(r"[CDG][A-Z0-9]{2,40}", re.ASCII)  # an id; names are lower case


def find_content_problem(body: Mapping[str, Any], *, max_text_length: int) -> str:
    """Return why Slack would refuse or cut this content, as text; empty if it would not."""
    if not any(body.get(key) for key in CONTENT_KEYS):
        return f"missing: one of {', '.join(CONTENT_KEYS)}"
    if len(str(body.get("text") or "")) > max_text_length:
        return f"text is longer than {max_text_length:,} characters"
    return _find_markdown_problem(body) or _find_list_problem(body)


def _find_markdown_problem(body: Mapping[str, Any]) -> str:
    markdown = body.get("markdown_text")
    if markdown and (body.get("text") or body.get("blocks")):
        return "markdown_text cannot be combined with text or blocks"
    if len(str(markdown or "")) > MAX_MARKDOWN_LENGTH:
        return f"markdown_text is longer than {MAX_MARKDOWN_LENGTH:,} characters"
    return ""


def _find_list_problem(body: Mapping[str, Any]) -> str:
    for key, max_length in MAX_LIST_LENGTHS.items():
        entries = body.get(key) or []
        if not isinstance(entries, list):
            return f"{key} is not a list of objects"
        if not all(isinstance(entry, Mapping) for entry in entries):
            return f"{key} is not a list of objects"
        if len(entries) > max_length:
            return f"{key} contains more than {max_length} items"
    return ""
