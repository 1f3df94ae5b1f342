"""Build the credential that a connector receives, with our app's secrets and the base URLs."""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from django.views.decorators.debug import sensitive_variables

from connectors.outcomes import Outcome
from connectors.schema import Credential
from hub.connections.models import Connection, ConnectorApp
from hub.crypto.redaction import redact_excerpt, redact_text

DETAIL_LENGTH_MAX = 2000  # characters of a system's answer
SECRET_LENGTH_MIN = 6  # shorter values would redact half of a text


def find_connector_app(connector: str) -> ConnectorApp | None:
    return ConnectorApp.objects.filter(connector_key=connector).first()


def open_credential(connection: Connection, app: ConnectorApp | None) -> Credential:
    """Open the stored credential.

    Raises CannotOpen if the credential does not open, and LookupError if the connector is not
    installed.
    """
    sealed = getattr(connection, "credential", None)
    return build_credential(connection, app, sealed.open(connection) if sealed else {})


def build_credential(
    connection: Connection, app: ConnectorApp | None, document: Mapping[str, Any]
) -> Credential:
    """Build the credential from a document, which need not be stored yet."""
    connector = connection.connector
    app_secrets = app.open() if app and connector.is_for_platform else {}
    return Credential(
        secret={**app_secrets, **document},
        urls=connector.urls_at(
            connection.settings.get("environment", ""),
            app.bases if app else connector.urls,
            str(connection.settings.get("login_host") or ""),
        ),
        account=connection.account,
        settings=connection.settings,
        hosts=tuple(app.hosts) if app else (),
    )


def collect_secrets(credential: Credential) -> tuple[str, ...]:
    return tuple(
        value for value in iterate_texts(credential.secret) if len(value) >= SECRET_LENGTH_MIN
    )


@sensitive_variables()
def redact_outcome(outcome: Outcome, secrets: Iterable[str]) -> Outcome:
    """Remove secrets from the texts of an outcome: a response may repeat what we sent."""
    return replace(
        outcome,
        reason=redact_text(outcome.reason, secrets),
        detail=redact_excerpt(outcome.detail, DETAIL_LENGTH_MAX, secrets),
    )


def iterate_texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
        yield from iterate_texts(_parse_json_object(value))
    elif isinstance(value, Mapping):
        for child in value.values():
            yield from iterate_texts(child)
    elif isinstance(value, list | tuple):
        for child in value:
            yield from iterate_texts(child)


def _parse_json_object(text: str) -> Any:
    """Parse text as a JSON object, such as custom headers; None if it is not one."""
    with suppress(ValueError, RecursionError):
        return json.loads(text) if text.startswith("{") else None
