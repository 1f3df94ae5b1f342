"""Our own application: the users of one tenant, as its collection of users has them."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from connectors.app.collections import Users
from connectors.directories import Directory, PeoplePage, Person
from connectors.http import Request, Response, Unreadable
from connectors.outcomes import Outcome, raises_unreadable
from connectors.schema import Credential


class AppDirectory(Directory):
    by_tenant = True
    users = Users()

    def page_request(
        self, credential: Credential, *, at: datetime, cursor: str = "", tenant: str = ""
    ) -> Request:
        return self.users.page_request(credential, at=at, cursor=cursor, tenant=tenant)

    @raises_unreadable
    def parse_people(self, response: Response, *, tenant: str = "") -> PeoplePage | Outcome:
        page = self.users.parse_page(response)
        if isinstance(page, Outcome):
            return page
        if tenant and any(record.get("tenant") != tenant for record in page.records):
            raise Unreadable("a user of another tenant")
        people = [parse_user(record) for record in page.records if not record.get("deleted")]
        return PeoplePage(people, page.cursor, page.is_complete)


def parse_user(record: Mapping[str, Any]) -> Person:
    return Person(
        id=str(record["id"]),
        name=str(record.get("name") or ""),
        email=str(record.get("email") or ""),
        login=str(record.get("login") or ""),
        aliases=_parse_texts(record.get("aliases")),
        other_names=_parse_texts(record.get("other_names")),
        is_active=record.get("active") is not False,
    )


def _parse_texts(values: object) -> tuple[str, ...]:
    texts = values if isinstance(values, Iterable) and not isinstance(values, str | bytes) else ()
    return tuple(text for text in texts if isinstance(text, str) and text)
