"""/livez and /readyz: open to everybody, so they tell no more than whether, and why not."""

from collections.abc import Callable
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
from hub.queue import Beat

PATIENCE = 1.0  # seconds that a probe waits for the database
SILENCE_MOST = timedelta(seconds=60)
UNSERVED_MOST = timedelta(minutes=2)

BEATS = {
    "worker": "The worker",
    "canary": "The worker's pool",
}


@dataclass(frozen=True, slots=True)
class Check:
    ok: bool
    says: str
    seconds: float | None = None  # the latency, the age, the wait


@never_cache
@require_safe
def livez(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"alive": True})


@never_cache
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    checks = in_time(lambda: look(now=clock()))
    ready = all(check.ok for check in checks.values())
    body = {"ready": ready, "checks": {name: asdict(check) for name, check in checks.items()}}
    return JsonResponse(body, status=200 if ready else 503)


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


def away(says: str) -> dict[str, Check]:
    return {"database": Check(False, f"The database {says}.")}


def look(*, now: datetime) -> dict[str, Check]:
    latency = database_latency()
    beats = dict(Beat.objects.filter(name__in=BEATS).values_list("name", "at"))
    return {
        "database": Check(True, "It answers.", latency),
        **{name: heard(label, beats.get(name), now=now) for name, label in BEATS.items()},
        "deliveries": served(now=now),
    }


def heard(label: str, at: datetime | None, *, now: datetime) -> Check:
    if at is None:
        return Check(False, f"{label} was never seen: start `manage.py work`.")
    age = now - at
    if age > SILENCE_MOST:
        return Check(False, f"{label} was last seen on {at:%Y-%m-%d %H:%M:%S} UTC.", age.total_seconds())
    return Check(True, f"{label} is alive.", age.total_seconds())


def served(*, now: datetime) -> Check:
    """However long the queue is, no connection with something due waits long for its turn."""
    waited = unserved(now=now)
    if waited > UNSERVED_MOST:
        return Check(False, "What is due is not sent.", waited.total_seconds())
    return Check(True, "What is due is sent.", waited.total_seconds())


def unserved(*, now: datetime) -> timedelta:
    since = claimable(now=now).aggregate(since=Min(Greatest("due_at", "turn")))["since"]
    return max(now - since, timedelta()) if since else timedelta()


def database_latency() -> float:
    began = perf_counter()
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return perf_counter() - began
