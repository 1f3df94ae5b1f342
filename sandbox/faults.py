"""Faults on order: the next requests of a system meet them, in the order of their making."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

NUMBERS = {"status": int, "retry_after": float, "delay": float, "times": int}
KNOWN = {"system", "account", "status", "retry_after", "body", "delay", "times", "effect"}


@dataclass
class Fault:
    id: int
    system: str
    account: str | None = None
    status: int | None = None
    retry_after: float | None = None
    body: Any = None
    delay: float = 0
    left: int | None = 1  # None: until reset
    effect: bool = False

    @property
    def answers(self) -> bool:
        """False for one that only delays the true answer."""
        return self.status is not None


class Faults:
    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._made = 0

    def order(self, wish: Mapping[str, Any], systems: set[str]) -> Fault:
        """Raises ValueError with a sentence."""
        fault = Fault(id=self._made + 1, **read(wish, systems))
        self._made += 1
        self._faults.append(fault)
        return fault

    def meet(self, system: str, account: str) -> Fault | None:
        """The fault that this request meets, used up by it."""
        for fault in self._faults:
            if fault.system == system and fault.account in (None, account):
                self._use(fault)
                return fault
        return None

    def reset(self) -> None:
        self._faults.clear()

    def listed(self) -> list[dict[str, Any]]:
        return [asdict(fault) for fault in self._faults]

    def _use(self, fault: Fault) -> None:
        if fault.left is not None:
            fault.left -= 1
            if fault.left == 0:
                self._faults.remove(fault)


def read(wish: Mapping[str, Any], systems: set[str]) -> dict[str, Any]:
    """A wish, as JSON or form, in the words of Fault."""
    given = {key: value for key, value in wish.items() if value not in ("", None)}
    if unknown := set(given) - KNOWN:
        raise ValueError(f"unknown field {sorted(unknown)[0]!r}; known are {', '.join(sorted(KNOWN))}")
    if given.get("system") not in systems:
        raise ValueError(f"system is one of {', '.join(sorted(systems))}")
    given |= {key: number(key, given[key]) for key in NUMBERS if key in given}
    if not 0 <= given.get("status", 0) <= 599 or 0 < given.get("status", 0) < 200:
        raise ValueError("status is 0 (the connection is cut) or from 200 to 599")
    given |= {"body": read_body(given["body"])} if "body" in given else {}
    given["effect"] = given.get("effect") in (True, "true", "on", "1")
    times = given.pop("times", 0 if wish.get("times", 1) is None else 1)
    return with_status(given) | {"left": times or None}


def number(key: str, value: Any) -> float:
    try:
        read = NUMBERS[key](value)
    except (TypeError, ValueError):
        read = -1
    if isinstance(value, bool) or not 0 <= read < 1e9:
        raise ValueError(f"{key} is a number that is not negative")
    return read


def with_status(given: dict[str, Any]) -> dict[str, Any]:
    if "status" not in given and "retry_after" in given:
        return given | {"status": 429}
    if "status" not in given and "body" in given:
        return given | {"status": 200}
    return given


def read_body(body: Any) -> Any:
    """A form can only carry text: where it is JSON, JSON is meant."""
    try:
        return json.loads(body) if isinstance(body, str) else body
    except ValueError:
        return body
