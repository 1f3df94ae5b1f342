"""A credential without secrets, with which requests can be built for display only."""

import json
from base64 import b64encode
from dataclasses import replace

from connectors.roles import Action
from connectors.schema import Credential
from hub.connections.credentials.connector_context import build_credential
from hub.connections.credentials.custom_headers import HEADERS, list_header_names
from hub.connections.models import Connection, ConnectorApp

# in the form of a signing secret, as the signature of a request is built with it
PLACEHOLDER = "whsec_" + b64encode(b"masked by the hub, never a secret").decode()


def build_masked_credential(
    connection: Connection, app: ConnectorApp | None, action: Action
) -> Credential:
    """Build a credential with the connection's addresses and settings, all secrets PLACEHOLDER."""
    fields = connection.connector.fields
    document = {entry.key: PLACEHOLDER for entry in fields if entry.secret and entry.kind == "text"}
    if any(entry.key == HEADERS for entry in fields) and hasattr(connection, "credential"):
        names = list_header_names(connection)
        document[HEADERS] = json.dumps(dict.fromkeys(names, PLACEHOLDER))
    credential = build_credential(connection, None, document)
    bases = app.bases if app else connection.connector.urls
    environment = connection.settings.get("environment", "")
    login_host = str(connection.settings.get("login_host") or "")
    urls = connection.connector.urls_at(environment, bases, login_host)
    reply_url = f"{urls.get('respond', '')}/{PLACEHOLDER}" if action.uses_reply_url else ""
    return replace(credential, urls=urls, reply_url=reply_url)
