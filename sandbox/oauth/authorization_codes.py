"""Authorization codes: issued on a consent page, redeemed once, within seconds, by the client that
requested them.
"""

from dataclasses import dataclass
from random import Random


@dataclass(frozen=True)
class Grant:
    account: str
    client: str
    redirect_uri: str
    at: float
    challenge: str = ""  # PKCE, S256
    nonce: str = ""  # of OpenID Connect: the ID token repeats it
    scopes: tuple[str, ...] = ()
    user_scopes: tuple[str, ...] = ()


class AuthorizationCodes:
    def __init__(self, random: Random, *, lifetime: float):
        self._random = random
        self._life = lifetime  # seconds
        self._grants: dict[str, Grant] = {}

    def issue(self, grant: Grant) -> str:
        code = f"{self._random.getrandbits(160):040x}"
        self._grants[code] = grant
        return code

    def find(self, code: str) -> Grant | None:
        return self._grants.get(code)

    def redeem(self, code: str, *, client: str, at: float) -> Grant | None:
        grant = self._grants.pop(code, None)
        return grant if grant and grant.client == client and at < grant.at + self._life else None
