"""Data classes of an explanation, and the format of its times."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.translation import gettext as _

from hub.outgoing.insight.explain.effective_state import EffectiveState


@dataclass(frozen=True, slots=True)
class Check:
    """One check. `passed` is None if the check was not reached, or does not matter."""

    name: str
    passed: bool | None
    sentence: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class DeliveryExplanation:
    checks: Sequence[Check]
    effective_state: EffectiveState
    next_try: datetime | None

    @property
    def first_failed_check(self) -> Check | None:
        return next((check for check in self.checks if check.passed is False), None)


def format_local_time(at: datetime | None) -> str:
    """Format a time in the zone that the page has activated; in UTC if there is none."""
    return f"{timezone.localtime(at):%Y-%m-%d %H:%M:%S %Z}" if at else _("some time")


def format_duration(length: timedelta) -> str:
    return str(timedelta(seconds=max(0, round(length.total_seconds()))))
