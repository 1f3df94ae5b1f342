"""Measure the shipping of 50,000 log lines to Splunk: at full speed, and with everything failing.

The lines are posted to `POST /api/v1/logs` of a web process. At full speed the collector answers as
it can. Then answers and acknowledgements get lost, batches are accepted in part, Splunk restarts,
and the whole worker is killed: no line may be lost, and a line may be indexed again only as often
as it was in doubt, which the sandbox's ledger shows for each line.
"""

import http.client
import json
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from bench import seed
from bench.figures import Bar, Figure
from bench.installation.processes import MANAGE, Process, descendants, spawn, stop, wait_until
from bench.installation.sandbox import Sandbox, sandbox_process
from bench.installation.web import serving
from bench.sink.client import Sink
from bench.suite import Options
from hub.audit import ActorContext
from hub.db.clock import clock
from hub.scheduled.jobs.job_actions import build_job, create_job
from hub.scheduled.runs.run_actions import start_run
from tenants.models import ApiKey, Tenant

DATABASES = ("postgresql", "sqlite")
LINES, QUICK_LINES, CHUNK = 50_000, 5_000, 1_000
SHIPPED_WITHIN = 300.0  # seconds
RESTART_SECONDS = 3.0
FAULTY_BATCH = 60_000  # bytes; about 250 lines, so that many batches can fail
EVENT, ACK = "/services/collector/event", "/services/collector/ack"
SPEED, FAULTS = "speed", "faults"  # stacks
LOST_ANSWER = 0  # the status of a request whose connection the sandbox cut


@dataclass
class Log:
    """The log of one tenant at a web server, and the stack of Splunk to which it goes."""

    tenant: Tenant
    key: str  # the text of an API key
    place: str
    stack: str
    sandbox: Sandbox
    count: int
    doubts: Counter[int] = field(default_factory=Counter)  # times that each line was in doubt

    def post_lines(self) -> None:
        """Post all lines by REST, in chunks. Raises SystemExit if some are not accepted."""
        connection = http.client.HTTPConnection(self.place, timeout=60)
        headers = {
            "Authorization": f"Bearer {self.key}",
            "Content-Type": "application/x-ndjson",
        }
        for first in range(0, self.count, CHUNK):
            body = b"\n".join(build_line(number) for number in range(first, first + CHUNK))
            headers["Idempotency-Key"] = f"lines-{first}"
            connection.request("POST", "/api/v1/logs", body, headers)
            response = connection.getresponse()
            content = response.read()
            if response.status != 202:
                raise SystemExit(f"lines are not accepted: {response.status} {content[:500]!r}")
        connection.close()

    def figures(self) -> dict[str, Any]:
        """Return what REST says of the log: lines received, shipped, rejected, …"""
        connection = http.client.HTTPConnection(self.place, timeout=60)
        connection.request("GET", "/api/v1/logs", headers={"Authorization": f"Bearer {self.key}"})
        figures: dict[str, Any] = json.loads(connection.getresponse().read())
        connection.close()
        return figures

    def shipped_count(self) -> int:
        return int(self.figures()["shipped"])

    def is_shipped(self) -> bool:
        return self.shipped_count() >= self.count

    def indexed(self) -> Counter[int]:
        """Return how often each line is indexed."""
        return Counter(int(row["fields"]["log_line"]) for row in self._indexed_rows())

    def first_and_last(self) -> tuple[float, float]:
        """Return when the first and the last line was indexed, in seconds since 1970."""
        times = [row["indexed_at"] for row in self._indexed_rows()]
        return min(times), max(times)

    def _indexed_rows(self) -> list[Any]:
        return self.sandbox.get_rows(
            f"/_control/records?system=splunk&account={self.stack}&object=events"
        )

    def find_requests(self, path: str) -> list[dict[str, Any]]:
        """Return the requests to a path, as the sandbox recorded them."""
        rows = self.sandbox.get_rows("/_control/ledger?since=0")
        return [row for row in rows if row["account"] == self.stack and row["path"].endswith(path)]

    def doubt_unacknowledged(self, shipped_count: int) -> None:
        """Note the lines that Splunk was sent and that were not acknowledged at this count."""
        sent = self.find_requests(EVENT)
        self.doubt(number for number in numbers_of(sent) if number >= shipped_count)

    def doubt(self, lines: Iterable[int]) -> None:
        """Note that these lines may be sent once more."""
        self.doubts.update(set(lines))


