"""The companies of the simulated Pipedrive, and the built-in two."""

from dataclasses import dataclass, field
from typing import Any, Literal

from sandbox.storage.sections import AccountList


@dataclass(frozen=True)
class Company:
    """A Pipedrive company, and its user who authorizes our app."""

    company: str
    name: str = ""
    domain: str = ""
    user: str = "Pat Pipe"
    user_id: int = 31
    email: str = "pat@pipedrive.example"
    access_token: str = ""
    refresh_token: str = ""
    expires_in: int = 3600
    client_id: str = ""
    client_secret: str = ""
    scopes: str = "base,contacts:full,deals:full,leads:full,activities:full,users:read"
    redirect_urls: list[str] = field(default_factory=list)
    plan: Literal["lite", "growth", "premium", "ultimate"] = "lite"
    seats: int = 1
    daily_tokens: int = 0
    daily_told: bool = True
    burst: int = 0
    currency: str = "EUR"
    custom_fields: dict[str, Any] = field(default_factory=dict)
    # standard fields that are required, by path
    required_fields: dict[str, Any] = field(default_factory=dict)
    pipelines: list[dict[str, Any]] = field(default_factory=list)
    records: dict[str, Any] = field(default_factory=dict)
    users: list[dict[str, Any]] = field(default_factory=list)  # beside the one who lets us in
    closed: bool = False
    revoked: bool = False

    @property
    def title(self) -> str:
        return self.name or self.company

    @property
    def host(self) -> str:
        return self.domain or f"company{self.company}"


COMPANIES = AccountList("pipedrive", Company, "company")
BUILT_IN: list[dict[str, Any]] = [
    {
        "company": "701",
        "name": "Acme",
        "domain": "acme",
        "user": "Ann Archer",
        "email": "ann@acme.example",
        "access_token": "v1u:acme-1",
        "refresh_token": "701:acme-1",
        "client_id": "hub.pipedrive",
        "client_secret": "pipedrive-secret",
        "custom_fields": {"deals": {"dcf558aac1ae4e8c4f849ba5e668430d8df9be12": "Order number"}},
        "records": {
            "organizations": [{"name": "Acme Retail"}],
            "persons": [{"name": "Ada Lovelace", "org_id": 1}],
        },
    },
    {
        "company": "702",
        "name": "Globex",
        "domain": "globex",
        "user": "Cat Cole",
        "email": "cat@globex.example",
        "access_token": "v1u:globex-1",
        "refresh_token": "702:globex-1",
        "client_id": "hub.pipedrive",
        "client_secret": "pipedrive-secret",
        "plan": "growth",
    },
]
