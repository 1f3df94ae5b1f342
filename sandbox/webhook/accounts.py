"""The endpoints of the webhook catcher, and the built-in two."""

from dataclasses import dataclass
from typing import Any

from sandbox.storage.sections import AccountList


@dataclass(frozen=True)
class Endpoint:
    """A place for webhooks."""

    endpoint: str
    name: str = ""
    secret: str | list[str] = ""
    strict: bool = False

    @property
    def secrets(self) -> list[str]:
        secrets = [self.secret] if isinstance(self.secret, str) else self.secret
        return [secret for secret in secrets if secret]


ENDPOINTS = AccountList("webhook", Endpoint, "endpoint")
BUILT_IN: list[dict[str, Any]] = [
    {"endpoint": "acme", "name": "Acme", "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"},
    {"endpoint": "globex", "name": "Globex"},
]
