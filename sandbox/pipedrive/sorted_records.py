"""The records of one kind of a company, in the orders in which the API v2 lists them."""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Iterator
from typing import Any

Record = dict[str, Any]
Place = tuple[Any, Any]  # the value that is sorted by, and the id


class SortedRecords:
    """The records of a kind; each order is built at its first use, and kept."""

    def __init__(self) -> None:
        self.rows: dict[str, Record] = {}  # by id as text
        self._orders: dict[str, list[Place]] = {}
        self._last_number = 0

    def place(self, row: Record) -> None:
        old = self.rows.get(str(row["id"]))
        for field, places in self._orders.items():
            if old is not None:
                del places[bisect_left(places, place_of(old, field))]
            insort(places, place_of(row, field))
        self._keep(row)

    def place_all(self, rows: Iterable[Record]) -> None:
        """Place many at once; the orders are made anew."""
        for row in rows:
            self._keep(row)
        self._orders.clear()

    def reserve(self, row: Record) -> None:
        """Give the number of this record to no other."""
        if isinstance(row["id"], int):
            self._last_number = max(self._last_number, row["id"])

    def next_number(self) -> int:
        return self._last_number + 1

    def in_order(
        self, field: str, *, descending: bool = False, after: Place | None = None
    ) -> Iterator[Record]:
        """Records sorted by a field and then by id, from behind a place."""
        places = self._order(field)
        if descending:
            end = len(places) if after is None else bisect_left(places, after)
            numbers = range(end - 1, -1, -1)
        else:
            numbers = range(0 if after is None else bisect_right(places, after), len(places))
        for number in numbers:
            yield self.rows[str(places[number][1])]

    def having(self, ids: Iterable[str]) -> list[Record]:
        return [self.rows[id] for id in ids if id in self.rows]

    def _order(self, field: str) -> list[Place]:
        if field not in self._orders:
            self._orders[field] = sorted(place_of(row, field) for row in self.rows.values())
        return self._orders[field]

    def _keep(self, row: Record) -> None:
        self.rows[str(row["id"])] = row
        self.reserve(row)


def place_of(row: Record, field: str) -> Place:
    """Where a record stands; by id there is nothing to compare before the id."""
    return "" if field == "id" else str(row.get(field) or ""), row["id"]
