"""Collections of our own application: orders, customers, users, labels and log lines."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from connectors.app.requests import CALLS, REQUESTS, SPENDS, sign_request
from connectors.http import KIBIBYTE, Request, Response, Unreadable
from connectors.i18n import _
from connectors.outcomes import Outcome, outcome_of_status, raises_unreadable
from connectors.roles import Collection, Page, parse_instant
from connectors.schema import Credential

PAGE_SIZE = 2000
PAGE_BYTES = 8 * 1024 * KIBIBYTE


# what the API calls the parameters of a page; a field with such a name cannot be compared
READ_PARAMETERS = {"tenant", "since", "until", "deleted", "ids", "page_size"}  # of `page_request`
OWN_PARAMETERS = {"limit", "after", "updated_since", "updated_until", "include_deleted"}


class AppCollection(Collection):
    """Records of one tenant, by keyset: ordered by their id, after the last one read."""

    id_field: str
    help = (
        "Parameters: since, until, deleted, ids. Any other parameter is a field with its required "
        "value."
    )
    example = {"tenant": "acme"}
    page_size = PAGE_SIZE
    ids_max = 100
    reads_changes = True
    reads_deleted = True
    ordered_by_key = True
    by_tenant = True

    def page_request(
        self, credential: Credential, *, at: datetime, cursor: str = "", **query: str
    ) -> Request:
        """Build the signed request for a page. Raises ValueError for an invalid parameter."""
        headers = sign_request(credential, id=f"read_{int(at.timestamp() * 1000)}", at=at)
        sized = {"page_size": str(self.page_size)} | query
        parameters = urlencode(build_parameters(cursor, **sized))
        return Request(
            "GET",
            f"{credential.urls['api']}/{self.key}?{parameters}",
            headers=headers,
            spends=SPENDS,
            response_bytes_max=PAGE_BYTES,
        )

    def find_queries(
        self, query: Mapping[str, str], field: str, values: Sequence[str], *, since: str, type: str
    ) -> Sequence[Mapping[str, str]]:
        if field != self.id_field or any("," in value for value in values):
            return [{field: value} for value in values]
        return [
            {"ids": ",".join(values[start : start + self.ids_max])}
            for start in range(0, len(values), self.ids_max)
        ]

    def required_values(self, query: Mapping[str, str]) -> Mapping[str, str | int | bool]:
        return {name: value for name, value in query.items() if name not in READ_PARAMETERS}

    @raises_unreadable
    def parse_page(self, response: Response) -> Page | Outcome:
        """Parse a page. One of fewer records than it announces is incomplete. Raises Unreadable."""
        if rejection := outcome_of_status(response, pauses=(CALLS, REQUESTS)):
            return rejection
        answer = response.json()
        records, cursor = answer[self.key], answer["next_after"]
        if not isinstance(records, list) or not isinstance(cursor, str | None):
            raise Unreadable("not a page of records")
        if len(records) != answer["count"]:
            return Page(records, cursor or "", is_complete=False, reason="fewer_records")
        return Page(records, cursor or "")

    def record_id(self, record: Mapping[str, Any]) -> str:
        return str(record[self.id_field])

    def changed_at(self, record: Mapping[str, Any]) -> datetime | None:
        return parse_instant(record.get("updated_at"))

    def version(self, record: Mapping[str, Any]) -> str:
        """Return the ETag, which `if_match` of update_order takes."""
        version = record.get("version")
        return "" if version is None else f'"{version}"'

    def is_deleted(self, record: Mapping[str, Any]) -> bool:
        return record.get("deleted") is True


def build_parameters(
    cursor: str,
    *,
    tenant: str,
    since: str = "",
    until: str = "",
    deleted: str = "",
    ids: str = "",
    page_size: str,
    **equals: str,
) -> dict[str, str]:
    """Build the query of a page. Raises ValueError for a time without a UTC offset."""
    for instant in (since, until):
        if instant and parse_instant(instant) is None:
            raise ValueError("a time must be ISO 8601 with its UTC offset")
    if names := OWN_PARAMETERS & equals.keys():
        raise ValueError(f"{min(names)} is no field")
    parameters = {
        "tenant": tenant,
        "limit": page_size,
        "after": cursor,
        "updated_since": since,
        "updated_until": until,
        "include_deleted": "true" if deleted == "true" else "",
        "ids": ids,
    }
    return {**equals, **{name: value for name, value in parameters.items() if value}}


class Orders(AppCollection):
    key = "orders"
    label = _("Orders")
    id_field = "number"


class Customers(AppCollection):
    key = "customers"
    label = _("Customers")
    id_field = "id"


class Users(AppCollection):
    key = "users"
    label = _("Users")
    id_field = "id"


class Labels(AppCollection):
    key = "labels"
    label = _("Shipping labels")
    id_field = "number"


class LogLines(AppCollection):
    key = "logs"
    label = _("Lines of the operational log")
    id_field = "id"


COLLECTIONS = (Orders(), Customers(), Users(), Labels(), LogLines())
