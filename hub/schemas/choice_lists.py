"""Lists from which a person chooses, such as Slack channels: find the cached one, or refresh it."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from connectors.http import Request, Response
from connectors.outcomes import READ_ERRORS, Outcome, clean_text
from connectors.roles import Choices, Page
from connectors.schema import Credential
from hub.connections.credentials.provider_call import Call, Patience
from hub.connections.models import Connection
from hub.queue import wake_up
from hub.reason_codes import translate_text
from hub.schemas.models import Choice, ChoiceList
from hub.schemas.object_schemas import OBJECT_LIST_KIND, list_schema_objects, refresh_schema_objects
from hub.schemas.provider_pages import PageQuery, build_unsupported_outcome, read_provider_pages

CHOICE_PAGES_MAX = 20
MAX_CHOICES = 20_000
MAX_TEXT_LENGTH = 200
OLD_AFTER = timedelta(minutes=15)  # a list that is looked at later is read again


def list_choice_kinds(connection: Connection) -> tuple[str, ...]:
    """Return the kinds of lists that the connection's system has."""
    connector = connection.connector
    objects = (OBJECT_LIST_KIND,) if connector.schema else ()
    return (*connector.list_choices_by_kind, *objects)


def find_choice_list(connection: Connection, kind: str) -> ChoiceList | None:
    """Return the cached list; None if it was never read. Makes no external call."""
    return ChoiceList.unscoped.filter(connection=connection, kind=kind).first()


def find_unlisted_problem(connection: Connection, kind: str, id: str) -> str:
    """Return a sentence if the cached list does not have the id; "" if it has, or may have.

    A list that was never read, not read whole, or is empty proves nothing. Makes no external call.
    """
    stored = find_choice_list(connection, kind)
    if stored is None or not stored.is_complete or not stored.items or id in dict(stored.choices):
        return ""
    names = {
        "account": connection,
        "id": id,
        "list": translate_text(connection.connector.list_choices_by_kind[kind].label),
    }
    return (
        _(
            "%(account)s has no %(id)s among its “%(list)s”. Choose one from the list, or read the "
            "list again."
        )
        % names
    )


def request_choice_list(connection: Connection, kind: str, *, now: datetime) -> bool:
    """Have a worker read a list that is missing or old; return whether it is. No external call."""
    stored = find_choice_list(connection, kind)
    if kind not in list_choice_kinds(connection) or (stored and stored.read_at + OLD_AFTER > now):
        return False
    wake_up(f"choices:{connection.pk}:{kind}", now=now)
    return True


def refresh_choice_list(
    connection: Connection,
    kind: str,
    *,
    call: Call,
    now: datetime,
    low_priority: bool = False,
    patience: Patience | None = None,
) -> ChoiceList | Outcome:
    """Read the list and store it; return the Outcome if the read fails.

    A list with too many pages is stored as far as it was read, marked as incomplete. No transaction
    may be open.
    """
    if kind == OBJECT_LIST_KIND and connection.connector.schema:
        return _refresh_objects(
            connection, call=call, now=now, low_priority=low_priority, patience=patience
        )
    collection = connection.connector.list_choices_by_kind.get(kind)
    if collection is None:
        return build_unsupported_outcome(connection, f"list of {kind[:MAX_TEXT_LENGTH]}")
    pages = read_provider_pages(
        connection,
        _build_choices_query(collection, now),
        call=call,
        now=now,
        low_priority=low_priority,
        patience=patience,
    )
    if isinstance(pages, Outcome):
        return pages
    choices = _parse_choices(collection, pages.pages)
    is_complete = pages.is_complete and len(choices) <= MAX_CHOICES
    return _store_choices(connection, kind, choices, is_complete=is_complete, now=now)


def _refresh_objects(
    connection: Connection,
    *,
    call: Call,
    now: datetime,
    low_priority: bool,
    patience: Patience | None,
) -> ChoiceList | Outcome:
    read = refresh_schema_objects(
        connection, call=call, now=now, low_priority=low_priority, patience=patience
    )
    if isinstance(read, Outcome):
        return read
    stored = find_choice_list(connection, OBJECT_LIST_KIND)
    if stored is not None:
        return stored
    fixed = [(entry.key, entry.label) for entry in list_schema_objects(connection) or ()]
    return ChoiceList(connection=connection, kind=OBJECT_LIST_KIND, items=fixed, read_at=now)


def _build_choices_query(collection: Choices, now: datetime) -> PageQuery[Page]:
    def build(credential: Credential, cursor: str) -> Request:
        return collection.page_request(credential, at=now, cursor=cursor)

    def parse(response: Response) -> Page | Outcome:
        return collection.parse_page(response)

    return PageQuery(build, parse, CHOICE_PAGES_MAX, is_partly_useful=True)


def _parse_choices(collection: Choices, pages: Iterable[Page]) -> list[Choice]:
    """Return the choices, each id once, sorted by name; records without an id are left out."""
    choices = dict(_iterate_choices(collection, pages))
    return sorted(choices.items(), key=lambda choice: (choice[1].casefold(), choice[0]))


def _iterate_choices(collection: Choices, pages: Iterable[Page]) -> Iterator[Choice]:
    for page in pages:
        for record in page.records:
            with suppress(*READ_ERRORS):
                id, name = collection.parse_choice(record)
                if id and clean_text(id, MAX_TEXT_LENGTH) == id:
                    yield id, clean_text(name, MAX_TEXT_LENGTH)


def _store_choices(
    connection: Connection, kind: str, choices: list[Choice], *, is_complete: bool, now: datetime
) -> ChoiceList:
    stored, _created = ChoiceList.unscoped.update_or_create(
        connection=connection,
        kind=kind,
        defaults={
            "items": choices[:MAX_CHOICES],
            "is_complete": is_complete,
            "read_at": now,
        },
    )
    return stored
