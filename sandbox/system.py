"""The interface of a simulated system: requests and responses, without sockets."""

import base64
import json
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from sandbox.schema_changes import SchemaChange

Send = Callable[[str, str, dict[str, str], Any], Awaitable[tuple[int, str]]]
# send(method, url, headers, json) is the way to our application: gives status and text, raises
# OSError when nobody is there


@dataclass(frozen=True)
class ApiRequest:
    """One request, read whole. `path` is `url` below the system's root; header names are
    case-insensitive.
    """

    method: str
    path: str
    url: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    at: float
    base: str  # how the caller reached us: scheme and host

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        """The body as JSON, or None where it is none."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None

    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.text, keep_blank_values=True))

    def credential(self, scheme: str) -> str:
        """What follows the scheme in the Authorization header; empty if it is another scheme or
        absent.
        """
        name, _, value = self.headers.get("Authorization", "").partition(" ")
        return value.strip() if name.lower() == scheme.lower() else ""

    def basic(self) -> tuple[str, str]:
        """User and password of HTTP Basic; both are empty where there are none."""
        try:
            pair = base64.b64decode(self.credential("Basic"), validate=True).decode()
        except ValueError:
            return "", ""
        user, _, password = pair.partition(":")
        return user, password


@dataclass(frozen=True)
class Callback:
    """A request that a system makes of our application."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: Any  # goes as JSON


@dataclass(frozen=True)
class ApiResponse:
    status: int = 200
    body: Any = b""  # bytes and str go as they are, everything else as JSON
    headers: Mapping[str, str] = field(default_factory=dict)
    then: Callable[[], Awaitable[None]] | None = (
        None  # done when the ledger has the request, before the answer leaves
    )

    def content(self) -> tuple[bytes, str]:
        if isinstance(self.body, bytes):
            return self.body, self.headers.get("Content-Type", "text/plain; charset=utf-8")
        if isinstance(self.body, str):
            kind = "text/html" if self.body.startswith("<") else "text/plain"
            return self.body.encode(), self.headers.get("Content-Type", f"{kind}; charset=utf-8")
        return json.dumps(self.body).encode(), self.headers.get(
            "Content-Type", "application/json; charset=utf-8"
        )


class System:
    """One simulated system: the account of a request, its response, and the body of a failure."""

    key = ""
    addresses: tuple[tuple[str, str], ...] = ()  # (root, what may stand below it), as routes
    methods: tuple[str, ...] = ("*",)
    approvals: tuple[str, ...] = ()  # what the `approval` of an account may be

    def account(self, call: ApiRequest) -> str:
        """Empty when it is not known."""
        raise NotImplementedError

    def answer(self, call: ApiRequest) -> ApiResponse:
        raise NotImplementedError

    def answer_partly(self, call: ApiRequest, count: int) -> ApiResponse:
        """Take only the first `count` events of a batch, and refuse the next one."""
        return self.answer(call)

    def restart(self, account: str, seconds: float, at: float) -> None:
        """Make the system unavailable for so long, and clear what is in memory only; called by the
        control.

        Raises ValueError with a sentence.
        """
        raise ValueError(f"{self.key} cannot be restarted")

    def refusal(self, status: int) -> Any:
        """The body that this system sends with such a status."""
        raise NotImplementedError

    def ids(self, call: ApiRequest) -> list[str]:
        """Return the external ids in the body or path; the gateway reads those in headers."""
        return []

    def oauth_accounts(self) -> Iterable[tuple[str, str, str]]:
        """Those that are connected by OAuth: id, title, approval."""
        return ()

    def tokens(self, at: float) -> Iterable[dict[str, Any]]:
        """Every token, as the control lists it: account, kind, token, state, at, scopes."""
        return ()

    def end(self, account: str, do: str, kind: str, at: float) -> None:
        """End tokens; called by the control. `do` is expire, revoke or uninstall. Raises ValueError
        with a sentence.
        """
        raise ValueError(f"the tokens of {self.key} cannot be ended")

    def uninstall_callbacks(self, account: str, at: float) -> list[Callback]:
        """Return the requests that report to our application that this account uninstalled it."""
        return []

    def seed(
        self, account: str, object: str, rows: Iterable[dict[str, Any]], at: float
    ) -> list[str]:
        """Store records without sending webhooks, and return their ids; called by the control.

        A record with an existing id replaces the values of that record. Raises ValueError with a
        sentence.
        """
        raise ValueError(f"records of {self.key} cannot be planted")

    def seed_template(self, account: str, object: str) -> dict[str, Any]:
        """The fields of a generated record of this object, with {n} for its number."""
        return {}

    def list_records(self, account: str, object: str) -> Iterator[dict[str, Any]]:
        """Every record of an object, deleted ones among them. Raises ValueError with a sentence."""
        raise ValueError(f"records of {self.key} cannot be listed")

    def schema_fields(self, account: str, object: str) -> list[dict[str, Any]]:
        """The fields of an object, as the control lists them. Raises ValueError with a sentence."""
        raise ValueError(f"{self.key} has no schema")

    def change_schema(self, change: SchemaChange, at: float) -> None:
        """Change the fields of an account, as its people would; called by the control. Raises
        ValueError with a sentence.
        """
        raise ValueError(f"{self.key} has no schema")

    def load_accounts(self, at: float) -> None:
        """Read the accounts again, as the world has changed."""

    def close(self) -> None:
        """Close open files."""
