"""/livez, /readyz and /healthz: open to everybody, so they answer only whether, and why not.

/livez: the process answers. /readyz: this process can accept events, whatever became of the workers. /healthz: the
installation does its work: workers, pools, the sweep, and what is due.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from threading import Thread
from time import perf_counter

from django.db import Error, connection
from django.db.models import Min
from django.db.models.functions import Greatest
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from hub.clock import clock
from hub.outgoing.pump.claim import claimable
from hub.queue import Heartbeat
from hub.standing import SweepFailure, Worker

PATIENCE = 1.0  # seconds that a probe waits for the database
SWEEP_SILENCE_MOST = timedelta(seconds=60)
UNSERVED_MOST = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Check:
    ok: bool
    detail: str
    seconds: float | None = None  # the latency, the age, the wait


@never_cache
@require_safe
def livez(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"alive": True})


@never_cache
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    return answer("ready", look_at_readiness)


@never_cache
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    return answer("healthy", look_at_health)


def answer(title: str, look: Callable[..., dict[str, Check]]) -> JsonResponse:
    checks = in_time(lambda: look(now=clock()))
    passed = all(check.ok for check in checks.values())
    body = {title: passed, "checks": {name: asdict(check) for name, check in checks.items()}}
    return JsonResponse(body, status=200 if passed else 503)


def in_time(look: Callable[[], dict[str, Check]], patience: float = PATIENCE) -> dict[str, Check]:
    """A database elsewhere may be silent for longer than a probe waits: it is asked on a line and a thread of its own.

    The thread ends when the line's own timeouts do. SQLite is in this process, and always answers.
    """
    if connection.vendor == "sqlite":
        return tried(look)
    found: list[dict[str, Check]] = []
    thread = Thread(target=lambda: found.append(tried(look, then=connection.close)), daemon=True)
    thread.start()
    thread.join(patience)
    return found[0] if found else away(f"does not answer within {patience:g} seconds")


def tried(look: Callable[[], dict[str, Check]], then: Callable[[], None] = lambda: None) -> dict[str, Check]:
    try:
        return look()
    except Error as error:
        return away(f"cannot be used ({type(error).__name__})")
    finally:
        then()


def away(detail: str) -> dict[str, Check]:
    return {"database": Check(False, f"The database {detail}.")}


def look_at_readiness(*, now: datetime) -> dict[str, Check]:
    """Whether this process can store an event: no other process is needed for that."""
    return {"database": writable()}


def look_at_health(*, now: datetime) -> dict[str, Check]:
    workers = list(Worker.objects.all())
    return {
        "database": writable(),
        "workers": workers_run(workers, now=now),
        "pools": pools_hear(workers, now=now),
        "sweep": sweep_succeeds(now=now),
        "deliveries": served(now=now),
    }


def writable() -> Check:
    """A database that was moved may leave us at a standby, which answers and stores nothing."""
    latency = database_latency()
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SHOW transaction_read_only")
            if cursor.fetchone() == ("on",):
                return Check(False, "The database is read-only.", latency)
    return Check(True, "The database answers.", latency)


def workers_run(workers: Sequence[Worker], *, now: datetime) -> Check:
    last = max((worker.seen_at for worker in workers), default=None)
    if last is None:
        return Check(False, "No worker is running: start `manage.py work`.")
    if not any(worker.is_alive(now=now) for worker in workers):
        detail = f"No worker is running: the last was seen on {last:%Y-%m-%d at %H:%M:%S} UTC."
        return Check(False, detail, (now - last).total_seconds())
    return Check(True, "A worker is running.", max(0.0, (now - last).total_seconds()))


def pools_hear(workers: Sequence[Worker], *, now: datetime) -> Check:
    """One that hears is enough; the worker of a silent one replaces it."""
    heard = max((worker.heard_at for worker in workers if worker.heard_at), default=None)
    if not any(worker.is_alive(now=now) and worker.hears(now=now) for worker in workers):
        seconds = (now - heard).total_seconds() if heard else None
        return Check(False, "No pool takes tasks from the queue.", seconds)
    return Check(True, "A pool takes tasks from the queue.")


def sweep_succeeds(*, now: datetime) -> Check:
    if failures := list(SweepFailure.objects.order_by("step")):
        steps = ", ".join(f"{failure.step} ({failure.error})" for failure in failures)
        since = min(failure.since for failure in failures)
        detail = f"Steps of the sweep fail since {since:%Y-%m-%d %H:%M:%S} UTC: {steps}."
        return Check(False, detail, (now - since).total_seconds())
    last = Heartbeat.objects.filter(name="sweep").values_list("at", flat=True).first()
    if last is None or now - last > SWEEP_SILENCE_MOST:
        return Check(False, "The sweep does not run.", (now - last).total_seconds() if last else None)
    return Check(True, "Every step of the sweep succeeds.", (now - last).total_seconds())


def served(*, now: datetime) -> Check:
    """However long the queue is, no connection with something due waits long for its turn."""
    waited = unserved(now=now)
    if waited > UNSERVED_MOST:
        return Check(False, "What is due is not sent.", waited.total_seconds())
    return Check(True, "What is due is sent.", waited.total_seconds())


def unserved(*, now: datetime) -> timedelta:
    since = claimable(now=now).aggregate(since=Min(Greatest("due_at", "virtual_time")))["since"]
    return max(now - since, timedelta()) if since else timedelta()


def database_latency() -> float:
    began = perf_counter()
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return perf_counter() - began
