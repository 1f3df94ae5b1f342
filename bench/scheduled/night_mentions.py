"""Mentions in Slack that are received during a night, and when our application has each."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from bench.incoming.react import accepted, list_events_by_message
from bench.incoming.sender import Answer, send
from bench.slack import SlackApp

PER_SECOND, WORKSPACES, CONNECTIONS = 2, 5, 4


@dataclass(slots=True)
class MentionSender:
    """Sends mentions to the web server at a place, "host:port", in a thread."""

    app: SlackApp
    place: str
    pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1))
    sent_count: int = 0

    def start(self, seconds: float) -> "Future[Sequence[Answer]]":
        """Send mentions at an even pace for so long."""
        first = self.sent_count
        self.sent_count += max(1, round(PER_SECOND * seconds))
        ids = [f"EvN{number:09d}" for number in range(first, self.sent_count)]
        return self.pool.submit(self._send, ids)

    def _send(self, ids: Sequence[str]) -> Sequence[Answer]:
        requests = [
            (
                id,
                partial(
                    self.app.request,
                    self.place,
                    id,
                    self.app.workspaces[number % len(self.app.workspaces)].account,
                ),
            )
            for number, id in enumerate(ids)
        ]
        answers = asyncio.run(
            send(self.place, requests, connections=CONNECTIONS, per_second=PER_SECOND)
        )
        return accepted(answers)


def reaction_times(answers: Sequence[Answer], rows: Sequence[Mapping[str, Any]]) -> list[float]:
    """Return the milliseconds from the sending of each mention to its row in the sandbox's ledger.

    Raises SystemExit if our application did not get one.
    """
    by_message, to_wall_clock = list_events_by_message(), time.time() - time.monotonic()
    arrived_at: dict[str, float] = {}
    for row in rows:
        if row["system"] == "app" and (event := by_message.get(row["id"] or "")):
            arrived_at.setdefault(event, datetime.fromisoformat(row["at"]).timestamp())
    if lost := [answer.id for answer in answers if answer.id not in arrived_at]:
        raise SystemExit(f"our application did not get {len(lost)} mentions, such as {lost[0]}")
    return [(arrived_at[answer.id] - answer.due_at - to_wall_clock) * 1000 for answer in answers]
