"""Write what was set aside for a connection by jobs of its system, one after the other.

The deliveries of a job and its id are in the cursor before anything is uploaded. So a run that is
killed asks for the results of that job, and uploads nothing twice. What a job does not write
returns to the pump, which sends it as usual.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar

from connectors.http import Request, Response
from connectors.outcomes import Outcome
from connectors.roles import BulkForm, BulkRecord, BulkWrite, WriteJob
from connectors.schema import Credential
from hub.connections.credentials.connector_context import find_connector_app, open_credential
from hub.connections.models import Connection
from hub.operations.models import Operation
from hub.outgoing.bulk_deliveries import (
    BULK_JOB,
    EndedJob,
    JobResults,
    divide,
    keep_set_aside,
    load_records,
    return_to_pump,
    select_set_aside,
    settle_records,
    take_records,
)
from hub.scheduled.runs.context import RunContext, RunDeferred

T = TypeVar("T")

PLANNING_WAIT = timedelta(seconds=10)  # while an operation still sets deliveries aside


@dataclass(frozen=True, slots=True)
class Progress:
    """What an interrupted run continues: a job and its deliveries, and the counts so far.

    `job`: "" before it was created. `closed_at`: when the system could begin; "" before.
    `due_at`: when the state of the job is asked for.
    """

    deliveries: Sequence[int] = ()
    form: Mapping[str, str] = field(default_factory=dict)
    job: str = ""
    closed_at: str = ""
    due_at: str = ""
    job_count: int = 0
    settled_count: int = 0
    returned_count: int = 0

    @property
    def done(self) -> int:
        return self.settled_count + self.returned_count


async def run_bulk_writing(context: RunContext) -> Mapping[str, Any]:
    """Write all that is set aside for the job's connection; return the counts."""
    connection = await context.find_connection()
    bulk = connection.connector.bulk_write
    assert bulk is not None  # the run was started for such a system
    writing = _BulkWriting(context, connection, bulk)
    progress = Progress(**context.run.cursor)
    while True:
        if not progress.deliveries:
            progress = await writing.take(progress)
        if not progress.deliveries:
            return {
                "jobs": progress.job_count,
                "settled": progress.settled_count,
                "returned": progress.returned_count,
            }
        if not progress.closed_at:
            progress = await writing.upload(progress)
        if progress.deliveries:
            progress = await writing.finish(progress)


