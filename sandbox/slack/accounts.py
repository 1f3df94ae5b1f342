"""The workspaces of the simulated Slack, and the built-in two."""

from dataclasses import dataclass, field
from typing import Any, Literal

from sandbox.storage.sections import AccountList

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


TEAMS = AccountList("slack", Team, "team")
BUILT_IN: list[dict[str, Any]] = [
    {
        "team": "T0000ACME",
        "name": "Acme",
        "domain": "acme",
        "token": "xoxb-acme-1",
        "client_id": "hub.slack",
        "client_secret": "slack-secret",
        "channels": [
            {"id": "C0000GEN1", "name": "general"},
            {"id": "C0000ORD1", "name": "orders"},
            {"id": "C0000FAR1", "name": "far-away", "is_member": False},
            {"id": "C0000OLD1", "name": "old-news", "is_archived": True},
            {"id": "C0000SEC1", "name": "board", "is_private": True, "is_member": False},
        ],
        "users": [
            {
                "id": "U0000ANN1",
                "name": "ann",
                "real_name": "Ann Archer",
                "email": "ann@acme.example",
            },
            {
                "id": "U0000BOB1",
                "name": "bob",
                "real_name": "Bob Baker",
                "email": "bob@acme.example",
            },
        ],
    },
    {
        "team": "T000GLOBEX",
        "name": "Globex",
        "domain": "globex",
        "token": "xoxe.xoxb-1-globex-1",
        "refresh_token": "xoxe-1-globex-1",
        "client_id": "hub.slack",
        "client_secret": "slack-secret",
        "channels": [{"id": "C0000GEN2", "name": "general"}],
        "users": [
            {
                "id": "U0000CAT2",
                "name": "cat",
                "real_name": "Cat Cole",
                "email": "cat@globex.example",
            }
        ],
    },
]
