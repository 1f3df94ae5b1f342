"""The tokens of the simulated HTTP Event Collector, and the built-in two."""

from dataclasses import dataclass, field
from typing import Any

from sandbox.storage.sections import AccountList


@dataclass(frozen=True)
class HecToken:
    """A token of Splunk's HTTP Event Collector."""

    stack: str
    token: str
    name: str = "hub"
    index: str = "main"
    indexes: list[str] = field(default_factory=list)
    sourcetype: str = "_json"
    ack: bool = False
    ack_after: float = 0
    query_auth: bool = False
    disabled: bool = False
    cloud: bool = False
    max_bytes: int = 5_500_000
    management_token: str = ""  # Bearer of the management API of its stack


@dataclass(frozen=True)
class SavedSearch:
    """A saved search whose alert action is a webhook."""

    stack: str
    name: str
    url: str = ""
    owner: str = "admin"
    app: str = "search"
    track: bool = True  # the action Add to Triggered Alerts
    expires: int = 86400  # seconds for which it is listed there


HEC_TOKENS = AccountList("splunk", HecToken, "stack", "token")
SAVED_SEARCHES = AccountList("splunk_alerts", SavedSearch, "stack", "name")
BUILT_IN: list[dict[str, Any]] = [
    {
        "stack": "acme",
        "token": "11111111-1111-4111-8111-111111111111",
        "indexes": ["main", "orders"],
    },
    {"stack": "globex", "token": "22222222-2222-4222-8222-222222222222", "ack": True},
]
