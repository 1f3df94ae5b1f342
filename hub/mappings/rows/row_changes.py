"""The difference between two versions of a mapping, row by row."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from hub.mappings.rows.row_values import Row


@dataclass(frozen=True, slots=True)
class RowChange:
    """The change of one field: the row before and after; None if it did not exist."""

    path: str
    kind: Literal["added", "removed", "changed", "same"]
    before: Row | None
    after: Row | None


def compare_rows(before: Sequence[Row], after: Sequence[Row]) -> list[RowChange]:
    """Compare the rows of two versions by their fields: those of `after`, then removed ones."""
    old, new = {row.path: row for row in before}, {row.path: row for row in after}
    changes = [_compare_row(path, old.get(path), row) for path, row in new.items()]
    removed = [_compare_row(path, row, None) for path, row in old.items() if path not in new]
    return [*changes, *removed]


def _compare_row(path: str, before: Row | None, after: Row | None) -> RowChange:
    if before is None:
        return RowChange(path, "added", None, after)
    if after is None:
        return RowChange(path, "removed", before, None)
    return RowChange(path, "same" if before == after else "changed", before, after)
