"""Input and results of connecting with a form: connected, test failed or refused."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol, Self

from hub.connections.connecting import connect, reconnect
from hub.connections.connecting.connect_links import ConnectLinkEnded
from hub.connections.credentials.account_probe import ProbeResult
from hub.connections.credentials.signing_secrets import TooManySigningSecrets
from hub.connections.models import Connection

RefusalReason = Literal[
    "tenant_suspended",
    "already_connected",
    "changed_meanwhile",
    "other_account",
    "secret_limit",
    "link_ended",
]
REFUSAL_REASONS: Mapping[type[Exception], RefusalReason] = {
    connect.TenantSuspended: "tenant_suspended",
    connect.AlreadyConnected: "already_connected",
    reconnect.ConnectionChanged: "changed_meanwhile",
    reconnect.AccountMismatch: "other_account",
    TooManySigningSecrets: "secret_limit",
    ConnectLinkEnded: "link_ended",
}


class RandomSource(Protocol):
    """The two methods that we use of `secrets.SystemRandom()`."""

    def random(self) -> float: ...

    def randbytes(self, n: int, /) -> bytes: ...


@dataclass(frozen=True, slots=True, repr=False)
class FormInput:
    """Cleaned input: the settings, and the document of secrets that is sealed."""

    settings: Mapping[str, Any]
    document: Mapping[str, Any]

    @classmethod
    def from_cleaned_data(cls, data: Mapping[str, Any]) -> Self:
        """Build the input from the cleaned data of a `ConnectorFieldsForm`."""
        return cls(data["settings"], data["document"])


@dataclass(frozen=True, slots=True, repr=False)
class ProbedDraft:
    """A draft that may be stored: the test passed, or the actor allows an untested draft."""

    connection: Connection
    document: Mapping[str, Any]
    probe_result: ProbeResult
    signing_secret: str  # generated for this draft; empty where none was
    # of the stored credential before the test; None for a new connection
    tested_version: int | None = None


@dataclass(frozen=True, slots=True, repr=False)
class Connected:
    """The stored connection.

    `signing_secret` is shown once; empty if none was generated.
    """

    connection: Connection
    probe_result: ProbeResult
    signing_secret: str


@dataclass(frozen=True, slots=True)
class ConnectionTestFailed:
    """The test failed; nothing was stored."""

    probe_result: ProbeResult


@dataclass(frozen=True, slots=True)
class ConnectionRefused:
    """Nothing was stored. `probe_result` is None if no test was made."""

    reason: RefusalReason
    detail: str
    probe_result: ProbeResult | None = None


FormResult = Connected | ConnectionTestFailed | ConnectionRefused
