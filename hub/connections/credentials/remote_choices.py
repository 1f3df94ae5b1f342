"""Ask an external system for the records that a person may choose from: the first page, since a person waits."""

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
from hub.connections.credentials.provider_call import Call, call_provider
from hub.connections.models import Connection
from hub.crypto.sealed import CannotOpen


@dataclass(frozen=True, slots=True)
class RemoteChoices:
    """(id, name), by name. `more`: there are others; `says`: why there is nothing to choose from."""

    rows: tuple[tuple[str, str], ...] = ()
    more: bool = False
    detail: str = ""


@sensitive_variables()
def list_remote_choices(
    connection: Connection, identity: str, *, call: Call, now: datetime
) -> RemoteChoices:
    """Of the kind that is the other side of such identities; nothing where nobody knows how to list it. Never raises.

    What it finds changes no state: that is a test's to judge.
    """
    collection = connection.connector.choices_by_kind.get(identity)
    if collection is None:
        return RemoteChoices()
    try:
        credential = open_credential(connection, find_connector_app(connection.connector_key))
        page = call_provider(
            connection,
            partial(collection.page, credential),
            collection.records,
            call=call,
            now=now,
            secrets=collect_secrets(credential),
        )
        if isinstance(page, Outcome):
            return RemoteChoices(detail=page.detail or page.reason.replace("_", " "))
        options = [collection.parse_choice(record) for record in page.records]
    except (CannotOpen, KeyError, TypeError) as error:
        return RemoteChoices(detail=str(error))
    return RemoteChoices(
        tuple(sorted(options, key=lambda option: option[1].casefold())), bool(page.cursor)
    )
