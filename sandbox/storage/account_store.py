"""The accounts that exist: read from a file, merged while running, kept in that file."""

import json
from collections.abc import Callable
from dataclasses import MISSING, fields
from pathlib import Path
from types import UnionType
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from sandbox.accounts import Company, Endpoint, HecToken, OrderApp, Org, Team, Tenant
from sandbox.builtin import BUILT_IN

LATENCY = {
    "slack": [0.03, 0.12],
    "salesforce": [0.05, 0.2],
    "pipedrive": [0.05, 0.2],
    "splunk": [0.005, 0.03],
    "webhook": [0, 0],
    "app": [0, 0],
}
LISTS: dict[str, tuple[type, tuple[str, ...]]] = {  # section → what an entry is, and what names it
    "slack": (Team, ("team",)),
    "salesforce": (Org, ("org",)),
    "pipedrive": (Company, ("company",)),
    "splunk": (HecToken, ("stack", "token")),
    "webhook": (Endpoint, ("endpoint",)),
}
A = TypeVar("A")


class AccountStore:
    """`raw` is the JSON as given; the other attributes are its accounts, rebuilt after each merge."""

    def __init__(self, path: Path):
        self._path = path
        self._listeners: list[Callable[[], None]] = []
        self._take(json.loads(path.read_text()) if path.exists() else BUILT_IN)

    def heard_by(self, listener: Callable[[], None]) -> None:
        self._listeners.append(listener)

    def merge(self, posted: Any) -> None:
        """Raises ValueError with a sentence, and then nothing has changed."""
        self._take(merged(self.raw, checked(posted)))
        self._path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._path.with_suffix(".new")
        fresh.write_text(json.dumps(self.raw, indent=2))
        fresh.replace(self._path)
        for listener in self._listeners:
            listener()

    def _take(self, raw: Any) -> None:
        raw = checked(raw)
        built = {key: accounts(key, raw.get(key, [])) for key in LISTS}
        app = build(OrderApp, raw.get("app", {}), "app")
        self.tenants = {
            tenant.reference: tenant
            for tenant in (build(Tenant, entry, "app.tenants") for entry in app.tenants)
        }
        self.latency = LATENCY | latencies(raw.get("latency", {}))
        self.raw, self.app = raw, app
        self.slack: dict[str, Team] = {team.team: team for team in built["slack"]}
        self.salesforce: dict[str, Org] = {org.org: org for org in built["salesforce"]}
        self.pipedrive: dict[str, Company] = {
            company.company: company for company in built["pipedrive"]
        }
        self.splunk: list[HecToken] = built["splunk"]
        self.webhook: dict[str, Endpoint] = {
            endpoint.endpoint: endpoint for endpoint in built["webhook"]
        }


def accounts(section: str, entries: Any) -> list[Any]:
    kind, _ = LISTS[section]
    if not isinstance(entries, list):
        raise ValueError(f"{section} is a list")
    return [build(kind, entry, section) for entry in entries]


def build(kind: type[A], entry: Any, where: str) -> A:
    if not isinstance(entry, dict):
        raise ValueError(f"{where}: an entry is a JSON object")
    hints = get_type_hints(kind)
    for name, value in entry.items():
        if name not in hints:
            raise ValueError(f"{where}: unknown field {name!r}")
        if not fits(value, hints[name]):
            raise ValueError(f"{where}: {name} has the wrong type")
    for needed in fields(kind):
        if (
            needed.default is MISSING
            and needed.default_factory is MISSING
            and not entry.get(needed.name)
        ):
            raise ValueError(f"{where}: {needed.name} is required")
    return kind(**entry)


def fits(value: Any, hint: Any) -> bool:
    if get_origin(hint) is UnionType:
        return any(fits(value, option) for option in get_args(hint))
    if get_origin(hint) is Literal:
        return value in get_args(hint)
    if get_origin(hint) is list:
        return isinstance(value, list) and all(fits(item, get_args(hint)[0]) for item in value)
    if get_origin(hint) is dict:
        return isinstance(value, dict)
    if hint in (int, float):
        return isinstance(value, (int, hint)) and not isinstance(value, bool)
    return isinstance(value, hint)


def checked(raw: Any) -> dict[str, Any]:
    if not isinstance(raw, dict):
        raise ValueError("a world is a JSON object")
    if unknown := set(raw) - {*LISTS, "app", "latency"}:
        raise ValueError(f"unknown section {sorted(unknown)[0]!r}")
    return raw


def latencies(given: Any) -> dict[str, list[float]]:
    if not isinstance(given, dict) or not set(given) <= set(LATENCY):
        raise ValueError(f"latency names the systems {', '.join(LATENCY)}")
    for bounds in given.values():
        if not fits(bounds, list[float]) or len(bounds) != 2 or not 0 <= bounds[0] <= bounds[1]:
            raise ValueError("latency is [least, most], in seconds")
    return given


def merged(old: dict[str, Any], posted: dict[str, Any]) -> dict[str, Any]:
    result = dict(old)
    for section, (_, keys) in LISTS.items():
        if section in posted:
            accounts(section, posted[section])
            result[section] = merged_list(old.get(section, []), posted[section], keys)
    if "app" in posted:
        build(OrderApp, posted["app"], "app")
        result["app"] = old.get("app", {}) | posted["app"]
        tenants = old.get("app", {}).get("tenants", []), posted["app"].get("tenants", [])
        result["app"]["tenants"] = merged_list(*tenants, ("reference",))
    result["latency"] = old.get("latency", {}) | latencies(posted.get("latency", {}))
    return result


def merged_list(
    old: list[dict[str, Any]], posted: list[dict[str, Any]], keys: tuple[str, ...]
) -> list[dict[str, Any]]:
    by_key = {tuple(entry.get(key) for key in keys): entry for entry in old}
    for entry in posted:
        key = tuple(entry.get(key) for key in keys)
        by_key[key] = by_key.get(key, {}) | entry
    return list(by_key.values())
