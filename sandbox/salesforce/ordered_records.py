"""The records of one object of an org, found by id, and in the order of ids or of changes."""

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator
from typing import Any

Record = dict[str, Any]
SHORT = 15  # characters of an id that name it


class OrderedRecords:
    def __init__(self) -> None:
        self.rows: dict[str, Record] = {}  # by the first 15 characters of the id
        self._ids: list[str] = []
        self._changes: list[tuple[str, str]] = []  # time of the last change, id

    def place(self, row: Record) -> None:
        self.remove(row["Id"][:SHORT])
        self.rows[row["Id"][:SHORT]] = row
        insort(self._ids, row["Id"])
        insort(self._changes, (row["SystemModstamp"], row["Id"]))

    def place_all(self, rows: Iterable[Record]) -> None:
        """Place many at once; each has another id."""
        for row in rows:
            old = self.rows.get(row["Id"][:SHORT])
            if old is not None:
                self.remove(old["Id"][:SHORT])
            self.rows[row["Id"][:SHORT]] = row
            self._ids.append(row["Id"])
            self._changes.append((row["SystemModstamp"], row["Id"]))
        self._ids.sort()
        self._changes.sort()

    def remove(self, id: str) -> Record | None:
        old = self.rows.pop(id, None)
        if old is not None:
            del self._ids[bisect_left(self._ids, old["Id"])]
            del self._changes[bisect_left(self._changes, (old["SystemModstamp"], old["Id"]))]
        return old

    def having(self, ids: Iterable[Any]) -> list[Record]:
        short_ids = {str(id)[:SHORT] for id in ids}
        return [self.rows[id] for id in short_ids if id in self.rows]

    def by_id(self, first: str) -> Iterator[Record]:
        """Records from this id on."""
        for index in range(bisect_left(self._ids, first), len(self._ids)):
            yield self.rows[self._ids[index][:SHORT]]

    def by_change(self, first: tuple[str, str]) -> Iterator[Record]:
        """Records that were changed from this moment on, and at it, from this id on."""
        for index in range(bisect_left(self._changes, first), len(self._changes)):
            yield self.rows[self._changes[index][1][:SHORT]]
