"""Read all pages of a schema or a list of a connection's system, through the throttle."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Generic, Protocol, TypeVar

from django.db import transaction
from django.views.decorators.debug import sensitive_variables

from connectors.http import Request, Response
from connectors.outcomes import Outcome, later, never
from connectors.schema import Credential
from hub.connections.credentials.connector_context import (
    collect_secrets,
    find_connector_app,
    open_credential,
)
from hub.connections.credentials.provider_call import (
    THROTTLED,
    Call,
    Patience,
    call_provider,
)
from hub.connections.models import Connection
from hub.crypto.sealed import CannotOpen
from hub.queue import wake_up

INCOMPLETE = "incomplete"
UNSUPPORTED = "unsupported"


class CursorPage(Protocol):
    @property
    def cursor(self) -> str: ...


P = TypeVar("P", bound=CursorPage)


@dataclass(frozen=True, slots=True)
class PageQuery(Generic[P]):
    """How the pages of one list are requested and parsed.

    `build` builds the request for the page after a cursor; "" is the first page.
    """

    build: Callable[[Credential, str], Request]
    parse: Callable[[Response], P | Outcome]
    pages_max: int
    is_partly_useful: bool = False  # pages before a spent quota are returned, as incomplete


@dataclass(frozen=True, slots=True)
class PageList(Generic[P]):
    """The pages that were read; `is_complete` is false if there are more."""

    pages: tuple[P, ...]
    is_complete: bool


@sensitive_variables("credential")
def read_provider_pages(
    connection: Connection,
    query: PageQuery[P],
    *,
    call: Call,
    now: datetime,
    low_priority: bool = False,
    patience: Patience | None = None,
) -> PageList[P] | Outcome:
    """Return the pages, or the Outcome of a failed call. Never raises.

    `patience`: how long each page may wait for a spent quota; None: not at all. A repeated cursor
    ends the read as incomplete. An expired access token is renewed in the background; the Outcome
    says so.
    """
    try:
        credential = open_credential(connection, find_connector_app(connection.connector_key))
    except CannotOpen as error:
        return later("credential_unreadable", str(error))

    def read_page(cursor: str) -> P | Outcome:
        return call_provider(
            connection,
            partial(query.build, credential, cursor),
            query.parse,
            call=call,
            now=now,
            secrets=collect_secrets(credential),
            build_unreadable=later,
            low_priority=low_priority,
            patience=patience,
        )

    result = _collect_pages(query, read_page)
    if isinstance(result, Outcome):
        _request_new_token(connection, result, now=now)
    return result


def _collect_pages(
    query: PageQuery[P], read_page: Callable[[str], P | Outcome]
) -> PageList[P] | Outcome:
    """Read page after page; `read_page` takes the cursor, which is "" for the first."""
    pages: list[P] = []
    cursors = {""}
    cursor = ""
    while len(pages) < query.pages_max:
        page = read_page(cursor)
        if isinstance(page, Outcome):
            if query.is_partly_useful and pages and page.reason == THROTTLED:
                break
            return page
        pages.append(page)
        cursor = page.cursor
        if not cursor:
            return PageList(tuple(pages), is_complete=True)
        if cursor in cursors:
            break
        cursors.add(cursor)
    return PageList(tuple(pages), is_complete=False)


def build_unsupported_outcome(connection: Connection, what: str) -> Outcome:
    return never(UNSUPPORTED, f"{connection.connector.label} has no {what}")


def build_incomplete_outcome() -> Outcome:
    return later(INCOMPLETE, "the system did not send the whole list")


def _request_new_token(connection: Connection, outcome: Outcome, *, now: datetime) -> None:
    if outcome.kind != "refresh" or not connection.connector.refreshes_tokens:
        return
    credential = connection.credential
    with transaction.atomic():
        if credential.await_refresh(used=credential.version, now=now):
            wake_up(f"refresh:{connection.pk}", now=now)
