"""Read the rest of a collection by a job of the system, where that takes fewer calls than pages.

The first page is always requested as such. If there are more, the others are counted, and the job
is created; its id is part of the cursor, so an interrupted run goes on with the same job. Where a
job is refused, fails or is gone, the rest is read by pages, as if there had been none.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from connectors.outcomes import Outcome
from connectors.roles import BulkRead, Page, ReadJob
from hub.scheduled.reading.position import ReadPosition
from hub.scheduled.reading.requests import PageSource, raise_refusal
from hub.scheduled.runs.context import RunDeferred

BULK_MARK = "bulk:"  # before the cursor of a job
BULK_JOB_RUNNING = "bulk_job_running"


@dataclass(frozen=True, slots=True)
class JobPosition:
    """The next page of a job's results.

    `after`: the collection's cursor after which the job reads. `due_at`: when its state is asked
    for; "": it is complete. `locator`: of the page; "": the first one.
    """

    job: str
    after: str
    types: Mapping[str, str]
    due_at: str = ""
    locator: str = ""

    def to_cursor(self) -> str:
        return BULK_MARK + json.dumps(asdict(self))


def is_of_job(cursor: str) -> bool:
    return cursor.startswith(BULK_MARK)


async def fetch_next_page(source: PageSource, position: ReadPosition) -> Page | Outcome:
    """Return the page at a position. Raises RunDeferred while a job is not complete."""
    bulk = source.connection.connector.bulk_reads.get(source.collection.key)
    if bulk is None:
        return await source.fetch_page(position.cursor)
    if is_of_job(position.cursor):
        return await _fetch_results(source, bulk, position.cursor)
    if position.page_count == 1 and bulk.can_read(source.query):
        opened = await _open_job(source, bulk, position.cursor)
        if opened is not None:
            return Page((), opened.to_cursor())
    return await source.fetch_page(position.cursor)


async def _open_job(source: PageSource, bulk: BulkRead, after: str) -> JobPosition | None:
    """Create a job for what comes after a cursor; None if pages are cheaper, or it is refused."""
    query = source.query
    count = await source.call(
        partial(bulk.count_request, cursor=after, query=query), bulk.parse_count
    )
    if isinstance(count, Outcome) or not bulk.is_cheaper(count):
        return None
    types = await source.call(
        partial(bulk.types_request, query=query), partial(bulk.parse_types, query=query)
    )
    if isinstance(types, Outcome) or not types:
        return None
    job = await source.call(partial(bulk.job_request, cursor=after, query=query), bulk.parse_job)
    if isinstance(job, Outcome):
        await _log_refusal(source, job)
        return None
    await source.context.log("bulk_job", collection=source.collection.key, records=count)
    return JobPosition(job.id, after, types, due_at=_find_due(source, job).isoformat())


async def _fetch_results(source: PageSource, bulk: BulkRead, cursor: str) -> Page | Outcome:
    """Return a page of a job's results; the rest by pages if the job has none."""
    job = JobPosition(**json.loads(cursor.removeprefix(BULK_MARK)))
    refusal = await _wait_for_job(source, bulk, job) if job.due_at else None
    page = refusal or await source.fetch_whole_page(
        lambda credential: bulk.results_request(
            credential, job.job, locator=job.locator, size=_find_size(source)
        ),
        partial(bulk.parse_results, types=job.types, query=source.query),
    )
    if isinstance(page, Page) and page.is_complete:
        following = replace(job, due_at="", locator=page.cursor).to_cursor()
        return replace(page, cursor=following if page.cursor else "")
    await _log_refusal(source, page)
    return await source.fetch_page(job.after)


async def _wait_for_job(source: PageSource, bulk: BulkRead, job: JobPosition) -> Outcome | None:
    """Return why a job has no results; None if it has. Raises RunDeferred while it runs."""
    due_at = datetime.fromisoformat(job.due_at)
    if source.context.now() < due_at:
        raise RunDeferred(due_at, BULK_JOB_RUNNING)
    state = await source.call(partial(bulk.state_request, job=job.job), bulk.parse_job)
    if isinstance(state, Outcome):
        return state
    if not state.is_complete:
        raise RunDeferred(_find_due(source, state), BULK_JOB_RUNNING)
    return None


def _find_due(source: PageSource, job: ReadJob) -> datetime:
    return source.context.now() + timedelta(seconds=job.wait)


def _find_size(source: PageSource) -> int | None:
    """Return the size of a page that was found to be small enough, if it had to be."""
    return int(source.query["page_size"]) if "page_size" in source.query else None


async def _log_refusal(source: PageSource, answer: Page | Outcome) -> None:
    """Log why a job is not used. Raises RunFailed and RunBlocked for what concerns pages, too."""
    if isinstance(answer, Outcome) and answer.kind != "never":
        raise_refusal(answer)
    await source.context.log(
        "bulk_job_refused",
        level="warning",
        collection=source.collection.key,
        reason=answer.reason,
        detail=answer.detail if isinstance(answer, Outcome) else None,
    )
