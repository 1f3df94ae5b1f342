"""Run loops of tests: a network of prepared answers, and executors by dotted name."""

import asyncio
from contextlib import asynccontextmanager
from datetime import timedelta

from connectors.http import Request, Response
from connectors.outcomes import outcome_of_status, refresh
from hub.processes.db_thread import run_with_loop
from hub.processes.leases import new_lease
from hub.processes.loop_slots import acquire_slot, release_slot
from hub.scheduled.jobs.option_schema import JobOptions, Option, TextOption
from hub.scheduled.jobs.schedules import create_schedule
from hub.scheduled.runs import run_loop
from hub.scheduled.runs.context import RunBlocked, RunFailed
from tests.factories import NOON

OK = Response(200, b"{}")


class Time:
    """A clock that a test sets; it may go on by a step with each reading."""

    def __init__(self, now=NOON, step=timedelta(0)):
        self.now, self.step = now, step

    def __call__(self):
        self.now += self.step
        return self.now


class Network:
    """Answers requests in their order; the last answer is repeated."""

    def __init__(self, *answers, seconds=0.001):
        self.seconds = seconds  # that an answer takes
        self.answers = list(answers) or [OK]
        self.requests = []
        self.in_flight = self.most_in_flight = 0

    async def __call__(self, request):
        self.requests.append(request)
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        await asyncio.sleep(self.seconds)
        self.in_flight -= 1
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


def run_due(network=None, *, clock=None, stopping=None, **dependencies):
    """Run a loop until nothing is left to do."""
    network = network or Network()

    @asynccontextmanager
    async def open_client():
        yield network

    fields = {
        "lease": new_lease(),
        "clock": clock or Time(),
        "random": lambda: 0.5,
        "open_client": open_client,
        "stopping": stopping or (lambda: False),
        "request_another": lambda: None,
        "idle_seconds": 0.0,
        "run_seconds": 20.0,
    }
    loop = run_loop.LoopDependencies(**fields | dependencies)
    acquire_slot("run", loop.lease, now=loop.clock())
    run_with_loop(run_loop.RunLoop(loop).run_to_end)
    release_slot(loop.lease)
    return network


ANY_OPTIONS = JobOptions(others=Option())
OPTIONS_WITH_CHANNEL = JobOptions(options=(TextOption("channel", is_required=True),))


def job_of(make, tenant=None, *, now=NOON, **fields):
    """A report by Slack with its schedule; without a tenant, of all tenants."""
    columns = {"connector": "slack", "kind": "report", "cron": "30 2 * * *"} | fields
    job = make.job(tenant, **columns)
    if tenant:
        create_schedule(job, tenant, now=now)
    return job


def run_of(make, job=None, tenant=None, *, now=NOON, **fields):
    """A run that is due."""
    job = job or job_of(make, tenant or make.tenant(), now=now)
    return make.run(job, tenant, at=now, **{"slot_at": None} | fields)


def build_get(connection):
    return Request("GET", "https://slack.com/api/test")


def parse(response):
    return outcome_of_status(response) or response.body.decode()


def parse_salesforce(response):
    return refresh("INVALID_SESSION_ID") if response.status == 401 else parse(response)


# --- executors ------------------------------------------------------------------------------------


async def read_three_pages(context):
    """Continues from its cursor; one call for each page."""
    connection = await context.find_connection()
    page = context.run.cursor.get("page", 0)
    while page < 3:
        answer = await context.call(connection, build_get, parse)
        page += 1
        await context.save({"page": page}, done=page, expected=3)
    return {"pages": page, "answer": str(answer)}


async def read_more_than_expected(context):
    await context.save({}, done=4, expected=6)
    await context.save({}, done=20, expected=6)
    await context.log("reading", since=None)
    return {}


async def read_salesforce(context):
    connection = await context.find_connection()
    return {"answer": await context.call(connection, build_get, parse_salesforce)}


async def call_many_times(context):
    connection = await context.find_connection()
    calls = [context.call(connection, build_get, parse) for _ in range(20)]
    return {"answers": len(await asyncio.gather(*calls))}


async def read_forever(context):
    connection = await context.find_connection()
    page = 0
    while True:
        await context.call(connection, build_get, parse)
        page += 1
        await context.save({"page": page}, done=page)


async def fail(context):
    raise RunFailed("unavailable", "they are away")


async def fail_for_good(context):
    raise RunFailed("unavailable", "they are away", can_retry=False)


async def break_down(context):
    raise ZeroDivisionError


async def ask_a_person(context):
    raise RunBlocked("permission_missing", "files:write")


async def save_and_lose_the_lease(context):
    def take_over():
        from hub.scheduled.models import Run

        Run.unscoped.filter(pk=context.run.pk).update(lease=new_lease())

    await context.in_database(take_over)
    await context.save({"page": 9}, done=9, write=context.run.job.delete)


async def wait_to_be_cancelled(context):
    from hub.scheduled.models import Run

    await context.in_database(
        lambda: Run.unscoped.filter(pk=context.run.pk).update(cancel_requested_at=context.now())
    )
    context.stop.set("cancelled")
    await context.save({"page": 1}, done=1)


def after(**duration):
    return NOON + timedelta(**duration)
