"""Named places where a test may break the hub: HUB_FAILPOINTS="O4=kill@3,O6=raise,O8=sleep:2@1". Nothing in production.

`@3`: at the third time that a process comes by; without it at each. What each name means stands where it is called.
Where HUB_FAILPOINTS_DONE names a folder, each kill is noted there, and not done again by the process that comes after.
"""

import os
import re
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.core.checks import CheckMessage, Error, Tags, register

NAME, DONE = "HUB_FAILPOINTS", "HUB_FAILPOINTS_DONE"
FORM = re.compile(r"(?P<name>[A-Z]\d)=(?P<act>kill|raise|sleep)(:(?P<seconds>[\d.]+))?(@(?P<turn>\d+))?")


class FailPoint(Exception):
    """A test asked for this."""


@dataclass(frozen=True, slots=True)
class Plan:
    act: str
    seconds: float
    turn: int  # 0: each

    def carry_out(self, name: str) -> None:
        if self.act == "raise":
            raise FailPoint(name)
        if self.act == "sleep":
            threading.Event().wait(self.seconds)
        elif first_time(name):
            os.kill(os.getpid(), signal.SIGKILL)


def first_time(name: str) -> bool:
    if folder := os.environ.get(DONE):
        try:
            with (Path(folder) / name).open("x") as note:
                note.write(f"{time.monotonic()} {os.getpid()}")
        except FileExistsError:
            return False
    return True


def plans_of(text: str) -> dict[str, Plan]:
    """Raises ValueError where it cannot be read: a bench that breaks nothing would pass."""
    plans = {}
    for part in filter(None, text.split(",")):
        if not (found := FORM.fullmatch(part)):
            raise ValueError(f"{NAME} is wrong: {part!r}")
        plans[found["name"]] = Plan(found["act"], float(found["seconds"] or 1), int(found["turn"] or 0))
    return plans


def points(plans: Mapping[str, Plan]) -> Callable[[str], None]:
    """The function that is called at each place."""
    came = Counter[str]()

    def reached(name: str) -> None:
        plan = plans.get(name)
        came[name] += 1
        if plan and plan.turn in (0, came[name]):
            plan.carry_out(name)

    return reached


def passed(name: str) -> None:
    """In production."""


ACTIVE = plans_of(os.environ.get(NAME, ""))
failpoint = points(ACTIVE) if ACTIVE else passed


@register(Tags.security, deploy=True)
def none_in_production(app_configs: Any, **kwargs: Any) -> Sequence[CheckMessage]:
    return [Error(f"{NAME} is set: it is there to break the hub in a test.", id="hub.E003")] if ACTIVE else []
