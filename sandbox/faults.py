"""Faults: each changes the next matching requests of a system, in the order in which they were
added.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

NUMBERS = {
    "status": int,
    "retry_after": float,
    "delay": float,
    "times": int,
    "bytes": int,
    "cut": int,
    "ahead": float,
    "accepts": int,
}
OBJECTS = ("changes", "consent")
KNOWN = {"system", "account", "path", "status", "retry_after", "body", "effect", *NUMBERS, *OBJECTS}


@dataclass
class Fault:
    id: int
    system: str
    account: str | None = None
    path: str | None = None
    status: int | None = None
    retry_after: float | None = None
    body: Any = None
    changes: dict[str, Any] | None = None
    bytes: int = 0
    cut: int | None = None  # bytes after which the answer's body ends
    delay: float = 0
    ahead: float = 0  # seconds by which the answer's own clock is
    left: int | None = 1  # None: until reset
    effect: bool = False
    accepts: int | None = None  # events of a batch that take effect; the next one is refused
    consent: dict[str, Any] | None = None

    @property
    def answers(self) -> bool:
        """Whether the fault replaces the response; False if it only delays or changes it."""
        return self.status is not None


class Faults:
    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._made = 0

    def add_fault(self, request_body: Mapping[str, Any], systems: set[str]) -> Fault:
        """Raises ValueError with a sentence."""
        fault = Fault(id=self._made + 1, **parse_fault(request_body, systems))
        self._made += 1
        self._faults.append(fault)
        return fault

    def take_fault(self, system: str, account: str, path: str = "") -> Fault | None:
        """Return the fault that applies to this request, and count it as used."""
        return self._first(
            system, account, lambda fault: fault.consent is None and (fault.path or "") in path
        )

    def take_system_fault(self, system: str) -> Fault | None:
        """Return a fault that is not limited to an account, and count it as used."""
        return self._first(system, "", lambda fault: fault.account is None)

    def take_account_fault(self, system: str, account: str) -> Fault | None:
        """Return a fault that names this account, and count it as used."""
        return self._first(system, account, lambda fault: fault.account is not None)

    def take_page_fault(self, system: str, path: str) -> Fault | None:
        """Return a fault of a page, which must name its path, and count it as used."""
        return self._first(system, "", lambda fault: fault.path is not None and fault.path in path)

    def take_consent_fault(self, system: str, account: str) -> dict[str, Any]:
        """Return the changes of this consent's answer."""
        fault = self._first(system, account, lambda fault: fault.consent is not None)
        return fault.consent or {} if fault else {}

    def reset(self) -> None:
        self._faults.clear()

    def listed(self) -> list[dict[str, Any]]:
        return [asdict(fault) for fault in self._faults]

    def _first(self, system: str, account: str, applies: Callable[[Fault], bool]) -> Fault | None:
        for fault in self._faults:
            if fault.system == system and fault.account in (None, account) and applies(fault):
                self._use(fault)
                return fault
        return None

    def _use(self, fault: Fault) -> None:
        if fault.left is not None:
            fault.left -= 1
            if fault.left == 0:
                self._faults.remove(fault)


def parse_fault(request_body: Mapping[str, Any], systems: set[str]) -> dict[str, Any]:
    """Return the fields of Fault in a request, which is JSON or a form."""
    values = {key: value for key, value in request_body.items() if value not in ("", None)}
    if unknown := set(values) - KNOWN:
        raise ValueError(
            f"unknown field {sorted(unknown)[0]!r}; known are {', '.join(sorted(KNOWN))}"
        )
    if values.get("system") not in systems:
        raise ValueError(f"system is one of {', '.join(sorted(systems))}")
    values |= {key: parse_number(key, values[key]) for key in NUMBERS if key in values}
    values |= {key: str(values[key]) for key in ("account", "path") if key in values}
    if not 0 <= values.get("status", 0) <= 599 or 0 < values.get("status", 0) < 200:
        raise ValueError("status is 0 (the connection is cut) or from 200 to 599")
    values |= {"body": parse_text(values["body"])} if "body" in values else {}
    values |= {key: parse_object(key, values[key]) for key in OBJECTS if key in values}
    values["effect"] = values.get("effect") in (True, "true", "on", "1")
    times = values.pop("times", 0 if request_body.get("times", 1) is None else 1)
    return add_default_status(values) | {"left": times or None}


def parse_number(key: str, value: Any) -> float:
    try:
        read: float = NUMBERS[key](value)
    except (TypeError, ValueError):
        read = -1
    if isinstance(value, bool) or not 0 <= read < 1e9:
        raise ValueError(f"{key} is a number that is not negative")
    return read


def add_default_status(values: dict[str, Any]) -> dict[str, Any]:
    if "status" not in values and "retry_after" in values:
        return values | {"status": 429}
    if "status" not in values and "body" in values:
        return values | {"status": 200}
    return values


def parse_text(text: Any) -> Any:
    """Parse the text of a form field as JSON, or return it unchanged if it is not JSON."""
    try:
        return json.loads(text) if isinstance(text, str) else text
    except ValueError:
        return text


def parse_object(key: str, value: Any) -> dict[str, Any]:
    read = parse_text(value)
    if not isinstance(read, dict):
        raise ValueError(f"{key} is a JSON object")
    return read
