"""The interface of a run to its environment: call systems, store progress, and log.

`RunContext` is implemented by the loop of the class *long*. A kind of job is a coroutine function
that takes one, an `Executor`.
"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any, Protocol, TypeVar

from connectors.http import Request, Response
from connectors.outcomes import Outcome
from hub.connections.models import Connection
from hub.scheduled.jobs.kinds import JOB_KINDS
from hub.scheduled.models import Job, Run
from tenants.models import Tenant

T = TypeVar("T")


class RunStopped(Exception):
    """The run was cancelled, lost its lease, or its worker stops; it continues from its cursor."""


class RunDeferred(RunStopped):
    """The run waits until `until`, and then continues from its cursor."""

    def __init__(self, until: datetime, reason: str) -> None:
        super().__init__(reason)
        self.until, self.reason = until, reason


class RunBlocked(Exception):
    """A person must act before the run can continue; `reason` is a reason code."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(detail or reason)
        self.reason, self.detail = reason, detail


class RunFailed(Exception):
    """The run cannot continue. If `can_retry`, it is repeated with backoff inside its window."""

    def __init__(self, reason: str, detail: str = "", *, can_retry: bool = True) -> None:
        super().__init__(detail or reason)
        self.reason, self.detail, self.can_retry = reason, detail, can_retry


def check_options(job: Job) -> None:
    """Raise RunFailed unless the options of the job are valid today."""
    errors = JOB_KINDS[job.kind].options.find_errors(job.options, job.connector_key)
    for path, error in errors.items():
        raise RunFailed("options_invalid", f"{path}: {error}", can_retry=False)


class RunContext(Protocol):
    """The claimed run and the resources of its loop. Every method may raise RunStopped.

    The rows are snapshots: only `save` changes the run.
    """

    @property
    def run(self) -> Run: ...

    @property
    def job(self) -> Job: ...

    @property
    def tenant(self) -> Tenant: ...

    def now(self) -> datetime: ...

    async def find_connection(self, connector_key: str = "") -> Connection:
        """Return the connection that the job works on, or the tenant's connection of this system.

        Raises RunBlocked if there is none that may be called.
        """
        ...

    async def call(
        self,
        connection: Connection,
        build: Callable[[Connection], Request],
        parse: Callable[[Response], T | Outcome],
    ) -> T | Outcome:
        """Call a system within its quotas and the limit of calls in flight.

        `build` is called on the database thread with the currently stored connection, before each
        attempt; so it gets the newest credential, and may run queries. `parse` is called in the
        loop. Waits while a quota is spent. Refreshes an expired token once. Raises RunBlocked if a
        person must act, and RunFailed if the system did not respond after several attempts.
        """
        ...

    async def save(
        self,
        cursor: Mapping[str, Any],
        *,
        done: int,
        expected: int | None = None,
        write: Callable[[], object] | None = None,
    ) -> None:
        """Store cursor and progress under the run's lease, in one transaction with `write`."""
        ...

    async def in_database(self, function: Callable[[], T]) -> T:
        """Call a function on the database thread, outside of transactions."""
        ...

    async def log(self, kind: str, *, level: str = "info", **parameters: object) -> None: ...


Executor = Callable[[RunContext], Awaitable[Mapping[str, Any]]]  # returns the run's result
EXECUTORS: dict[str, Executor] = {}  # by the kind of a job; see hub/wiring.py
