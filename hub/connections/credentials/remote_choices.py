"""Records of an external system that a person may choose from; the first page only."""

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
    """(id, name) by name. `more`: there are others; `detail`: why there are none."""

    rows: tuple[tuple[str, str], ...] = ()
    more: bool = False
    detail: str = ""


@sensitive_variables()
def list_remote_choices(
    connection: Connection, identity: str, *, call: Call, now: datetime
) -> RemoteChoices:
    """List the records that match such identities; empty without a list. Never raises.

    Changes no state of the connection: only a test does.
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
