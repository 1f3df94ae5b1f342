"""Request one page of a collection, for one tenant only, and check its records."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NoReturn, TypeVar

from connectors.http import Request, Response
from connectors.outcomes import PERMISSION_MISSING, READ_ERRORS, Outcome
from connectors.roles import Collection, Page
from connectors.schema import Credential
from hub.connections.credentials.connector_context import find_connector_app, open_credential
from hub.connections.models import Connection, ConnectorApp
from hub.scheduled.runs.context import RunBlocked, RunContext, RunFailed

T = TypeVar("T")

TEXT_LENGTH_MAX = 200  # characters of an id, or of a version
UNREADABLE, CUT = "unreadable", "cut"
PAGE_ATTEMPTS = 3  # of a page that cannot be read, or is cut
# what a collection's `page_request` takes itself: no parameter of a job can have these names
PAGE_REQUEST_ARGUMENTS = {"self", "credential", "at", "cursor"}
CONTROLLED_PARAMETERS = PAGE_REQUEST_ARGUMENTS | {"tenant"}  # parameters that no job may set
BLOCKING_KINDS = ("reconnect", "disable")


@dataclass(frozen=True, slots=True)
class PageSource:
    """A collection, restricted to one tenant."""

    context: RunContext
    connection: Connection
    collection: Collection
    query: dict[str, str]
    app: ConnectorApp | None

    async def fetch_page(self, cursor: str = "", **changes: str) -> Page | Outcome:
        """Return a page of the collection; see `fetch_whole_page`."""
        part, inner_cursor = split_cursor(self.collection, cursor)
        parts = {"part": part} if part else {}

        def build(credential: Credential) -> Request:
            query = {**self.query, **parts, **changes}
            at = self.context.now()
            return self.collection.page_request(credential, at=at, cursor=inner_cursor, **query)

        def parse(response: Response) -> Page | Outcome:
            query = {**self.query, **parts, **changes}
            return self.collection.parse_page_at(response, cursor=inner_cursor, query=query)

        page = await self.fetch_whole_page(build, parse)
        if isinstance(page, Outcome):
            return page
        return replace(page, cursor=join_cursor(self.collection, part, page.cursor))

    async def fetch_whole_page(
        self,
        build: Callable[[Credential], Request],
        parse: Callable[[Response], Page | Outcome],
    ) -> Page | Outcome:
        """Return a page; an incomplete one is requested up to PAGE_ATTEMPTS times.

        After a page that is too large, this and the later pages are requested in a smaller size. A
        page that is never readable is returned as empty and incomplete. Raises RunBlocked and
        RunFailed.
        """
        for number in range(PAGE_ATTEMPTS):
            page = await self.call(build, partial(_parse_page, parse))
            if isinstance(page, Outcome) or page.is_complete or number == PAGE_ATTEMPTS - 1:
                break
            if page.reason == CUT:
                size = int(self.query.get("page_size") or self.collection.page_size)
                self.query["page_size"] = str(max(size // 4, 1))
        return page if isinstance(page, Outcome) else self._check_records(page)

    async def call(
        self, build: Callable[[Credential], Request], parse: Callable[[Response], T | Outcome]
    ) -> T | Outcome:
        """Call the system with the connection's credential. Raises RunBlocked and RunFailed."""

        def build_with_credential(connection: Connection) -> Request:
            return build(open_credential(connection, self.app))

        answer: T | Outcome = await self.context.call(self.connection, build_with_credential, parse)
        return answer

    def _check_records(self, page: Page) -> Page:
        """Return the page without unusable records; it is then incomplete."""
        problems = [self._find_problem(record) for record in page.records]
        first_problem = next((problem for problem in problems if problem), "")
        if not first_problem:
            return page
        pairs = zip(page.records, problems, strict=True)
        usable = [record for record, problem in pairs if not problem]
        return replace(page, records=usable, is_complete=False, reason=page.reason or first_problem)

    def _find_problem(self, record: Any) -> str:
        """Return why a record cannot be used; "" if it can."""
        if not isinstance(record, Mapping):
            return "not_a_record"
        if self.collection.by_tenant and record.get("tenant") != self.query.get("tenant"):
            return "other_tenant"
        if not self.collection.has_ids:
            return ""
        if not read_id(self.collection, record):
            return "no_id"
        return "" if is_storable(self.collection.version(record)) else "invalid_version"


def _parse_page(parse: Callable[[Response], Page | Outcome], response: Response) -> Page | Outcome:
    """Parse a response; return an empty incomplete page if it is truncated or unreadable."""
    if response.is_truncated:
        return Page((), is_complete=False, reason=CUT)
    try:
        return parse(response)
    except READ_ERRORS:
        return Page((), is_complete=False, reason=UNREADABLE)


def split_cursor(collection: Collection, cursor: str) -> tuple[str, str]:
    """Return the part of a divided collection of a cursor, and the cursor within it."""
    if not collection.parts:
        return "", cursor
    part, _, inner = cursor.partition("/")
    return (part, inner) if part in collection.parts else (collection.parts[0], "")


def join_cursor(collection: Collection, part: str, cursor: str) -> str:
    """Return the cursor after a page; after a part's last page, the next part's start."""
    if not part or cursor:
        return f"{part}/{cursor}" if part else cursor
    following = collection.parts[collection.parts.index(part) + 1 :]
    return f"{following[0]}/" if following else ""


async def open_source(
    context: RunContext,
    connection: Connection,
    collection: Collection,
    query: Mapping[str, Any],
) -> PageSource:
    """Return the collection, restricted to the tenant of the run."""
    app = await context.in_database(lambda: find_connector_app(connection.connector_key))
    parameters = {
        str(key): str(value)
        for key, value in query.items()
        if key not in CONTROLLED_PARAMETERS and value is not None
    }
    if collection.by_tenant:
        parameters["tenant"] = context.tenant.reference
    return PageSource(context, connection, collection, parameters, app)


def read_id(collection: Collection, record: Mapping[str, Any]) -> str:
    """Return the id of a record; "" if it has none that can be stored. Never raises."""
    try:
        id = collection.record_id(record)
    except READ_ERRORS:
        return ""
    return id if is_storable(id) else ""


def is_storable(text: str) -> bool:
    return len(text) <= TEXT_LENGTH_MAX and text.isprintable()


def read_ids(collection: Collection, records: Sequence[Mapping[str, Any]]) -> list[str]:
    return [read_id(collection, record) for record in records] if collection.has_ids else []


def raise_refusal(outcome: Outcome) -> NoReturn:
    """Raise RunBlocked or RunFailed for a refused page."""
    if outcome.kind in BLOCKING_KINDS or outcome.reason == PERMISSION_MISSING:
        raise RunBlocked(outcome.reason, outcome.detail)
    raise RunFailed(outcome.reason, outcome.detail, can_retry=outcome.kind != "never")
