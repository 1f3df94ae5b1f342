"""Salesforce: read records page by page, with SOQL built from parameters."""

import re
from datetime import UTC, datetime
from urllib.parse import quote

from connectors.http import KIBIBYTE, Request, Response, Scope, Unreadable
from connectors.outcomes import Outcome, raises_unreadable
from connectors.roles import Collection, Page
from connectors.salesforce.actions import API_VERSION, base_url
from connectors.salesforce.errors import ORG, find_rejection
from connectors.schema import Credential

QUERIES = Scope("account", "queries")
PATH_PATTERN = re.compile(
    r"[A-Za-z][A-Za-z0-9_]{0,79}(\.[A-Za-z][A-Za-z0-9_]{0,79}){0,5}", re.ASCII
)  # Owner.Name
CURSOR_PATTERN = re.compile(r"/services/data/v[0-9]{2,3}\.0/query/[A-Za-z0-9-]{1,100}", re.ASCII)
ESCAPES = str.maketrans(
    {"\\": "\\\\", "'": "\\'", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f"},
)


def _quote_literal(value: str) -> str:
    return f"'{value.translate(ESCAPES)}'"


def format_datetime(value: str) -> str:
    """Convert an ISO 8601 time with offset to a SOQL literal in UTC. Raises ValueError."""
    at = datetime.fromisoformat(value)
    if at.tzinfo is None:
        raise ValueError("a time must include its UTC offset")
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def check_name(value: str) -> str:
    if not PATH_PATTERN.fullmatch(value):
        raise ValueError(f"{value[:80]!r} is not an API name")
    return value


def build_query(
    *, object: str, fields: str, since: str = "", until: str = "", **equals: str
) -> str:
    """Build the SOQL query of the records changed in [since, until).

    `fields` is separated by commas; each parameter in `equals` is a field and its exact text.
    Raises ValueError for a name that is not an API name.
    """
    conditions = [
        f"{check_name(field)} = {_quote_literal(value)}" for field, value in sorted(equals.items())
    ]
    if since:
        conditions.append(f"SystemModstamp >= {format_datetime(since)}")
    if until:
        conditions.append(f"SystemModstamp < {format_datetime(until)}")
    columns = ", ".join(check_name(field.strip()) for field in fields.split(","))
    condition = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    return f"SELECT {columns} FROM {check_name(object)}{condition} ORDER BY Id"


class Records(Collection):
    key = "records"
    label = "Records of one object"
    help = (
        "Parameters: object, fields, since, until. Any other parameter is a field with its "
        "required value."
    )
    example = {"object": "Contact", "fields": "Id, Email", "since": "2026-11-25T00:00:00Z"}

    def page(self, credential: Credential, *, cursor: str = "", **query: str) -> Request:
        """Build the request for a page. Raises ValueError with a text if a name is invalid."""
        if cursor and not CURSOR_PATTERN.fullmatch(cursor):
            raise ValueError("the cursor is not a query locator")
        path = (
            cursor or f"/services/data/{API_VERSION}/query?q={quote(build_query(**query), safe='')}"
        )
        return Request(
            "GET",
            f"{base_url(credential)}{path}",
            bearer=credential.access,
            spends=((ORG, 1), (QUERIES, 1)),
            keep=8 * 1024 * KIBIBYTE,
        )

    @raises_unreadable
    def records(self, response: Response) -> Page | Outcome:
        if rejection := find_rejection(response):
            return rejection
        answer = response.json()
        cursor = "" if answer["done"] is True else answer["nextRecordsUrl"]
        if not isinstance(answer["records"], list) or (
            cursor and not CURSOR_PATTERN.fullmatch(cursor)
        ):
            raise Unreadable("not a page of records")
        return Page(answer["records"], cursor)
