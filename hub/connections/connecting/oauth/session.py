"""The browser and person of an authorization, and its refusals."""

import hashlib
from dataclasses import dataclass

from connectors.oauth import OAuth
from hub.connections.credentials.probe import ProbeResult
from hub.connections.credentials.probe_checklist import list_probe_steps
from hub.connections.models import Authorization
from tenants.models import User


class AuthorizationRefused(Exception):
    """The authorization is refused; `code` is the reason, `checks` are the steps of the test."""

    def __init__(
        self, code: str, detail: str = "", probe_result: ProbeResult | None = None
    ) -> None:
        super().__init__(code)
        self.code, self.detail = code, detail
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
