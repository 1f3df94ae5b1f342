"""Slack: list the public channels of a workspace, from which a person chooses one."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from connectors.http import KIBIBYTE, Request, Response, Scope, Unreadable
from connectors.i18n import _
from connectors.outcomes import Outcome, raises_unreadable
from connectors.roles import Choices, Page
from connectors.schema import Credential
from connectors.slack.errors import find_rejection

LIST_SCOPE = Scope("method", "conversations.list")
PAGE_SIZE = 999  # "an integer under 1000"
CHANNEL_PATTERN = re.compile(r"[CG][A-Z0-9]{2,40}", re.ASCII)


class Channels(Choices):
    key = "channels"
    label = _("Public channels")
    help = "Channels that are not archived. No parameters."
    identity_kind = "channel"

    page_size = PAGE_SIZE

    def page_request(
        self, credential: Credential, *, at: datetime, cursor: str = "", **query: str
    ) -> Request:
        form = {"types": "public_channel", "exclude_archived": "true", "limit": str(PAGE_SIZE)}
        return Request(
            "POST",
            f"{credential.urls['api']}/conversations.list",
            form=form | ({"cursor": cursor} if cursor else {}),
            bearer=credential.access_token,
            spends=((LIST_SCOPE, 1),),
            response_bytes_max=4 * 1024 * KIBIBYTE,
        )

    @raises_unreadable
    def parse_page(self, response: Response) -> Page | Outcome:
        if rejection := find_rejection(response, LIST_SCOPE):
            return rejection
        answer = response.json()
        if not isinstance(answer["channels"], list):
            raise Unreadable("channels is not a list")
        return Page(
            answer["channels"],
            str((answer.get("response_metadata") or {}).get("next_cursor") or ""),
        )

    def parse_choice(self, record: Mapping[str, Any]) -> tuple[str, str]:
        return str(record["id"]), f"#{record['name']}"

    def find_id_problem(self, id: str) -> str:
        return (
            ""
            if CHANNEL_PATTERN.fullmatch(id)
            else "Enter the channel's ID, not its name. It looks like C0123456789."
        )
