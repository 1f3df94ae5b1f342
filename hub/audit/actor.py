"""Who acts: a user, an API key, a guest, a command or the hub itself."""

from dataclasses import dataclass
from typing import Any, Self


@dataclass(frozen=True)
class Actor:
    kind: str
    id: str
    label: str
    acting_for: str = ""

    @classmethod
    def of_user(cls, user: Any) -> Self:
        return cls("user", str(user.pk), user.email)

    @classmethod
    def of_key(cls, api_key: Any) -> Self:
        return cls("api_key", api_key.prefix, api_key.name)


SYSTEM = Actor("system", "", "the hub")
