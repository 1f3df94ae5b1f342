"""Failpoints: places where a test breaks the hub: HUB_FAILPOINTS="O4=kill@3,O6=raise,O8=sleep:2@1".

`@3`: at the third call in a process; without it at every call. If HUB_FAILPOINTS_DONE names a
folder, each kill leaves a file there, and the next process does not repeat it.
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

SETTING_NAME, DONE_FOLDER_NAME = "HUB_FAILPOINTS", "HUB_FAILPOINTS_DONE"
PLAN_PATTERN = re.compile(
    r"(?P<name>[A-Z]\d)=(?P<action>kill|raise|sleep)(:(?P<seconds>[\d.]+))?(@(?P<occurrence>\d+))?"
)


class FailpointRaised(Exception):
    """Raised by a failpoint with the action `raise`."""


@dataclass(frozen=True, slots=True)
class FailpointPlan:
    """The action of a failpoint (kill, raise, sleep), and the call at which it happens."""

    action: str
    seconds: float  # of a sleep
    occurrence: int  # 0: every call

    def execute(self, name: str) -> None:
        """Kill this process, raise FailpointRaised, or sleep."""
        if self.action == "raise":
            raise FailpointRaised(name)
        if self.action == "sleep":
            threading.Event().wait(self.seconds)
        elif _is_first_time(name):
            os.kill(os.getpid(), signal.SIGKILL)


def _is_first_time(name: str) -> bool:
    """Create the failpoint's file; return False if an earlier process has created it."""
    if folder := os.environ.get(DONE_FOLDER_NAME):
        try:
            with (Path(folder) / name).open("x") as marker:
                marker.write(f"{time.monotonic()} {os.getpid()}")
        except FileExistsError:
            return False
    return True


def parse_plans(text: str) -> dict[str, FailpointPlan]:
    """Parse a setting; return the plans by failpoint.

    Raises ValueError, as otherwise a bench that breaks nothing would pass.
    """
    plans = {}
    for part in filter(None, text.split(",")):
        if not (match := PLAN_PATTERN.fullmatch(part)):
            raise ValueError(f"{SETTING_NAME} is wrong: {part!r}")
        plans[match["name"]] = FailpointPlan(
            match["action"], float(match["seconds"] or 1), int(match["occurrence"] or 0)
        )
    return plans


def build_failpoint(plans: Mapping[str, FailpointPlan]) -> Callable[[str], None]:
    """Return the function that is called at each failpoint."""
    visits = Counter[str]()

    def count_visit(name: str) -> None:
        plan = plans.get(name)
        visits[name] += 1
        if plan and plan.occurrence in (0, visits[name]):
            plan.execute(name)

    return count_visit


def do_nothing(name: str) -> None:
    """Do nothing, as every failpoint does in production."""


ACTIVE_PLANS = parse_plans(os.environ.get(SETTING_NAME, ""))
failpoint = build_failpoint(ACTIVE_PLANS) if ACTIVE_PLANS else do_nothing


@register(Tags.security, deploy=True)
def check_failpoints_unset(app_configs: Any, **kwargs: Any) -> Sequence[CheckMessage]:
    """Return an error of `check --deploy` when failpoints are set."""
    if not ACTIVE_PLANS:
        return []
    return [Error(f"{SETTING_NAME} is set. It breaks the hub, for tests only.", id="hub.E003")]
