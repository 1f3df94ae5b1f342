"""Ask an external system for the records that a person may choose from: the first page, since a person waits."""

from dataclasses import dataclass
from datetime import datetime
from functools import partial

from django.views.decorators.debug import sensitive_variables

from connectors.outcomes import Outcome
from hub.connections.models import Connection
from hub.connections.probe import Call, answered, app_of
from hub.connections.unseal import credential_of
from hub.secrets import CannotOpen


@dataclass(frozen=True, slots=True)
class Offer:
    """(id, name), by name. `more`: there are others; `says`: why there is nothing to choose from."""

    rows: tuple[tuple[str, str], ...] = ()
    more: bool = False
    detail: str = ""


@sensitive_variables()
def choices(connection: Connection, identity: str, *, call: Call, now: datetime) -> Offer:
    """Of the kind that is the other side of such identities; nothing where nobody knows how to list it. Never raises.

    What it finds changes no state: that is a test's to judge.
    """
    offered = connection.connector.listed.get(identity)
    if offered is None:
        return Offer()
    try:
        credential = credential_of(connection, app_of(connection.connector_key))
        page = answered(connection, credential, partial(offered.page, credential), offered.records, call=call, now=now)
        if isinstance(page, Outcome):
            return Offer(detail=page.detail or page.reason.replace("_", " "))
        found = [offered.choice(record) for record in page.records]
    except (CannotOpen, KeyError, TypeError) as error:
        return Offer(detail=str(error))
    return Offer(tuple(sorted(found, key=lambda row: row[1].casefold())), bool(page.cursor))
