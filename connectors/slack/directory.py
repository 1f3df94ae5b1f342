"""Slack: the members of a workspace.

https://docs.slack.dev/reference/methods/users.list (2026-11): "no more than 200 results at a time"
are recommended. `profile.email` needs the scope users:read.email, and is absent without it.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from connectors.directories import Directory, PeoplePage, Person
from connectors.http import KIBIBYTE, Request, Response, Scope, Unreadable
from connectors.outcomes import Outcome, raises_unreadable
from connectors.schema import Credential
from connectors.slack.errors import find_rejection

USERS_LIST = Scope("method", "users.list")
PAGE_SIZE = 200
SLACKBOT = "USLACKBOT"  # its `is_bot` is false


class SlackDirectory(Directory):
    permissions = ("users:read", "users:read.email")

    def page_request(
        self, credential: Credential, *, at: datetime, cursor: str = "", tenant: str = ""
    ) -> Request:
        form = {"limit": str(PAGE_SIZE)}
        return Request(
            "POST",
            f"{credential.urls['api']}/users.list",
            form=form | ({"cursor": cursor} if cursor else {}),
            bearer=credential.access_token,
            spends=((USERS_LIST, 1),),
            response_bytes_max=4 * 1024 * KIBIBYTE,
        )

    @raises_unreadable
    def parse_people(self, response: Response, *, tenant: str = "") -> PeoplePage | Outcome:
        if rejection := find_rejection(response, USERS_LIST):
            return rejection
        answer = response.json()
        if not isinstance(answer["members"], list):
            raise Unreadable("members is not a list")
        cursor = str((answer.get("response_metadata") or {}).get("next_cursor") or "")
        return PeoplePage([parse_member(member) for member in answer["members"]], cursor)


def parse_member(member: Mapping[str, Any]) -> Person:
    profile = member.get("profile") or {}
    name = str(profile.get("real_name") or member.get("real_name") or "")
    return Person(
        id=str(member["id"]),
        name=name,
        email=str(profile.get("email") or ""),
        login=str(member.get("name") or ""),
        other_names=tuple(
            text for text in (str(profile.get("display_name") or ""),) if text and text != name
        ),
        is_active=member.get("deleted") is not True,
        is_bot=member.get("is_bot") is True or member["id"] == SLACKBOT,
    )
