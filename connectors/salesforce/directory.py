"""Salesforce: the users of an org.

https://developer.salesforce.com/docs/atlas.en-us.object_reference.meta/object_reference/
sforce_api_objects_user.htm (2026-11). In a sandbox each address ends in `.invalid`, so that no mail
is sent: https://help.salesforce.com/s/articleView?id=platform.data_sandbox_create.htm
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from connectors.directories import Directory, PeoplePage, Person
from connectors.http import Request, Response
from connectors.outcomes import Outcome, raises_unreadable
from connectors.salesforce.collections import Records
from connectors.schema import Credential

USER_FIELDS = "Name, Email, Username, Alias, FederationIdentifier, IsActive, UserType"
UNDELIVERABLE_SUFFIX = ".invalid"
# types of users that no person signs in as
SYSTEM_TYPES = {"AutomatedProcess", "CloudIntegrationUser", "Guest"}


class SalesforceDirectory(Directory):
    permissions = ("api",)
    records = Records()

    def page_request(
        self, credential: Credential, *, at: datetime, cursor: str = "", tenant: str = ""
    ) -> Request:
        return self.records.page_request(
            credential, at=at, cursor=cursor, object="User", fields=USER_FIELDS
        )

    @raises_unreadable
    def parse_people(self, response: Response, *, tenant: str = "") -> PeoplePage | Outcome:
        page = self.records.parse_page(response)
        if isinstance(page, Outcome):
            return page
        people = [parse_user(record) for record in page.records]
        return PeoplePage(people, page.cursor, page.is_complete)


def parse_user(record: Mapping[str, Any]) -> Person:
    aliases = (record.get("FederationIdentifier"), record.get("Alias"))
    return Person(
        id=str(record["Id"]),
        name=str(record.get("Name") or ""),
        email=str(record.get("Email") or "").removesuffix(UNDELIVERABLE_SUFFIX),
        login=str(record.get("Username") or ""),
        aliases=tuple(str(alias) for alias in aliases if alias),
        is_active=record.get("IsActive") is not False,
        is_bot=record.get("UserType") in SYSTEM_TYPES,
    )
