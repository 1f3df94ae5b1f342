"""What systems do with a URL whose answers fail, as data, and when the hub warns of it.

The hub counts its own answers by the minute, so it does not see which attempts belong to one
notification: what it counts is an upper bound of what the system counts.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, Protocol

# what the system does: it disables a whole app, stops for a while, deletes the registration, drops
# notifications that it tried for long, loses each that failed, or switches the URL off
Effect = Literal["disabled", "banned", "deleted", "dropped", "lost", "switched_off"]


@dataclass(frozen=True, slots=True)
class RecentAnswers:
    """How an endpoint answered lately. Failed: not accepted, or accepted too late."""

    failed_since: datetime | None = None  # the first failure after the last accepted request
    failed_in_a_row: int = 0  # since then
    failed_in_hour: int = 0
    answered_in_hour: int = 0


class SenderRule(Protocol):
    @property
    def effect(self) -> Effect: ...

    def find_warning(
        self, answers: RecentAnswers, *, now: datetime
    ) -> Mapping[str, str | int] | None:
        """Return the figures of the warning; None if the system is far from acting."""


@dataclass(frozen=True, slots=True)
class FailedShare:
    """The system acts when this share of an hour's answers failed."""

    effect: Effect
    share: float
    warn_share: float
    warn_least: int  # failures

    def find_warning(
        self, answers: RecentAnswers, *, now: datetime
    ) -> Mapping[str, str | int] | None:
        failed, answered = answers.failed_in_hour, answers.answered_in_hour
        if failed < self.warn_least or failed < self.warn_share * answered:
            return None
        return {"failed": failed, "answered": answered, "limit": round(self.share * 100)}


@dataclass(frozen=True, slots=True)
class FailuresInARow:
    """The system acts after so many failures without a success between them."""

    effect: Effect
    limit: int
    warn_count: int
    stops_for: timedelta = timedelta(
        0
    )  # then it sends nothing for so long, and what happens is lost

    def find_warning(
        self, answers: RecentAnswers, *, now: datetime
    ) -> Mapping[str, str | int] | None:
        if answers.failed_in_a_row < self.warn_count:
            return None
        return {"failed": answers.failed_in_a_row, "limit": self.limit}


@dataclass(frozen=True, slots=True)
class NothingAccepted:
    """The system acts when nothing was accepted for so long, although it tried."""

    effect: Effect
    limit: timedelta
    warn_after: timedelta

    def find_warning(
        self, answers: RecentAnswers, *, now: datetime
    ) -> Mapping[str, str | int] | None:
        since = answers.failed_since
        if since is None or now - since < self.warn_after:
            return None
        hours = round(self.limit / timedelta(hours=1))
        return {"since": f"{since:%Y-%m-%d %H:%M} UTC", "limit": hours}