@dataclass(frozen=True, slots=True)
class _BulkWriting:
    """The jobs of one run. Each step stores the progress that it returns."""

    context: RunContext
    connection: Connection
    bulk: BulkWrite

    async def take(self, progress: Progress) -> Progress:
        """Take the deliveries of the next job; none if the rest is left to the pump.

        Raises RunDeferred while an operation sets more aside.
        """
        if await self.context.in_database(self._is_operation_running):
            await self._save(progress)
            raise RunDeferred(self.context.now() + PLANNING_WAIT, BULK_JOB)
        now, connection = self.context.now(), self.connection
        records = await self.context.in_database(lambda: take_records(connection, now=now))
        if records is None or records.form is None:
            return await self._return_all(progress)
        taken = replace(progress, deliveries=records.delivery_ids, form=asdict(records.form))
        await self._save(taken)
        return taken

    async def upload(self, progress: Progress) -> Progress:
        """Create the job, unless there is one, upload its records, and let the system begin.

        A job takes one upload: a second one is refused, as is a second closing, so whatever
        arrived before an interruption, the state of the job tells how it goes on.
        """
        form = BulkForm(**progress.form)
        if not progress.job:
            job = await self._call(partial(self.bulk.job_request, form=form), self.bulk.parse_job)
            if isinstance(job, Outcome):
                await self._log_refusal(job)
                return await self._return_all(progress)
            progress = replace(progress, job=job.id, job_count=progress.job_count + 1)
            await self._save(progress)
            await self.context.log("bulk_writing", records=len(progress.deliveries))
        records = await self.context.in_database(
            lambda: load_records(self.connection, form, progress.deliveries)
        )
        if not records:  # the pump has sent them, or a person has stopped them
            return await self._return_all(progress)
        closed_at, wait = self.context.now(), await self._send(progress.job, records)
        due_at = closed_at + timedelta(seconds=wait)
        closed = replace(progress, closed_at=closed_at.isoformat(), due_at=due_at.isoformat())
        await self._save(closed)
        return closed

    async def _send(self, job: str, records: Sequence[BulkRecord]) -> float:
        """Upload records and close the job; return the seconds until its state is asked for."""
        await self._call(
            partial(self.bulk.upload_request, job=job, records=records), self.bulk.parse_upload
        )
        closed = await self._call(partial(self.bulk.close_request, job=job), self.bulk.parse_job)
        return closed.wait if isinstance(closed, WriteJob) else 0.0

    async def finish(self, progress: Progress) -> Progress:
        """Settle the deliveries of a job that has ended. Raises RunDeferred while it runs."""
        due_at = datetime.fromisoformat(progress.due_at)
        if self.context.now() < due_at:
            raise RunDeferred(due_at, BULK_JOB)
        state = await self._call(
            partial(self.bulk.state_request, job=progress.job), self.bulk.parse_job
        )
        if isinstance(state, WriteJob) and state.state == "running":
            until = self.context.now() + timedelta(seconds=state.wait)
            await self._save(replace(progress, due_at=until.isoformat()))
            raise RunDeferred(until, BULK_JOB)
        results: Sequence[JobResults] = ()
        if isinstance(state, Outcome):
            await self._log_refusal(state)
        elif state.state == "ended":
            results = await self._read_results(progress, state)
        return await self._settle(progress, results)

    async def _read_results(self, progress: Progress, job: WriteJob) -> Sequence[JobResults]:
        """Return the results of the written records, and of the refused ones if there are any."""
        form = BulkForm(**progress.form)
        read: list[JobResults] = []
        for failed in (False, True)[: 2 if job.failed_count else 1]:
            answer = await self._call(
                partial(self.bulk.results_request, job=job.id, failed=failed),
                partial(_parse_results, self.bulk, form, failed),
            )
            if isinstance(answer, Outcome):
                await self._log_refusal(answer)
            else:
                read.append(answer)
        return read

    async def _settle(self, progress: Progress, results: Sequence[JobResults]) -> Progress:
        """Settle the deliveries of a job; those without a result return to the pump."""
        connection, ids = self.connection, progress.deliveries
        job = EndedJob(progress.job, datetime.fromisoformat(progress.closed_at), results)
        settled_count = 0
        for chunk in divide(ids):
            settle = partial(settle_records, connection, job, chunk, now=self.context.now())
            settled_count += await self.context.in_database(settle)
        settled = Progress(
            job_count=progress.job_count,
            settled_count=progress.settled_count + settled_count,
            returned_count=progress.returned_count + len(ids) - settled_count,
        )
        await self._save(settled)
        return settled

    async def _return_all(self, progress: Progress) -> Progress:
        """Leave all that is set aside to the pump."""
        connection, now = self.connection, self.context.now()
        ids = select_set_aside(connection).values_list("pk", flat=True)
        count = await self.context.in_database(
            lambda: return_to_pump(connection, list(ids), now=now)
        )
        returned = Progress(
            job_count=progress.job_count,
            settled_count=progress.settled_count,
            returned_count=progress.returned_count + count,
        )
        await self._save(returned)
        return returned

    def _is_operation_running(self) -> bool:
        operations = Operation.unscoped.filter(tenant=self.connection.tenant_id)
        return operations.filter(kind="send_missing", state="running").exists()

    async def _save(self, progress: Progress) -> None:
        """Store the progress, and let what is set aside wait on."""
        context, connection = self.context, self.connection
        waiting = await context.in_database(select_set_aside(connection).count)
        await context.save(
            asdict(progress),
            done=progress.done,
            expected=progress.done + waiting,
            write=lambda: keep_set_aside(connection, now=context.now()),
        )

    async def _call(
        self, build: Callable[[Credential], Request], parse: Callable[[Response], T | Outcome]
    ) -> T | Outcome:
        """Call the system with the stored credential. Raises RunBlocked and RunFailed."""
        key = self.connection.connector_key
        app = await self.context.in_database(lambda: find_connector_app(key))
        answer: T | Outcome = await self.context.call(
            self.connection, lambda stored: build(open_credential(stored, app)), parse
        )
        return answer

    async def _log_refusal(self, refusal: Outcome) -> None:
        await self.context.log(
            "bulk_writing_refused", level="warning", reason=refusal.reason, detail=refusal.detail
        )


def _parse_results(
    bulk: BulkWrite, form: BulkForm, failed: bool, response: Response
) -> JobResults | Outcome:
    records = bulk.parse_results(response, form)
    if isinstance(records, Outcome):
        return records
    return JobResults(failed, response, records)
