"""The state of shipping one log: which lines were sent, and which are acknowledged. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

from connectors.roles import BatchAnswer


@dataclass(frozen=True, slots=True)
class Batch:
    """Lines that were sent in one request. `ticket` is None once they need no acknowledgement.

    `sent_at` is in seconds since 1970. `refused`: the system refused this single line; `rejected`:
    permanently, as it accepts others.
    """

    first: int
    count: int
    channel: int = 0
    ticket: int | None = None
    sent_at: float = 0.0
    refused: bool = False
    rejected: bool = False

    @property
    def is_settled(self) -> bool:
        return self.ticket is None and (self.rejected or not self.refused)

    @property
    def end(self) -> int:
        return self.first + self.count

    def to_json(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class Gap:
    """Lines to send: `count` of them from `first` on; None: all following ones."""

    first: int
    count: int | None


class Shipment:
    """All lines before `shipped_line` are settled; `batches` are the sent batches after it.

    Lines in no batch are to be sent. A lost batch is removed, so its lines are sent again. A
    channel has at most one batch that waits for its acknowledgement: tickets start at 0 again when
    the system restarts, and the ticket of a batch is unknown if its response was lost. With a
    channel of its own, a batch cannot be acknowledged by another batch's ticket.
    """

    def __init__(self, shipped_line: int, batches: Sequence[Mapping[str, Any]]) -> None:
        self.shipped_line = shipped_line
        self.batches = [Batch(**batch) for batch in batches]

    def find_gap(self) -> Gap:
        """Return the first range of lines to send."""
        line = self.shipped_line
        for batch in self.batches:
            if batch.first > line:
                return Gap(line, batch.first - line)
            line = batch.end
        return Gap(line, None)

    def pending(self) -> list[Batch]:
        """Return the batches that wait for their acknowledgement, oldest first."""
        return [batch for batch in self.batches if batch.ticket is not None]

    def find_channel(self) -> int:
        """Return the smallest number of a channel without a waiting batch."""
        occupied = {batch.channel for batch in self.pending()}
        return next(number for number in count() if number not in occupied)

    def record_answer(self, first: int, answer: BatchAnswer, *, channel: int, now: float) -> None:
        """Record that the lines were accepted."""
        if answer.accepted_count:
            self._insert(Batch(first, answer.accepted_count, channel, answer.ticket, now))

    def refused_lines(self) -> list[int]:
        """Return the lines that are refused and not rejected."""
        return [batch.first for batch in self.batches if batch.refused and not batch.rejected]

    def record_refused(self, line: int) -> None:
        """Record that the system refuses this single line."""
        self._insert(Batch(line, 1, refused=True))

    def reject_refused(self) -> None:
        """Mark refused lines as rejected, as the system accepts others."""
        self.batches = [
            replace(batch, rejected=True) if batch.refused else batch for batch in self.batches
        ]

    def acknowledge(self, acknowledged: Batch) -> None:
        """Record that a batch is acknowledged."""
        self.batches = [
            replace(batch, ticket=None) if batch == acknowledged else batch
            for batch in self.batches
        ]

    def remove_unacknowledged(
        self,
        polled_batches: Sequence[Batch],
        *,
        sent_before_epoch: float,
        overtaken_before_epoch: float,
    ) -> int:
        """Remove those of the batches not acknowledged in time, so that they are sent again.

        Return the number of their lines. The time limit is shorter for a batch if a later one is
        acknowledged, as its own acknowledgement was then probably lost.
        """
        newest = max((batch.sent_at for batch in self.batches if batch.is_settled), default=0.0)
        overtaken_before_epoch = min(overtaken_before_epoch, newest)
        unconfirmed = [
            batch
            for batch in self.pending()
            if batch in polled_batches
            and (batch.sent_at <= sent_before_epoch or batch.sent_at < overtaken_before_epoch)
        ]
        self.batches = [batch for batch in self.batches if batch not in unconfirmed]
        return sum(batch.count for batch in unconfirmed)

    def settle(self) -> tuple[int, int]:
        """Advance over settled batches; return the numbers of lines and of rejected ones."""
        before, rejected = self.shipped_line, 0
        while self.batches and self.batches[0].is_settled:
            if self.batches[0].first != self.shipped_line:
                break
            batch = self.batches.pop(0)
            self.shipped_line = batch.end
            rejected += batch.count if batch.rejected else 0
        return self.shipped_line - before, rejected

    def drop(self, end: int) -> int:
        """Advance to a line, whatever the state of earlier ones; return how many were shipped."""
        before = [batch for batch in self.batches if batch.first < end]
        self.batches = [batch for batch in self.batches if batch.first >= end]
        self.shipped_line = max([end, *(batch.end for batch in before if batch.is_settled)])
        return sum(batch.count for batch in before if batch.is_settled)

    def to_json(self) -> list[dict[str, Any]]:
        """Return the batches as JSON; refused lines not yet rejected are tried again afterwards."""
        return [batch.to_json() for batch in self.batches if batch.rejected or not batch.refused]

    def _insert(self, batch: Batch) -> None:
        self.batches = sorted([*self.batches, batch], key=lambda entry: entry.first)
