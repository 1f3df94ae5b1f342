"""Limit the size of the next batch: smaller after a refusal, to find the line that caused it."""

from collections.abc import Sequence

FULL_BATCH_SHARE = 0.9  # of the bytes


class BatchLimits:
    """The limits of a batch. `max_lines` is None unless one was recently refused as a whole."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.max_lines: int | None = None
        self.refused_count = 0  # lines of the first batch that was refused

    def is_reached_by(self, lines: Sequence[bytes]) -> bool:
        size = sum(map(len, lines)) + len(lines)
        is_full = size >= self.max_bytes * FULL_BATCH_SHARE
        return is_full or (self.max_lines is not None and len(lines) >= self.max_lines)

    def narrow(self, line_count: int) -> None:
        """Halve the batch size, after this many lines were refused together."""
        self.refused_count = max(self.refused_count, line_count)
        self.max_lines = max(1, line_count // 2)

    def widen(self) -> None:
        """Increase the batch size again, after a batch was accepted."""
        if self.max_lines is not None:
            self.max_lines *= 4
            if self.max_lines >= self.refused_count:
                self.max_lines, self.refused_count = None, 0
