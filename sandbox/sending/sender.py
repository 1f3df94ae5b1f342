"""Send deliveries: the first attempt, the retries of each provider's schedule, and a log of them
all.
"""

import asyncio
import json
from collections.abc import Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from yarl import URL

from sandbox.clock import Clock
from sandbox.sending.deliveries import Attempt, Delivery, tamper_message
from sandbox.sending.disturbance import Disturbance
from sandbox.sending.http_client import Deliver, OutgoingRequest, OutgoingResponse
from sandbox.sending.pace import Pace
from sandbox.storage.account_store import AccountStore
from sandbox.storage.ledger import Ledger

LOCAL_HOSTS = ("127.0.0.1", "localhost", "::1")
NOT_ALLOWED = "not allowed"
MOST_AT_ONCE = 64


@dataclass(frozen=True)
class SentAttempt:
    """An attempt as logged; status 0: no response arrived, for the cause in `failure`."""

    seq: int
    url: str
    status: int


class Sender:
    """Webhooks go to this machine and to the hub's host only; elsewhere they fail as `not allowed`.

    Retries that are waiting are forgotten when the sandbox stops.
    """

    def __init__(self, store: AccountStore, state: Path, clock: Clock, deliver: Deliver):
        self.pace = Pace(state, clock)
        self.disturbances: dict[str, Disturbance] = {}  # by system
        self.log = Ledger(state / "sent.jsonl")
        self._store = store
        self._clock = clock
        self._deliver = deliver
        self._tasks: set[asyncio.Task[Any]] = set()
        self._places = asyncio.Semaphore(MOST_AT_ONCE)

    def start(self, delivery: Delivery, *, is_by_api: bool = False) -> None:
        """Send it in the background, retries included; what a call of the API caused may be
        disturbed.
        """
        disturbance = self.disturbances.get(delivery.system) if is_by_api else None
        if disturbance is None:
            self._run(self.send(delivery))
            return
        for wait in list(disturbance.waits()):
            disturbance.counts["waiting"] += 1
            self._run(self._send_later(delivery, wait, disturbance))

    async def _send_later(self, delivery: Delivery, wait: float, disturbance: Disturbance) -> None:
        await self.pace.wait(delivery.system, wait)
        await self.send(delivery)
        disturbance.counts["waiting"] -= 1

    async def send(self, delivery: Delivery) -> SentAttempt | None:
        """Make the first attempt now; retries follow in the background. None: it is not wanted."""
        if delivery.first is not None:
            await self.send(delivery.first)
        return await self._attempt(delivery, number=1, failure=None)

    def attempts(self, since: int) -> list[dict[str, Any]]:
        """Return the attempts with a seq above this, oldest first."""
        return [json.loads(line) for line in b"".join(self.log.since(since)).splitlines()]

    def is_allowed(self, url: str) -> bool:
        try:
            target = URL(url)
            return target.scheme in ("http", "https") and target.host in (
                *LOCAL_HOSTS,
                URL(self._store.hub_url).host,
            )
        except ValueError:
            return False

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.close()

    def close(self) -> None:
        self.pace.close()
        self.log.close()

    def _run(self, work: Coroutine[Any, Any, Any]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _attempt(
        self, delivery: Delivery, number: int, failure: OutgoingResponse | None
    ) -> SentAttempt | None:
        async with self._places:
            if not delivery.is_wanted():
                return None
            attempt = Attempt(number, self._clock(), failure)
            url, response, milliseconds = await self._exchange(delivery, attempt)
        is_good = delivery.rules.is_acknowledged(response)
        seq = self._log_attempt(delivery, attempt, url, response, milliseconds)
        delivery.record(attempt, response, is_good)
        if not is_good and not delivery.rules.is_final(response):
            self._run(self._retry(delivery, attempt, response))
        return SentAttempt(seq, url, response.status)

    async def _retry(
        self, delivery: Delivery, attempt: Attempt, response: OutgoingResponse
    ) -> None:
        if attempt.number > len(delivery.rules.waits):
            return
        wait = delivery.rules.waits[attempt.number - 1]
        if delivery.rules.honours_retry_after:
            wait = max(wait, retry_after(response))
        await self.pace.wait(delivery.system, wait)
        await self._attempt(delivery, attempt.number + 1, response)

    async def _exchange(
        self, delivery: Delivery, attempt: Attempt
    ) -> tuple[str, OutgoingResponse, float]:
        """Return where it went, the response, and how many milliseconds it took."""
        url, message = tamper_message(delivery.url, delivery.build(attempt), delivery.tamper)
        if not self.is_allowed(url):
            return url, OutgoingResponse(0, failure=NOT_ALLOWED), 0.0
        time = asyncio.get_running_loop().time
        started = time()
        response = await self._deliver(
            OutgoingRequest(
                url, message.headers, message.body, delivery.rules.timeout, delivery.rules.redirects
            )
        )
        return url, response, (time() - started) * 1000

    def _log_attempt(
        self,
        delivery: Delivery,
        attempt: Attempt,
        url: str,
        response: OutgoingResponse,
        milliseconds: float,
    ) -> int:
        return self.log.add(
            at=datetime.fromtimestamp(attempt.at, UTC)
            .isoformat(timespec="milliseconds")
            .replace("+00:00", "Z"),
            system=delivery.system,
            account=delivery.account,
            event=delivery.event,
            id=delivery.id,
            url=url,
            attempt=attempt.number,
            status=response.status,
            failure=response.failure,
            milliseconds=round(milliseconds, 1),
            tamper=delivery.tamper,
        )


def retry_after(response: OutgoingResponse) -> float:
    """Return the seconds of its Retry-After, 0 where there is none."""
    text = response.headers.get("Retry-After", "")
    return float(text) if text.isascii() and text.isdigit() else 0.0
