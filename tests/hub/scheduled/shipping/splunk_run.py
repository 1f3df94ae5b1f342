"""A run that ships to the simulated Splunk, without a network, a loop, or waiting."""

import json
from dataclasses import dataclass, field
from datetime import timedelta

from connectors.http import Response
from connectors.outcomes import Outcome, unknown
from hub.scheduled.models import Job, LogPosition, Run
from hub.scheduled.runs.context import RunFailed, RunStopped
from hub.scheduled.shipping.executor import Shipping
from hub.scheduled.shipping.options import parse_shipping_options
from sandbox.faults import Faults
from sandbox.gateway import respond
from sandbox.splunk.accounts import HEC_TOKENS, HecToken
from sandbox.splunk.system import Splunk
from sandbox.system import ApiRequest
from tests.factories import MINUTE, NOON, SECRETS

STACK = "acme"
URL = f"http://sandbox/splunk/{STACK}"
CALL_ATTEMPTS = 4


class Killed(BaseException):
    """The process ends here."""


class SimulatedSplunk:
    """The sandbox's collector with its faults."""

    def __init__(self, folder, **token):
        hec_token = HecToken(STACK, SECRETS["splunk"]["token"], **token)
        self.system = Splunk({HEC_TOKENS: {"hub": hec_token}}, folder)
        self.faults = Faults()
        self.requests = []

    def add_fault(self, **fault):
        self.faults.add_fault({"system": "splunk", **fault}, {"splunk"})

    def answer(self, request, at):
        path = request.url.removeprefix("http://sandbox/splunk")
        headers = request.all_headers()
        call = ApiRequest(
            request.method, path, path, {}, headers, request.content(), at.timestamp(), ""
        )
        self.requests.append(call)
        answer = respond(self.system, call, self.faults.take_fault("splunk", STACK, path))
        body, _ = answer.content()
        return Response(answer.status, body, at=at)

    def lines(self):
        """The numbers of the lines that are indexed, in the order in which they came."""
        events = self.system.list_records(STACK, "events")
        return [int(event["fields"]["log_line"]) for event in events]

    def events(self):
        return list(self.system.list_records(STACK, "events"))


@dataclass
class SimulatedRun:
    """A RunContext over the database; `kill_at` ends the process at that save."""

    run: Run
    splunk: SimulatedSplunk
    connection: object = None
    kill_at: int | None = None
    time: object = NOON + MINUTE
    logged: list = field(default_factory=list)
    saves: int = 0
    expected: int | None = None

    @property
    def job(self):
        return self.run.job

    @property
    def tenant(self):
        return self.run.tenant

    def now(self):
        return self.time

    async def sleep(self, seconds):
        self.time += timedelta(seconds=seconds)

    async def find_connection(self, connector_key=""):
        return self.connection

    async def call(self, connection, build, parse):
        for _ in range(CALL_ATTEMPTS):
            self.time += timedelta(milliseconds=20)
            response = self.splunk.answer(build(connection), self.time)
            answer = parse(response) if response.status else unknown("no_answer")
            if not isinstance(answer, Outcome) or answer.kind == "never":
                return answer
            await self.sleep(answer.after or 1.0)
        raise RunFailed(answer.reason, answer.detail)

    async def save(self, cursor, *, done, expected=None, write=None):
        self.saves, self.expected = self.saves + 1, expected
        if self.saves == self.kill_at:
            raise Killed
        if write is not None:
            write()
        self.run.done_count = done
        self.run.save(update_fields=["done_count"])

    async def in_database(self, function):
        return function()

    async def log(self, kind, *, level="info", **parameters):
        self.logged.append((kind, parameters))


def make_run(make, tenant, **options):
    job = Job.unscoped.create(
        tenant=tenant,
        kind="ship",
        name="logs",
        connector_key="splunk",
        cron="* * * * *",
        options=options,
    )
    return make_another_run(job, tenant)


def make_another_run(job, tenant):
    Run.unscoped.filter(job=job, state="running").update(state="failed")
    return Run.unscoped.create(
        job=job,
        tenant=tenant,
        state="running",
        due_at=NOON,
        window_ends_at=NOON + 60 * MINUTE,
        deadline_at=NOON + 60 * MINUTE,
        created_at=NOON,
    )


def finish(coroutine):
    """Run a coroutine that never waits for anything outside."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return stop.value
    raise AssertionError("it waits")


def ship(context):
    shipping = Shipping(context, parse_shipping_options(context.job.options), sleep=context.sleep)
    return finish(shipping.ship())


def ship_until_finished(context, *, kills=()):
    """Ship, killed at these saves, each time continued by the same run."""
    for kill_at in (*kills, None):
        context.kill_at, context.saves = kill_at, 0
        try:
            return ship(context)
        except (Killed, RunStopped):
            pass
    return None


def read_body(call):
    return [json.loads(text) for text in call.text.split("\n")]


EVENT, ACK = "/services/collector/event", "/services/collector/ack"


def position():
    return LogPosition.unscoped.get(log__source="api")
