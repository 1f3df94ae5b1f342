"""The accounts that a world is made of; README.md is their reference."""

from dataclasses import dataclass, field
from typing import Any, Literal

SCOPES = "chat:write,chat:write.public,channels:read,users:read,users:read.email"


@dataclass(frozen=True)
class Team:
    """A Slack workspace, with our app in it."""

    team: str
    name: str = ""
    domain: str = ""
    token: str = ""
    refresh_token: str = ""
    user_token: str = ""
    user_refresh_token: str = ""
    user_scopes: str = ""
    rotation: bool = False
    expires_in: int = 43200
    client_id: str = ""
    client_secret: str = ""
    app_id: str = "A0000000HUB"
    bot_user: str = "U0000000HUB"
    bot_name: str = "Hub"
    scopes: str = SCOPES
    approval: Literal["", "needed", "refused"] = ""
    redirect_urls: list[str] = field(default_factory=list)
    channels: list[dict[str, Any]] = field(default_factory=list)
    users: list[dict[str, Any]] = field(default_factory=list)
    limits: dict[str, Any] = field(default_factory=dict)
    revoked: bool = False

    @property
    def rotates(self) -> bool:
        return bool(self.rotation or self.refresh_token or self.user_refresh_token)

    @property
    def owner(self) -> str:
        """Who consents."""
        return str(self.users[0]["id"]) if self.users else f"U{self.team[1:]}ONE"

    @property
    def title(self) -> str:
        return self.name or self.team


@dataclass(frozen=True)
class Org:
    """A Salesforce org."""

    org: str
    name: str = ""
    user: str = "005000000000001AAA"
    access_token: str = ""
    refresh_token: str = ""
    rotates: bool = False
    client_id: str = ""
    client_secret: str = ""
    sandbox: bool = False
    login_host: str = ""  # its My Domain, such as acme.my.salesforce.com
    login_host_only: bool = False  # nobody signs in at login.salesforce.com or test.salesforce.com
    scopes: str = "api refresh_token id openid"
    requires_pkce: bool = False
    approval: Literal["", "blocked", "not_installed", "not_approved", "generic"] = ""
    instance_url: str = ""
    redirect_urls: list[str] = field(default_factory=list)
    session_timeout: int = 7200
    daily_limit: int = 15000
    fields: dict[str, Any] = field(default_factory=dict)
    records: dict[str, Any] = field(default_factory=dict)
    batch_size: int = 2000
    revoked: bool = False

    @property
    def title(self) -> str:
        return self.name or self.org


@dataclass(frozen=True)
class Company:
    """A Pipedrive company, and its user who lets our app in."""

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
    scopes: str = "base,contacts:full,deals:full,leads:full,activities:full"
    redirect_urls: list[str] = field(default_factory=list)
    plan: Literal["lite", "growth", "premium", "ultimate"] = "lite"
    seats: int = 1
    daily_tokens: int = 0
    daily_told: bool = True
    burst: int = 0
    currency: str = "EUR"
    custom_fields: dict[str, Any] = field(default_factory=dict)
    pipelines: list[dict[str, Any]] = field(default_factory=list)
    records: dict[str, Any] = field(default_factory=dict)
    closed: bool = False
    revoked: bool = False

    @property
    def title(self) -> str:
        return self.name or self.company

    @property
    def host(self) -> str:
        return self.domain or f"company{self.company}"


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


@dataclass(frozen=True)
class Endpoint:
    """A place for webhooks."""

    endpoint: str
    name: str = ""
    secret: str | list[str] = ""
    strict: bool = False

    @property
    def secrets(self) -> list[str]:
        given = [self.secret] if isinstance(self.secret, str) else self.secret
        return [secret for secret in given if secret]


@dataclass(frozen=True)
class Tenant:
    """A customer of the order application; the last five name where its orders may be seen."""

    reference: str
    name: str = ""
    hub_key: str = ""
    slack: str = ""
    salesforce: str = ""
    pipedrive: str = ""
    splunk: str = ""
    webhook: str = ""

    @property
    def title(self) -> str:
        return self.name or self.reference


@dataclass(frozen=True)
class OrderApp:
    hub: str = "http://127.0.0.1:8000"
    secret: str = ""
    api_key: str = ""
    tenants: list[dict[str, Any]] = field(default_factory=list)
