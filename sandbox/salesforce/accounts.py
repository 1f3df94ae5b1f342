"""The orgs of the simulated Salesforce, and the built-in two."""

from dataclasses import dataclass, field
from typing import Any, Literal

from sandbox.salesforce.ids import id_of, long
from sandbox.storage.sections import AccountList


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
    daily_jobs: int = 10_000  # of Bulk API 2.0, to read; and as many to write
    fields: dict[str, Any] = field(default_factory=dict)
    schema_changes: list[dict[str, Any]] = field(default_factory=list)  # by the control
    records: dict[str, Any] = field(default_factory=dict)
    users: list[dict[str, Any]] = field(default_factory=list)  # beside the one who lets us in
    batch_size: int = 2000
    customize_application: bool = True  # the permission that the Tooling API needs
    active_flows: bool = True  # may be deployed as active
    revoked: bool = False

    @property
    def title(self) -> str:
        return self.name or self.org

    @property
    def colleague(self) -> str:
        """Another user than the one who authorized us."""
        return long(id_of("005", 2))


ORGS = AccountList("salesforce", Org, "org")
BUILT_IN: list[dict[str, Any]] = [
    {
        "org": "00D000000000001EAA",
        "name": "Acme",
        "access_token": "00D000000000001!acme",
        "refresh_token": "5Aep-acme",
        "client_id": "hub.salesforce",
        "client_secret": "salesforce-secret",
        "records": {"Account": [{"Name": "Acme Retail"}]},
    },
    {
        "org": "00D000000000002EAA",
        "name": "Globex",
        "access_token": "00D000000000002!globex",
        "refresh_token": "5Aep-globex",
        "rotates": True,
        "client_id": "hub.salesforce",
        "client_secret": "salesforce-secret",
    },
]


def username(org: Org) -> str:
    """Of the user who authorized us."""
    return f"hub@{org.title.lower().replace(' ', '-')}.example"
