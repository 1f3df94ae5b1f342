"""The customer's own headers of an endpoint: their names are shown, their values lie sealed with its secret."""

import json
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from django.views.decorators.debug import sensitive_variables

from hub.connections.models import Connection
from hub.connections.signing import rewrite
from hub.connections.unseal import opened
from hub.secrets import CannotOpen

HEADERS = "headers"


@sensitive_variables()
def names(connection: Connection) -> list[str]:
    """Nothing where they do not open."""
    try:
        return sorted(read(connection.credential.open(connection)))
    except (CannotOpen, ValueError):
        return []


@sensitive_variables()
def change(connection: Connection, put: Mapping[str, str], drop: Collection[str], *, now: datetime) -> list[str]:
    """The names afterwards. Raises ValueError with a sentence where the connector does not take what was put."""
    replaced = {name.lower() for name in (*put, *drop)}

    def changed(document: dict[str, Any]) -> dict[str, Any]:
        kept = {name: value for name, value in read(document).items() if name.lower() not in replaced}
        made = document | {HEADERS: json.dumps(kept | dict(put))}
        if wrong := connection.connector.check(opened(connection, None, made)):
            raise ValueError(wrong)
        return made

    return sorted(read(rewrite(connection, changed, now=now)))


def read(document: Mapping[str, Any]) -> dict[str, str]:
    found: dict[str, str] = json.loads(document.get(HEADERS) or "{}")
    return found
