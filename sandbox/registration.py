"""How a system registers itself: `sandbox/<key>/__init__.py` has `SYSTEM`, a
`SystemRegistration`.
"""

from collections.abc import Callable, Sequence, Sized
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Protocol

from aiohttp import web

from sandbox.clock import Clock
from sandbox.gateway import Gateway
from sandbox.sending.deliveries import EventSource
from sandbox.sending.sender import Sender
from sandbox.storage.account_store import AccountStore, SystemDefaults
from sandbox.system import Send, System


class Pages(Protocol):
    """Pages for people, which the gateway does not record."""

    def routes(self) -> list[web.RouteDef]: ...


@dataclass(frozen=True)
class Environment:
    """What a system is started with. `state` is the folder for what it stores."""

    store: AccountStore
    gateway: Gateway
    state: Path
    clock: Clock
    random: Random
    send: Send
    sender: Sender
    systems: Sequence["SystemRegistration"]  # all that are registered, this one included


@dataclass(frozen=True)
class RunningSystem:
    """A started system: its API, its pages, the items that its home card counts, and what it
    sends.
    """

    api: System
    pages: Sequence[Pages]
    items: Sized
    events: EventSource | None = None


@dataclass(frozen=True, eq=False)
class SystemRegistration:
    """All that the sandbox has to know of a system.

    `key` is the name of its folder and the first part of its addresses. `order_url(account,
      number)` is the page on
    which an order is found in that account, None for a system without one.
    """

    key: str
    title: str
    nav_label: str
    about: str  # on its home card
    unit: str  # of the items that its home card counts
    defaults: SystemDefaults
    start: Callable[[Environment], RunningSystem]
    order_url: Callable[[str, str], str] | None = None
