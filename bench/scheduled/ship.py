"""Measure the shipping of 50,000 log lines to Splunk: at full speed, and with everything failing.

At full speed the collector answers as it can. Then answers and acknowledgements get lost, batches
are accepted in part, Splunk restarts, and the whole worker is killed: no line may be lost, and
lines may be indexed twice only if they were in a batch whose answer, or acknowledgement, was lost.
"""

import json
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from bench import seed
from bench.figures import Bar, Figure
from bench.installation.processes import MANAGE, Process, descendants, spawn, stop, wait_until
from bench.installation.sandbox import Sandbox, sandbox_process
from bench.sink.client import Sink
from bench.suite import Options
from hub.audit import ActorContext
from hub.db.clock import clock
from hub.scheduled.jobs.job_actions import build_job, create_job
from hub.scheduled.log_intake.append import append_chunks, build_chunk_input
from hub.scheduled.log_intake.lines import parse_lines
from hub.scheduled.models import LogPosition
from hub.scheduled.runs.run_actions import start_run
from tenants.models import Tenant

DATABASES = ("postgresql", "sqlite")
LINES, QUICK_LINES, CHUNK = 50_000, 5_000, 1_000
SHIPPED_WITHIN = 300.0  # seconds
RESTART_SECONDS = 3.0
FAULTY_BATCH = 60_000  # bytes; about 250 lines, so that many batches can fail
EVENT, ACK = "/services/collector/event", "/services/collector/ack"
SPEED, FAULTS = "speed", "faults"  # stacks


@dataclass
class Log:
    """The log of one tenant, and the stack of Splunk to which it goes."""

    tenant: Tenant
    stack: str
    sandbox: Sandbox
    count: int
    in_doubt: list[int] = field(default_factory=list)  # lines of batches with a lost answer

    def position(self) -> LogPosition:
        return LogPosition.objects.of(self.tenant).get()

    def is_shipped(self) -> bool:
        return self.position().shipped_line >= self.count

    def shipped_lines(self) -> int:
        return self.position().shipped_line

    def note_pending(self) -> None:
        """Note the lines that were sent and are not acknowledged, just before their fate."""
        for batch in self.position().batches:
            self.in_doubt += range(batch["first"], batch["first"] + batch["count"])

    def indexed(self) -> Counter[int]:
        """Return how often each line is indexed."""
        rows = self.sandbox.get_rows(
            f"/_control/records?system=splunk&account={self.stack}&object=events"
        )
        return Counter(int(row["fields"]["log_line"]) for row in rows)

    def first_and_last(self) -> tuple[float, float]:
        """Return when the first and the last line was indexed, in seconds since 1970."""
        rows = self.sandbox.get_rows(
            f"/_control/records?system=splunk&account={self.stack}&object=events"
        )
        times = [row["indexed_at"] for row in rows]
        return min(times), max(times)


def measure(sink: Sink, options: Options) -> Iterator[Figure]:
    count = QUICK_LINES if options.quick else LINES
    seed.empty()
    with sandbox_process() as sandbox:
        yield from measure_speed(stage(sandbox, SPEED, count))
        yield from measure_faults(stage(sandbox, FAULTS, count))


def stage(sandbox: Sandbox, stack: str, count: int) -> Log:
    """Connect a tenant to a stack of Splunk, and store its lines."""
    token = f"{len(stack):08d}-0000-4000-8000-000000000000"
    hec_token = {"stack": stack, "token": token, "ack": True, "ack_after": 0.2}
    sandbox.post("/_control/world", {"splunk": [hec_token]})
    (connection,) = seed.connections(
        1, f"{sandbox.url}/splunk/{stack}", connector="splunk", secret={"token": token}
    )
    tenant = seed.tenant_of(connection)
    for first in range(0, count, CHUNK):
        body = b"\n".join(line(number) for number in range(first, first + CHUNK))
        lines = list(parse_lines(body, now=clock()))
        append_chunks([build_chunk_input(tenant, "api", f"{first}", lines, now=clock())])
    return Log(tenant, stack, sandbox, count)


def line(number: int) -> bytes:
    """Build a line of about 200 bytes."""
    document = {
        "time": 1_795_608_000 + number / 1000,
        "level": "info",
        "message": f"Order A-{number} was paid by customer {number % 997}.",
        "request_id": f"01a21100-0000-7000-8000-{number:012d}",
        "duration_ms": number % 1500,
    }
    return json.dumps(document).encode()


