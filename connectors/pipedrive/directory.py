"""Pipedrive: the users of a company, all in one answer.

https://developers.pipedrive.com/docs/api/v1/Users#getUsers (2026-11): users are only in the API v1,
and are not paged. A user's login is the e-mail address.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from connectors.directories import Directory, PeoplePage, Person
from connectors.http import KIBIBYTE, Request, Response, Unreadable
from connectors.outcomes import Outcome, raises_unreadable
from connectors.pipedrive.actions import base_url, build_token_costs
from connectors.pipedrive.errors import find_rejection
from connectors.schema import Credential

LIST_COST_TOKENS = 20  # of the daily budget, for a list of v1


class PipedriveDirectory(Directory):
    permissions = ("users:read",)

    def page_request(
        self, credential: Credential, *, at: datetime, cursor: str = "", tenant: str = ""
    ) -> Request:
        return Request(
            "GET",
            f"{base_url(credential)}/api/v1/users",
            bearer=credential.access_token,
            spends=build_token_costs(LIST_COST_TOKENS),
            response_bytes_max=8 * 1024 * KIBIBYTE,
        )

    @raises_unreadable
    def parse_people(self, response: Response, *, tenant: str = "") -> PeoplePage | Outcome:
        if rejection := find_rejection(response):
            return rejection
        answer = response.json()
        if answer["success"] is not True or not isinstance(answer["data"], list):
            raise Unreadable("not a list of users")
        return PeoplePage([parse_user(record) for record in answer["data"]])


def parse_user(record: Mapping[str, Any]) -> Person:
    return Person(
        id=str(record["id"]),
        name=str(record.get("name") or ""),
        email=str(record.get("email") or ""),
        is_active=record.get("active_flag") is not False,
    )
