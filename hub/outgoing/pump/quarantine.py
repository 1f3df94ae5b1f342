"""Quarantine: while suspects wait or are being sent, a pump sends nothing else."""

from dataclasses import dataclass

SUSPECT_EVERY_SECONDS = 0.5  # between looks for suspects


@dataclass(slots=True)
class Quarantine:
    """State of the quarantine, in which this pump sends suspects only; times by the loop's clock,
    in seconds.
    """

    is_active: bool = False
    checked_at: float = float("-inf")

    def is_check_due(self, loop_time: float, *, is_idle: bool) -> bool:
        """Return whether to look for suspects: an active quarantine ends only when the pump is
        idle.
        """
        if self.is_active:
            return is_idle
        return loop_time >= self.checked_at + SUSPECT_EVERY_SECONDS

    def record_check(self, loop_time: float, *, has_suspects: bool) -> None:
        """Begin, continue or end the quarantine."""
        self.checked_at, self.is_active = loop_time, has_suspects
