"""The accounts of all systems: read from a file, merged while running, and stored in that file."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, cast

from sandbox.storage.sections import AccountList, Section, is_instance

DEFAULT_HUB = "http://127.0.0.1:8000"
T = TypeVar("T")


@dataclass(frozen=True)
class SystemDefaults:
    """The defaults of a system: its section of the accounts file, its built-in accounts, and its
    latency in seconds.

    `more` are further sections of the system, each with its content if the file does not have the
    section.
    """

    section: Section[Any]
    builtin: Any
    latency: tuple[float, float]  # least, most
    more: tuple[tuple[Section[Any], Any], ...] = ()

    @property
    def sections(self) -> tuple[tuple[Section[Any], Any], ...]:
        return ((self.section, self.builtin), *self.more)


class AccountStore:
    """`raw` is the JSON as it was given; `store[section]` are the accounts built of it.

    A section that the file does not have holds the built-in accounts of its system.
    """

    def __init__(self, path: Path, systems: Mapping[str, SystemDefaults]):
        self._path = path
        self._systems = systems
        self._keys = frozenset(systems)
        pairs = [pair for system in systems.values() for pair in system.sections]
        self._sections = {section.key: section for section, _ in pairs}
        self._listeners: list[Callable[[], None]] = []
        builtin = {section.key: accounts for section, accounts in pairs}
        self._load(builtin | self._checked(json.loads(path.read_text()) if path.exists() else {}))

    def __getitem__(self, section: Section[T]) -> T:
        return cast(T, self._built[section.key])

    @property
    def hub_url(self) -> str:
        return str(self.raw.get("app", {}).get("hub", DEFAULT_HUB))

    def subscribe(self, listener: Callable[[], None]) -> None:
        """Call the listener after each merge."""
        self._listeners.append(listener)

    def merge(self, posted: Any) -> None:
        """Merge accounts and store them. Raises ValueError with a sentence, and changes nothing
        then.
        """
        self._load(self._merged(self._checked(posted)))
        self._path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._path.with_suffix(".new")
        fresh.write_text(json.dumps(self.raw, indent=2))
        fresh.replace(self._path)
        for listener in self._listeners:
            listener()

    def change_account(self, key: str, account: str, **changes: Any) -> None:
        """Merge changes into one account of a system. Raises ValueError with a sentence."""
        section = self._sections[key]
        if not isinstance(section, AccountList):
            raise ValueError(f"{key} has no list of accounts")
        self.merge({key: [{section.names[0]: account, **changes}]})

    def _load(self, raw: dict[str, Any]) -> None:
        built = {
            key: section.build(raw.get(key), self._keys) for key, section in self._sections.items()
        }
        latency = {key: list(system.latency) for key, system in self._systems.items()}
        self.latency = latency | self._checked_latency(raw.get("latency", {}))
        self.raw, self._built = raw, built

    def _merged(self, posted: dict[str, Any]) -> dict[str, Any]:
        merged = {
            key: section.merge(self.raw.get(key), posted[key], self._keys)
            for key, section in self._sections.items()
            if key in posted
        }
        posted_latency = self._checked_latency(posted.get("latency", {}))
        return self.raw | merged | {"latency": self.raw.get("latency", {}) | posted_latency}

    def _checked(self, raw: Any) -> dict[str, Any]:
        if not isinstance(raw, dict):
            raise ValueError("a world is a JSON object")
        if unknown := set(raw) - set(self._sections) - {"latency"}:
            raise ValueError(f"unknown section {sorted(unknown)[0]!r}")
        return raw

    def _checked_latency(self, latency: Any) -> dict[str, list[float]]:
        if not isinstance(latency, dict) or not set(latency) <= self._keys:
            raise ValueError(f"latency names the systems {', '.join(sorted(self._keys))}")
        for bounds in latency.values():
            if (
                not is_instance(bounds, list[float])
                or len(bounds) != 2
                or not 0 <= bounds[0] <= bounds[1]
            ):
                raise ValueError("latency is [least, most], in seconds")
        return latency
