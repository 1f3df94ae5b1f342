"""Merge two streams of staged rows, ordered by the bytes of their keys, chunk by chunk.

A chunk is a pair of slices that begin after the same key. It ends with the last key of which both
slices certainly have all rows, so this key alone is enough to continue after an interruption.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter

from hub.scheduled.reconciliation.verdicts.judge import ReadRow


@dataclass(frozen=True, slots=True)
class MergedChunk:
    """The rows of both sides up to a key. `until` is None if there are no more rows."""

    local: Sequence[ReadRow]
    remote: Sequence[ReadRow]
    until: bytes | None


@dataclass(frozen=True, slots=True)
class KeyGroup:
    """All rows of one key."""

    key: bytes
    local: Sequence[ReadRow]
    remote: Sequence[ReadRow]


def cut_chunk(local: Sequence[ReadRow], remote: Sequence[ReadRow], *, size: int) -> MergedChunk:
    """Return the rows up to the last key that both slices contain completely.

    Each slice has the first `size` rows after a key, or all remaining ones. If one key has more
    rows than a slice, they are cut: the key is ambiguous in any case.
    """
    ends = [
        end
        for end in (_find_complete_end(local, size), _find_complete_end(remote, size))
        if end is not None
    ]
    if not ends:
        return MergedChunk(local, remote, None)
    until = min(ends)
    return MergedChunk(_rows_until(local, until), _rows_until(remote, until), until)


def _find_complete_end(rows: Sequence[ReadRow], size: int) -> bytes | None:
    """Return the last key that is certainly complete; None if all rows were read."""
    if len(rows) < size:
        return None
    last = rows[-1].key
    for row in reversed(rows):
        if row.key != last:
            return row.key
    return last


def _rows_until(rows: Sequence[ReadRow], until: bytes) -> Sequence[ReadRow]:
    end = len(rows)
    while end and rows[end - 1].key > until:
        end -= 1
    return rows[:end]


def group_by_key(chunk: MergedChunk) -> Iterator[KeyGroup]:
    """Yield the groups of a chunk in the order of their keys."""
    local_groups = groupby(chunk.local, attrgetter("key"))
    remote_groups = groupby(chunk.remote, attrgetter("key"))
    local, remote = _next_group(local_groups), _next_group(remote_groups)
    while local or remote:
        if remote is None or (local is not None and local[0] < remote[0]):
            assert local is not None
            yield KeyGroup(local[0], local[1], ())
            local = _next_group(local_groups)
        elif local is None or remote[0] < local[0]:
            yield KeyGroup(remote[0], (), remote[1])
            remote = _next_group(remote_groups)
        else:
            yield KeyGroup(local[0], local[1], remote[1])
            local, remote = _next_group(local_groups), _next_group(remote_groups)


def _next_group(
    groups: "Iterator[tuple[bytes, Iterator[ReadRow]]]",
) -> tuple[bytes, list[ReadRow]] | None:
    for key, rows in groups:
        return key, list(rows)
    return None
