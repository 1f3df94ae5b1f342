"""The browser, person and connector of an authorization, and its refusals."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from connectors.oauth import OAuth
from connectors.schema import Credential
from hub.connections.connecting.connect import draft_connection
from hub.connections.credentials.account_probe import ProbeResult
from hub.connections.credentials.connector_context import build_credential
from hub.connections.credentials.probe_checklist import list_probe_steps
from hub.connections.models import Authorization, Connection, ConnectorApp
from hub.problems import Refusal
from tenants.models import User

UNREADABLE_HERE = "unreadable_here"  # a stored value does not open: its key is missing


class AuthorizationRefused(Refusal):
    """The authorization is refused; its page explains `reason`. `checks`: the steps of the test."""

    def __init__(
        self, reason: str, detail: str = "", probe_result: ProbeResult | None = None
    ) -> None:
        super().__init__(reason)
        self.reason, self.detail = reason, detail
        self.checks = list_probe_steps(probe_result) if probe_result else []


def get_oauth_connector(authorization: Authorization) -> OAuth:
    """Return the connector of the authorization. Raises LookupError if it is not installed."""
    connector = authorization.connector
    if not isinstance(connector, OAuth):
        raise LookupError(authorization.connector_key)
    return connector


@dataclass(frozen=True, slots=True)
class BrowserIdentity:
    """The person, and the value in their browser's session. A guest has a reference, no user."""

    browser: str
    user: User | None = None
    guest: str = ""

    def is_browser_of(self, authorization: Authorization) -> bool:
        return bool(self.browser) and digest_browser_value(self.browser) == authorization.browser

    def has_begun(self, authorization: Authorization) -> bool:
        return (self.user.pk if self.user else None, self.guest) == (
            authorization.user_id,
            authorization.guest,
        )


def digest_browser_value(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


def draft_authorized_connection(
    authorization: Authorization, settings: Mapping[str, Any]
) -> Connection:
    """Build an unsaved connection of the account that is being authorized, to call its system."""
    login = {"environment": authorization.environment, "login_host": authorization.login_host}
    connection = draft_connection(
        authorization.tenant,
        authorization.connector_key,
        authorization.name,
        login | dict(settings),
    )
    connection.account = authorization.account
    return connection


def build_client_credential(authorization: Authorization, app: ConnectorApp | None) -> Credential:
    """Build a credential of our app only, as no account has granted access yet."""
    return build_credential(draft_authorized_connection(authorization, {}), app, {})
