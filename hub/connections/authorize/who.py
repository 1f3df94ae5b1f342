"""Who began it, in which browser; and the ways in which it ends without a connection."""

import hashlib
from dataclasses import dataclass

from hub.connections.checks import steps
from hub.connections.models import Authorization
from hub.connections.probe import Finding
from tenants.models import User


class Refused(Exception):
    """It does not go on; the code says why, `checks` how far a test came. Nothing was stored."""

    def __init__(self, code: str, detail: str = "", finding: Finding | None = None) -> None:
        super().__init__(code)
        self.code, self.detail = code, detail
        self.checks = steps(finding) if finding else []


@dataclass(frozen=True, slots=True)
class Who:
    """The person before us, and what the session of their browser holds. A guest has a reference and no user."""

    browser: str
    user: User | None = None
    guest: str = ""

    def in_the_browser_of(self, row: Authorization) -> bool:
        return bool(self.browser) and digest_of(self.browser) == row.browser

    def began(self, row: Authorization) -> bool:
        return (self.user.pk if self.user else None, self.guest) == (row.user_id, row.guest)


def digest_of(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
