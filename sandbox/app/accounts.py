"""The order application's section of the accounts file: the hub's address, and the application's
customers.
"""

from dataclasses import dataclass, field
from typing import Any

from sandbox.storage.account_store import DEFAULT_HUB
from sandbox.storage.sections import build_entry, merge_lists


@dataclass(frozen=True)
class Tenant:
    """A customer of the order application. `accounts` names, by system, where its orders are
    found; `users` are its people from the beginning.
    """

    reference: str
    name: str = ""
    hub_key: str = ""
    accounts: dict[str, str] = field(default_factory=dict)
    users: list[dict[str, Any]] = field(default_factory=list)

    @property
    def title(self) -> str:
        return self.name or self.reference


@dataclass(frozen=True)
class OrderApp:
    """The application itself, with its tenants as stated in the file."""

    hub: str = DEFAULT_HUB
    secret: str = ""
    api_key: str = ""
    answers: bool = True  # questions are answered by the application itself
    tenants: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class OrderAppAccounts:
    app: OrderApp
    tenants: dict[str, Tenant]  # by reference


class OrderAppSection:
    """One JSON object with a list of tenants, each with a field for every system that it uses."""

    key = "app"

    def build(self, raw: Any, systems: frozenset[str]) -> OrderAppAccounts:
        app = build_entry(OrderApp, {} if raw is None else raw, "app")
        tenants = [build_tenant(entry, systems) for entry in app.tenants]
        return OrderAppAccounts(app, {tenant.reference: tenant for tenant in tenants})

    def merge(self, stored: Any, posted: Any, systems: frozenset[str]) -> dict[str, Any]:
        self.build(posted, systems)
        stored_app: dict[str, Any] = stored or {}
        tenants = merge_lists(
            stored_app.get("tenants", []), posted.get("tenants", []), ("reference",)
        )
        return {**stored_app, **posted, "tenants": tenants}


def build_tenant(entry: Any, systems: frozenset[str]) -> Tenant:
    if not isinstance(entry, dict):
        raise ValueError("app.tenants: an entry is a JSON object")
    accounts = {key: account for key, account in entry.items() if key in systems - {"app"}}
    for key, account in accounts.items():
        if not isinstance(account, str):
            raise ValueError(f"app.tenants: {key} has the wrong type")
    own_fields = {key: value for key, value in entry.items() if key not in accounts}
    if "accounts" in own_fields:
        raise ValueError("app.tenants: unknown field 'accounts'")
    return build_entry(Tenant, own_fields | {"accounts": accounts}, "app.tenants")


APP = OrderAppSection()
BUILT_IN: dict[str, Any] = {
    "tenants": [
        {
            "reference": "acme",
            "name": "Acme",
            "slack": "T0000ACME",
            "salesforce": "00D000000000001EAA",
            "pipedrive": "701",
            "splunk": "acme",
            "webhook": "acme",
        },
        {
            "reference": "globex",
            "name": "Globex",
            "slack": "T000GLOBEX",
            "salesforce": "00D000000000002EAA",
            "pipedrive": "702",
            "splunk": "globex",
            "webhook": "globex",
        },
    ]
}
