"""List records of an external system from which a person chooses; the first page only."""

from dataclasses import dataclass
from datetime import datetime
from functools import partial

from django.views.decorators.debug import sensitive_variables

from connectors.outcomes import Outcome
from hub.connections.credentials.connector_context import (
    collect_secrets,
    find_connector_app,
    open_credential,
)
from hub.connections.credentials.provider_call import Call, call_provider, translate_detail
from hub.connections.models import Connection
from hub.crypto.sealed import CannotOpen


@dataclass(frozen=True, slots=True)
class RemoteChoices:
    """Pairs of id and name, sorted by name.

    `has_more`: further records exist; `detail`: why none could be listed.
    """

    rows: tuple[tuple[str, str], ...] = ()
    has_more: bool = False
    detail: str = ""


@sensitive_variables()
def list_remote_choices(
    connection: Connection, identity: str, *, call: Call, now: datetime
) -> RemoteChoices:
    """List the records for this kind of identity; empty if the system has no list. Never raises.

    The connection's state does not change: only a test changes it.
    """
    collection = connection.connector.list_choices_by_kind.get(identity)
    if collection is None:
        return RemoteChoices()
    try:
        credential = open_credential(connection, find_connector_app(connection.connector_key))
        page = call_provider(
            connection,
            partial(collection.page_request, credential, at=now),
            collection.parse_page,
            call=call,
            now=now,
            secrets=collect_secrets(credential),
        )
        if isinstance(page, Outcome):
            return RemoteChoices(
                detail=translate_detail(page.reason, page.detail) or page.reason.replace("_", " ")
            )
        options = [collection.parse_choice(record) for record in page.records]
    except (CannotOpen, KeyError, TypeError) as error:
        return RemoteChoices(detail=str(error))
    return RemoteChoices(
        tuple(sorted(options, key=lambda option: option[1].casefold())), bool(page.cursor)
    )
