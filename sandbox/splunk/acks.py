"""Indexer acknowledgement: ids from 0 per channel; true is said once, then forgotten."""

from typing import Any


class Acks:
    def __init__(self) -> None:
        self._next: dict[tuple[str, str], int] = {}
        self._pending: dict[tuple[str, str, int], float] = {}

    def issue(self, token: str, channel: str, ready_at: float) -> int:
        number = self._next.get((token, channel), 0)
        self._next[token, channel] = number + 1
        self._pending[token, channel, number] = ready_at
        return number

    def poll(self, token: str, channel: str, ids: list[Any], at: float) -> dict[str, bool]:
        return {str(id): self._tell(token, channel, id, at) for id in ids}

    def _tell(self, token: str, channel: str, id: Any, at: float) -> bool:
        ready = self._pending.get((token, channel, id))
        if ready is None or at < ready:
            return False
        del self._pending[token, channel, id]
        return True