def request_run(log: Log, **job_options: object) -> None:
    actor, now = ActorContext.system(), clock()
    job = build_job(
        tenant=log.tenant, kind="ship", name="bench", connector_key="splunk",
        cron="* * * * *", options={"acknowledge_seconds": 30, **job_options},
    )  # fmt: skip
    start_run(create_job(job, actor, now=now), log.tenant, actor, now=now)


def start_worker(log: Log) -> Process:
    environment = os.environ | {
        "HUB_EGRESS_ALLOW": f"{os.environ['HUB_EGRESS_ALLOW']},{log.sandbox.place}"
    }
    return spawn([*MANAGE, "work"], environment, stdout=sys.stderr)


def measure_speed(log: Log) -> Iterator[Figure]:
    request_run(log)
    worker = start_worker(log)
    try:
        wait_until(log.is_shipped, within=SHIPPED_WITHIN, every=0.2, what="all lines")
    finally:
        stop([worker])
    indexed = log.indexed()
    first, last = log.first_and_last()
    yield Figure("ship_rate", log.count / (last - first), "lines/s", bar=Bar(">=", 5_000))
    yield Figure("ship_lost", log.count - len(indexed), "lines", bar=Bar("==", 0))
    yield Figure("ship_twice", indexed.total() - len(indexed), "lines", bar=Bar("==", 0))


def measure_faults(log: Log) -> Iterator[Figure]:
    order_faults(log)
    request_run(log, batch_bytes=FAULTY_BATCH)
    worker = start_worker(log)
    try:
        wait_for_lines(log, log.count // 4)
        restart_splunk(log)
        wait_for_lines(log, log.count // 2)
        log.note_pending()
        kill_all(worker)
        worker = start_worker(log)
        wait_until(log.is_shipped, within=SHIPPED_WITHIN, every=0.2, what="all lines")
    finally:
        stop([worker])
    indexed = log.indexed()
    batch = largest_batch(log)
    note_lost_answers(log)
    # beside what was noted: a batch on its way at the kill, one at the restart, and the one whose
    # acknowledgement was lost
    allowed = len(log.in_doubt) + batch * 3
    twice = indexed.total() - len(indexed)
    yield Figure("ship_faults_lost", log.count - len(indexed), "lines", bar=Bar("==", 0))
    yield Figure("ship_faults_twice", twice, "lines", allowed, Bar("<=", 1, of="ratio"))
    yield Figure("ship_faults_rejected", log.position().rejected_count, "lines", bar=Bar("==", 0))


def order_faults(log: Log) -> None:
    """Let answers, parts of batches and acknowledgements get lost."""
    fault = {"account": log.stack}
    log.sandbox.order_fault("splunk", path=EVENT, accepts=100, times=2, **fault)
    log.sandbox.order_fault("splunk", path=EVENT, status=0, effect=True, times=2, **fault)
    log.sandbox.order_fault("splunk", path=ACK, body={"acks": {}}, effect=True, **fault)


def wait_for_lines(log: Log, count: int) -> None:
    wait_until(
        lambda: log.shipped_lines() >= count,
        within=SHIPPED_WITHIN,
        every=0.02,
        what=f"{count} lines",
    )


def restart_splunk(log: Log) -> None:
    log.note_pending()
    wish = {"system": "splunk", "account": log.stack, "seconds": RESTART_SECONDS}
    log.sandbox.post("/_control/restart", wish)


def kill_all(worker: Process) -> None:
    """Kill the worker and its whole pool, without a warning."""
    for pid in list(descendants(worker.pid)):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    worker.wait()
    time.sleep(0.1)


def find_requests(log: Log, path: str) -> list[dict[str, object]]:
    """Return the requests to a path, as the sandbox recorded them."""
    rows = log.sandbox.get_rows("/_control/ledger?since=0")
    return [row for row in rows if row["account"] == log.stack and row["path"].endswith(path)]


def line_numbers(request: dict[str, object]) -> list[int]:
    envelopes = map(json.loads, str(request["body"]).splitlines())
    return [int(envelope["fields"]["log_line"]) for envelope in envelopes]


def note_lost_answers(log: Log) -> None:
    for request in find_requests(log, EVENT):
        if request["status"] == 0:
            log.in_doubt += line_numbers(request)


def largest_batch(log: Log) -> int:
    return max(len(line_numbers(request)) for request in find_requests(log, EVENT))
