"""Answer webhooks in time even if the database does not respond, so that the sender tries again."""

import math

from hub.asgi_bridge.responses import Answer, WsgiExchange
from hub.asgi_bridge.threads import ThreadPool
from hub.problems import Problem

RETRY_AFTER = {"Retry-After": "5"}  # seconds
SERVER_ERROR = 500


class AnswerDeadline:
    """The time limit for requests below a path.

    A thread that waits for an unresponsive database cannot be interrupted. Its request is refused
    at the deadline while the thread goes on; if the webhook is stored after all, the sender's next
    attempt is a duplicate. A request that still waits for a thread is refused only if no such
    request has succeeded within the time limit; a long queue alone is no reason.
    """

    def __init__(self, threads: ThreadPool, *, path: str, seconds: float) -> None:
        self.threads, self.path, self.seconds = threads, path, seconds
        self.succeeded_at = -math.inf

    async def wait_for(self, exchange: WsgiExchange) -> Answer:
        """Return the response of a submitted exchange. Raises Problem (503) at the deadline."""
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
        """Refuse an exchange that has no response, or let it wait for a thread once more."""
        if exchange.answer.done():
            return
        is_moving = exchange.loop.time() - self.succeeded_at < self.seconds
        if is_moving and self.threads.is_waiting(exchange):
            exchange.loop.call_later(self.seconds, self._end_wait, exchange)
            return
        self.threads.withdraw(exchange)
        exchange.fail(Problem("temporarily-unavailable", headers=RETRY_AFTER))
