"""A pool of threads that live as long as the process, so that database connections are reused."""

import logging
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from threading import Lock, Thread

Job = Callable[[], None]
log = logging.getLogger(__name__)


class ThreadPool:
    """A thread pool that takes the last idle thread, so that few database connections open."""

    def __init__(self, size: int, name: str = "django") -> None:
        self.size, self.name = size, name
        self.lock = Lock()
        self.started = 0
        self.idle: list[SimpleQueue[Job]] = []
        self.waiting: deque[Job] = deque()

    def submit(self, job: Job) -> None:
        """Hand the job to an idle or a new thread, otherwise queue it; never blocks."""
        with self.lock:
            if self.idle:
                self.idle.pop().put(job)
            elif self.started < self.size:
                self.started += 1
                Thread(
                    target=self.work, args=(job,), name=f"{self.name}-{self.started}", daemon=True
                ).start()
            else:
                self.waiting.append(job)

    def is_waiting(self, job: Job) -> bool:
        """Return whether no thread has begun the job."""
        with self.lock:
            return job in self.waiting

    def withdraw(self, job: Job) -> None:
        """Remove a job from the queue; a job that a thread has begun continues."""
        with self.lock, suppress(ValueError):
            self.waiting.remove(job)

    def work(self, job: Job) -> None:
        inbox: SimpleQueue[Job] = SimpleQueue()
        while True:
            try:
                job()
            except Exception:
                log.exception("a request's thread met an error that nothing had caught")
            del job  # release the request while the thread is idle
            job = self.next_job(inbox) or inbox.get()

    def next_job(self, inbox: SimpleQueue[Job]) -> Job | None:
        with self.lock:
            if self.waiting:
                return self.waiting.popleft()
            self.idle.append(inbox)
        return None
