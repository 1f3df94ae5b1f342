"""A dict stored on disk, with a line for each change, so that a kill loses nothing."""

import json
from collections.abc import Iterator, Mapping, MutableMapping
from pathlib import Path
from typing import Any


class JournaledDict(MutableMapping[str, Any]):
    """Values are JSON. The oldest beyond `keep` are forgotten. Store a changed value again to have
    it written.
    """

    def __init__(self, path: Path, *, keep: int | None = None):
        path.parent.mkdir(parents=True, exist_ok=True)
        self._keep = keep
        self._rows: dict[str, Any] = {}
        for key, value in whole_lines(path):
            self._remember(key, value)
        fresh = path.with_suffix(".new")
        fresh.write_text("".join(line(key, value) for key, value in self._rows.items()))
        fresh.replace(path)
        self._file = path.open("a")

    def __getitem__(self, key: str) -> Any:
        return self._rows[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self._remember(key, value)
        self._write(key, value)

    def __delitem__(self, key: str) -> None:
        del self._rows[key]
        self._write(key, None)

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    def store_all(self, values: Mapping[str, Any]) -> None:
        """Store many values by one write."""
        for key, value in values.items():
            self._remember(key, value)
        self._file.write("".join(line(key, value) for key, value in values.items()))
        self._file.flush()

    def newest(self) -> Iterator[Any]:
        return reversed(self._rows.values())

    def close(self) -> None:
        self._file.close()

    def _remember(self, key: str, value: Any) -> None:
        if value is None:
            self._rows.pop(key, None)
            return
        self._rows[key] = value
        if self._keep and len(self._rows) > self._keep:
            del self._rows[next(iter(self._rows))]

    def _write(self, key: str, value: Any) -> None:
        self._file.write(line(key, value))
        self._file.flush()


def line(key: str, value: Any) -> str:
    return json.dumps([key, value]) + "\n"


def whole_lines(path: Path) -> Iterator[tuple[str, Any]]:
    if not path.exists():
        return
    for text in path.read_text().splitlines(keepends=True):
        if text.endswith("\n"):  # a crash may leave half a line at the end
            key, value = json.loads(text)
            yield key, value
