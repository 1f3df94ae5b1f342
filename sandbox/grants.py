"""Authorization codes: given out on a consent page, redeemed once, soon."""

from dataclasses import dataclass
from random import Random

LIFE = 600  # seconds: Slack's 10 minutes


@dataclass(frozen=True)
class Grant:
    account: str
    redirect_uri: str
    challenge: str  # PKCE, S256; empty without
    at: float


class Codes:
    def __init__(self, random: Random):
        self._random = random
        self._grants: dict[str, Grant] = {}

    def give(self, grant: Grant) -> str:
        code = f"{self._random.getrandbits(160):040x}"
        self._grants[code] = grant
        return code

    def known(self, code: str) -> Grant | None:
        return self._grants.get(code)

    def redeem(self, code: str, at: float) -> Grant | None:
        grant = self._grants.pop(code, None)
        return grant if grant and at < grant.at + LIFE else None
