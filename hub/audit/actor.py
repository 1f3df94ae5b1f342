"""Describe who acts: a user, an API key, a guest, a command or the hub itself."""

from dataclasses import dataclass
from typing import Protocol, Self


class UserRow(Protocol):
    """A user of the hub."""

    @property
    def pk(self) -> object: ...

    @property
    def email(self) -> str: ...


class KeyRow(Protocol):
    """An API key."""

    @property
    def prefix(self) -> str: ...

    @property
    def name(self) -> str: ...


@dataclass(frozen=True)
class Actor:
    kind: str
    id: str
    label: str
    acting_for: str = ""

    @classmethod
    def of_user(cls, user: UserRow) -> Self:
        return cls("user", str(user.pk), user.email)

    @classmethod
    def of_key(cls, api_key: KeyRow) -> Self:
        return cls("api_key", api_key.prefix, api_key.name)


SYSTEM = Actor("system", "", "the hub")
