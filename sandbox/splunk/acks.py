"""Indexer acknowledgement: ids from 0 per channel; `true` is returned once."""

from typing import Any


class Acks:
    """`numbers` are those of the events that an id stands for."""

    def __init__(self) -> None:
        self._next: dict[tuple[str, str], int] = {}
        self._pending: dict[tuple[str, str, int], tuple[float, list[str]]] = {}

    def issue(self, token: str, channel: str, ready_at: float, numbers: list[str]) -> int:
        number = self._next.get((token, channel), 0)
        self._next[token, channel] = number + 1
        self._pending[token, channel, number] = ready_at, numbers
        return number

    def poll(self, token: str, channel: str, ids: list[Any], at: float) -> dict[str, bool]:
        return {str(id): self._is_acknowledged(token, channel, id, at) for id in ids}

    def restart(self, tokens: set[str], at: float) -> list[str]:
        """Forget all ids of these tokens; return the events that were not replicated yet."""
        self._next = {key: value for key, value in self._next.items() if key[0] not in tokens}
        lost = {key: value for key, value in self._pending.items() if key[0] in tokens}
        self._pending = {key: self._pending[key] for key in self._pending.keys() - lost.keys()}
        return [id for ready_at, numbers in lost.values() if ready_at > at for id in numbers]

    def _is_acknowledged(self, token: str, channel: str, id: Any, at: float) -> bool:
        ready_at, _ = self._pending.get((token, channel, id), (None, ()))
        if ready_at is None or at < ready_at:
            return False
        del self._pending[token, channel, id]
        return True
