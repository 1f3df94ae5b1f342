"""The ledger: a line for each request that the systems took, on disk before the answer leaves."""

import json
import os
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import Any

CHUNK = 1 << 20


class Ledger:
    """Line number N is seq N. Only where each line starts is kept in memory."""

    def __init__(self, path: Path):
        path.parent.mkdir(parents=True, exist_ok=True)
        self._starts = array("Q", starts(path))
        self._file = path.open("a+b", buffering=0)
        self._end = os.fstat(self._file.fileno()).st_size

    @property
    def seq(self) -> int:
        return len(self._starts)

    def add(self, **line: Any) -> int:
        data = json.dumps({"seq": self.seq + 1, **line}).encode() + b"\n"
        self._file.write(data)
        self._starts.append(self._end)
        self._end += len(data)
        return self.seq

    def since(self, seq: int) -> Iterator[bytes]:
        """Yield the lines after this seq that exist now, in chunks of bytes."""
        position, end = self._starts[seq] if seq < self.seq else self._end, self._end
        while position < end:
            chunk = os.pread(self._file.fileno(), min(CHUNK, end - position), position)
            position += len(chunk)
            yield chunk

    def last(self, count: int) -> list[dict[str, Any]]:
        lines = b"".join(self.since(max(self.seq - count, 0))).splitlines()
        return [json.loads(line) for line in reversed(lines)]

    def close(self) -> None:
        self._file.close()


def starts(path: Path) -> Iterator[int]:
    """Where each whole line starts; what a crash left of a last one is cut off."""
    path.touch()
    position = 0
    with path.open("r+b") as file:
        for line in file:
            if not line.endswith(b"\n"):
                file.truncate(position)
                return
            yield position
            position += len(line)
