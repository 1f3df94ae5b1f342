"""Slack: the public channels of a workspace, for a person to choose one."""

import re
from collections.abc import Mapping
from typing import Any

from connectors.base import Choices, Page
from connectors.outcomes import Outcome, or_unreadable
from connectors.parts import Credential
from connectors.slack.words import refusal
from connectors.wire import KIBIBYTE, Request, Response, Scope, Unreadable

LIST = Scope("method", "conversations.list")
AT_ONCE = 999  # "an integer under 1000"
CHANNEL = re.compile(r"[CG][A-Z0-9]{2,40}", re.ASCII)


class Channels(Choices):
    key = "channels"
    label = "Public channels"
    help = "Those that are not archived. No parameters."
    identity = "channel"

    def page(self, credential: Credential, *, cursor: str = "", **query: str) -> Request:
        asked = {"types": "public_channel", "exclude_archived": "true", "limit": str(AT_ONCE)}
        return Request(
            "POST",
            f"{credential.urls['api']}/conversations.list",
            form=asked | ({"cursor": cursor} if cursor else {}),
            bearer=credential.access,
            spends=((LIST, 1),),
            keep=4 * 1024 * KIBIBYTE,
        )

    @or_unreadable
    def records(self, response: Response) -> Page | Outcome:
        if wrong := refusal(response, LIST):
            return wrong
        answer = response.json()
        if not isinstance(answer["channels"], list):
            raise Unreadable("channels is not a list")
        return Page(answer["channels"], str((answer.get("response_metadata") or {}).get("next_cursor") or ""))

    def choice(self, record: Mapping[str, Any]) -> tuple[str, str]:
        return str(record["id"]), f"#{record['name']}"

    def check(self, id: str) -> str:
        return "" if CHANNEL.fullmatch(id) else "A channel's id is not its name: it looks like C0123456789."
