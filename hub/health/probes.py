"""/livez, /readyz and /healthz: public; which checks pass is for the operators alone.

/livez: the process responds. /readyz: this process can accept events, whatever the state of the
workers. /healthz: the installation delivers: workers, pools, the sweep, and due deliveries.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address
from threading import Lock, Thread
from time import monotonic, perf_counter

from django.db import Error, connection
from django.db.models import Min
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from hub.db.clock import clock
from hub.incoming.models import InboundMessage
from hub.outgoing.insight.pumps import longest_unserved_time
from hub.problems import Problem
from hub.processes.worker_registry import SweepFailure, Worker
from hub.queue import Heartbeat
from tenants.access.api_authentication import ApiKeyAuthentication

DATABASE_TIMEOUT = 1.0  # seconds that a probe waits for the database
CHECK_PERIOD = 1.0  # seconds for which all callers share one reading of the database
DETAILS_SCOPE = "metrics:read"
FORWARDING_HEADERS = ("HTTP_X_FORWARDED_FOR", "HTTP_FORWARDED")
MAX_SWEEP_SILENCE = timedelta(seconds=60)
MAX_UNSERVED_TIME = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class HealthCheck:
    ok: bool
    detail: str
    seconds: float | None = None  # the latency, the age, the wait


Checks = dict[str, HealthCheck]


class SharedChecks:
    """Checks that this process makes at most once in CHECK_PERIOD, whoever and how many ask.

    A thread with its own connection makes them, and ends by the connection's own timeouts; until
    then no other is started. SQLite runs in this process and needs no thread.
    """

    def __init__(self, build_checks: Callable[..., Checks]) -> None:
        self.build_checks = build_checks
        self.lock = Lock()
        self.latest: Future[Checks] | None = None
        self.started_at = 0.0

    def read(self, *, time: float) -> Checks:
        """Return the latest checks; failed ones when they take longer than DATABASE_TIMEOUT."""
        with self.lock:
            is_due = self.latest is None or (
                self.latest.done() and not 0 <= time - self.started_at < CHECK_PERIOD
            )
            if self.latest is None or is_due:
                self.latest, self.started_at = Future(), time
            latest, deadline = self.latest, self.started_at + DATABASE_TIMEOUT
        if is_due:
            self._start(latest)
        try:
            return latest.result(timeout=max(0.0, deadline - time))
        except TimeoutError:
            return _database_unavailable(f"does not respond within {DATABASE_TIMEOUT:g} seconds")

    def _start(self, latest: Future[Checks]) -> None:
        if connection.vendor == "sqlite":
            self._run(latest)
            return
        try:
            Thread(target=self._run, args=(latest,), daemon=True).start()
        except RuntimeError as error:  # no more threads
            latest.set_exception(error)

    def _run(self, latest: Future[Checks]) -> None:
        try:
            latest.set_result(self.build_checks(now=clock()))
        except Error as error:
            latest.set_result(_database_unavailable(f"cannot be used ({type(error).__name__})"))
        except Exception as error:
            latest.set_exception(error)
        finally:
            if connection.vendor != "sqlite":
                connection.close()


@never_cache
@require_safe
def livez(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"alive": True})


@never_cache
@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    return _respond_with_checks(request, "ready", READINESS)


@never_cache
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    return _respond_with_checks(request, "healthy", HEALTH)


def _respond_with_checks(request: HttpRequest, title: str, shared: SharedChecks) -> HttpResponse:
    checks = shared.read(time=monotonic())
    is_passed = all(check.ok for check in checks.values())
    status = 200 if is_passed else 503
    if not (_is_local(request) or (checks["database"].ok and _has_details_key(request))):
        return HttpResponse(
            "ok" if is_passed else "unavailable", status=status, content_type="text/plain"
        )
    body = {title: is_passed, "checks": {name: asdict(check) for name, check in checks.items()}}
    return JsonResponse(body, status=status)


def _is_local(request: HttpRequest) -> bool:
    """Return whether a program of this machine asks, and not a proxy on it for a stranger."""
    if any(header in request.META for header in FORWARDING_HEADERS):
        return False
    try:
        return ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False


def _has_details_key(request: HttpRequest) -> bool:
    """Return whether the request has a valid platform key that may read metrics."""
    try:
        header = request.META.get("HTTP_AUTHORIZATION", "")
        return ApiKeyAuthentication().authenticate_key(header).has_scope(DETAILS_SCOPE)
    except (Problem, Error):
        return False


def _database_unavailable(detail: str) -> Checks:
    return {"database": HealthCheck(False, f"The database {detail}.")}


def check_readiness(*, now: datetime) -> Checks:
    """Check whether this process can store an event, which needs no other process."""
    return {"database": _check_database()}


def check_health(*, now: datetime) -> Checks:
    workers = list(Worker.objects.all())
    return {
        "database": _check_database(),
        "workers": _check_workers(workers, now=now),
        "pools": _check_pools(workers, now=now),
        "sweep": _check_sweep(now=now),
        "deliveries": check_deliveries(now=now),
        "inbox": check_inbox(now=now),
    }


def _check_database() -> HealthCheck:
    """Check that the database accepts writes: after a failover it may be a read-only standby."""
    latency = measure_database_latency()
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SHOW transaction_read_only")
            if cursor.fetchone() == ("on",):
                return HealthCheck(False, "The database is read-only.", latency)
    return HealthCheck(True, "The database responds.", latency)


def _check_workers(workers: Sequence[Worker], *, now: datetime) -> HealthCheck:
    last_seen = max((worker.seen_at for worker in workers), default=None)
    if last_seen is None:
        return HealthCheck(False, "No worker is running: start `manage.py work`.")
    if not any(worker.is_alive(now=now) for worker in workers):
        detail = f"No worker is running: the last was seen on {last_seen:%Y-%m-%d at %H:%M:%S} UTC."
        return HealthCheck(False, detail, (now - last_seen).total_seconds())
    return HealthCheck(True, "A worker is running.", max(0.0, (now - last_seen).total_seconds()))


def _check_pools(workers: Sequence[Worker], *, now: datetime) -> HealthCheck:
    """Check that a pool of a live worker is responsive; a worker replaces an unresponsive one."""
    last_heard = max((worker.heard_at for worker in workers if worker.heard_at), default=None)
    if not any(
        worker.is_alive(now=now) and worker.is_pool_responsive(now=now) for worker in workers
    ):
        seconds = (now - last_heard).total_seconds() if last_heard else None
        return HealthCheck(False, "No pool takes tasks from the queue.", seconds)
    return HealthCheck(True, "A pool takes tasks from the queue.")


def _check_sweep(*, now: datetime) -> HealthCheck:
    if failures := list(SweepFailure.objects.order_by("step")):
        steps = ", ".join(f"{failure.step} ({failure.error})" for failure in failures)
        since = min(failure.since for failure in failures)
        detail = f"Steps of the sweep fail since {since:%Y-%m-%d %H:%M:%S} UTC: {steps}."
        return HealthCheck(False, detail, (now - since).total_seconds())
    last_sweep = Heartbeat.objects.filter(name="sweep").values_list("at", flat=True).first()
    if last_sweep is None or now - last_sweep > MAX_SWEEP_SILENCE:
        return HealthCheck(
            False,
            "The sweep does not run.",
            (now - last_sweep).total_seconds() if last_sweep else None,
        )
    return HealthCheck(
        True, "Every step of the sweep succeeds.", (now - last_sweep).total_seconds()
    )


def check_deliveries(*, now: datetime) -> HealthCheck:
    """Check that no connection with a due delivery has waited longer than MAX_UNSERVED_TIME,
    regardless of the length of its queue.
    """
    longest_wait = longest_unserved_time(now=now)
    if longest_wait > MAX_UNSERVED_TIME:
        return HealthCheck(
            False, "Due deliveries are not being sent.", longest_wait.total_seconds()
        )
    return HealthCheck(True, "Due deliveries are being sent.", longest_wait.total_seconds())


def check_inbox(*, now: datetime) -> HealthCheck:
    """Check that no received webhook has been due for longer than MAX_UNSERVED_TIME."""
    wait = longest_inbox_wait(now=now)
    if wait > MAX_UNSERVED_TIME:
        return HealthCheck(False, "Received webhooks are not processed.", wait.total_seconds())
    return HealthCheck(True, "Received webhooks are processed.", wait.total_seconds())


def longest_inbox_wait(*, now: datetime) -> timedelta:
    """Return for how long the oldest due webhook has waited."""
    due = InboundMessage.unscoped.filter(due_at__lte=now)
    oldest = due.aggregate(oldest=Min("due_at"))["oldest"]
    return now - oldest if oldest else timedelta()


def measure_database_latency() -> float:
    started_at = perf_counter()
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return perf_counter() - started_at


READINESS, HEALTH = SharedChecks(check_readiness), SharedChecks(check_health)