def measure(sink: Sink, options: Options) -> Iterator[Figure]:
    count = QUICK_LINES if options.quick else LINES
    seed.empty()
    with sandbox_process() as sandbox, serving() as place:
        yield from measure_speed(stage(sandbox, place, SPEED, count))
        yield from measure_faults(stage(sandbox, place, FAULTS, count))


def stage(sandbox: Sandbox, place: str, stack: str, count: int) -> Log:
    """Connect a tenant to a stack of Splunk, and post its lines."""
    token = f"{len(stack):08d}-0000-4000-8000-000000000000"
    hec_token = {"stack": stack, "token": token, "ack": True, "ack_after": 0.2}
    sandbox.post("/_control/world", {"splunk": [hec_token]})
    (connection,) = seed.connections(
        1, f"{sandbox.url}/splunk/{stack}", connector="splunk", secret={"token": token}
    )
    tenant = seed.tenant_of(connection)
    _, key = ApiKey.issue(
        name="bench", scopes=["logs:write", "logs:read"], random=os.urandom, tenant=tenant
    )
    log = Log(tenant, key, place, stack, sandbox, count)
    log.post_lines()
    return log


def build_line(number: int) -> bytes:
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
        tenant=log.tenant,
        kind="ship",
        name="bench",
        connector_key="splunk",
        cron="* * * * *",
        options={"acknowledge_seconds": 30, **job_options},
    )
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
        kill_all(worker)
        log.doubt_unacknowledged(log.shipped_count())
        worker = start_worker(log)
        wait_until(log.is_shipped, within=SHIPPED_WITHIN, every=0.2, what="all lines")
    finally:
        stop([worker])
    doubt_lost_answers(log)
    doubt_lost_acknowledgement(log)
    indexed = log.indexed()
    again = find_repeated(indexed)
    unexplained = again - log.doubts
    rejected = log.figures()["rejected"]
    yield Figure("ship_faults_lost", log.count - len(indexed), "lines", bar=Bar("==", 0))
    yield Figure("ship_faults_twice", again.total(), "lines")
    yield Figure("ship_faults_unexplained", unexplained.total(), "lines", bar=Bar("==", 0))
    yield Figure("ship_faults_rejected", rejected, "lines", bar=Bar("==", 0))


def find_repeated(indexed: Counter[int]) -> Counter[int]:
    """Return how often each line is indexed again."""
    return indexed - Counter(dict.fromkeys(indexed, 1))


def order_faults(log: Log) -> None:
    """Let answers, parts of batches and one acknowledgement get lost."""
    fault = {"account": log.stack}
    log.sandbox.order_fault("splunk", path=EVENT, accepts=100, times=2, **fault)
    log.sandbox.order_fault("splunk", path=EVENT, status=0, effect=True, times=2, **fault)
    log.sandbox.order_fault("splunk", path=ACK, body={"acks": {}}, effect=True, **fault)


def wait_for_lines(log: Log, count: int) -> None:
    wait_until(
        lambda: log.shipped_count() >= count,
        within=SHIPPED_WITHIN,
        every=0.02,
        what=f"{count} lines",
    )


def restart_splunk(log: Log) -> None:
    shipped_count = log.shipped_count()
    wish = {"system": "splunk", "account": log.stack, "seconds": RESTART_SECONDS}
    log.sandbox.post("/_control/restart", wish)
    log.doubt_unacknowledged(shipped_count)


def kill_all(worker: Process) -> None:
    """Kill the worker and its whole pool, without a warning."""
    for pid in list(descendants(worker.pid)):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    worker.wait()
    time.sleep(0.1)


def doubt_lost_answers(log: Log) -> None:
    """Note the lines of each request whose answer was lost."""
    for request in log.find_requests(EVENT):
        if request["status"] == LOST_ANSWER:
            log.doubt(numbers_of([request]))


def doubt_lost_acknowledgement(log: Log) -> None:
    """Note the lines that were sent when the first acknowledgement, which got lost, was asked."""
    (request, *_) = log.find_requests(ACK)
    log.doubt(numbers_of(row for row in log.find_requests(EVENT) if row["seq"] < request["seq"]))


def numbers_of(requests: Iterable[dict[str, Any]]) -> Iterator[int]:
    """Yield the number of each line that these requests carry."""
    for request in requests:
        for envelope in str(request["body"]).splitlines():
            yield int(json.loads(envelope)["fields"]["log_line"])
