"""Answer webhooks in time although the database does not answer: their systems try again."""

import math

from hub.asgi_bridge.responses import Answer, WsgiExchange
from hub.asgi_bridge.threads import ThreadPool
from hub.problems import Problem

RETRY_AFTER = {"Retry-After": "5"}  # seconds
SERVER_ERROR = 500


class AnswerDeadline:
    """How long a request below a path may take; a long queue is no reason to refuse it.

    A thread that waits for a database which is silent cannot be interrupted. So its request is
    refused while the thread goes on; if it stores the webhook after all, the next attempt of the
    system is a duplicate. What waits for a thread is refused if no such request has succeeded for
    as long.
    """

    def __init__(self, threads: ThreadPool, *, path: str, seconds: float) -> None:
        self.threads, self.path, self.seconds = threads, path, seconds
        self.succeeded_at = -math.inf

    async def wait_for(self, exchange: WsgiExchange) -> Answer:
        """Return the answer of a submitted exchange. Raises Problem (503) at the deadline."""
        if not self.path or not exchange.environ["PATH_INFO"].startswith(self.path):
            return await exchange.answer
        timer = exchange.loop.call_later(self.seconds, self._end_wait, exchange)
        try:
            answer = await exchange.answer
        finally:
            timer.cancel()
        if answer.status < SERVER_ERROR:
            self.succeeded_at = exchange.loop.time()
        return answer

    def _end_wait(self, exchange: WsgiExchange) -> None:
        """Refuse an exchange that has no answer, or let it wait again for a thread."""
        if exchange.answer.done():
            return
        is_moving = exchange.loop.time() - self.succeeded_at < self.seconds
        if is_moving and self.threads.is_waiting(exchange):
            exchange.loop.call_later(self.seconds, self._end_wait, exchange)
            return
        self.threads.withdraw(exchange)
        exchange.fail(Problem("temporarily-unavailable", headers=RETRY_AFTER))
