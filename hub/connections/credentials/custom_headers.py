"""Custom headers of an endpoint: names are shown, values are sealed with its credential."""

import json
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from django.views.decorators.debug import sensitive_variables

from hub.connections.credentials.connector_context import build_credential
from hub.connections.credentials.signing_secrets import rewrite_credential
from hub.connections.models import Connection
from hub.crypto.sealed import CannotOpen

HEADERS = "headers"


@sensitive_variables()
def list_header_names(connection: Connection) -> list[str]:
    """Return the sorted names; an empty list if the credential does not open."""
    try:
        return sorted(_parse_headers(connection.credential.open(connection)))
    except (CannotOpen, ValueError):
        return []


@sensitive_variables()
def change_header_values(
    connection: Connection, put: Mapping[str, str], drop: Collection[str], *, now: datetime
) -> list[str]:
    """Set and remove headers; return the names.

    Raises ValueError if the connector rejects them, CannotOpen if the credential does not open.
    """
    replaced = {name.lower() for name in (*put, *drop)}

    def apply_changes(document: dict[str, Any]) -> dict[str, Any]:
        unchanged_headers = {
            name: value
            for name, value in _parse_headers(document).items()
            if name.lower() not in replaced
        }
        new_document = document | {HEADERS: json.dumps(unchanged_headers | dict(put))}
        if error := connection.connector.find_credential_problem(
            build_credential(connection, None, new_document)
        ):
            raise ValueError(error)
        return new_document

    return sorted(_parse_headers(rewrite_credential(connection, apply_changes, now=now)))


def _parse_headers(document: Mapping[str, Any]) -> dict[str, str]:
    headers: dict[str, str] = json.loads(document.get(HEADERS) or "{}")
    return headers
