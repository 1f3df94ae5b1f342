"""A system that answers slowly, on a clock of its own, and the tasks that call it."""

from datetime import timedelta

from hub.connections.credentials.revoke import attempt_revocation
from hub.connections.models import Revocation
from hub.db.clock import clock
from hub.incoming.models import InboundEndpoint
from hub.incoming.registration.check import RegistrationCheckContext, check_endpoint
from hub.incoming.registration.lease import claim_check
from hub.queue import WakeUp, acknowledge_wake_up

SLICES_MAX = 40


class Killed(BaseException):
    """The process that makes a call is gone; no code of it runs any more."""


class SlowSystem:
    """Each call takes `seconds`. `kill_at`: the call, counted from 1, that is made, and during
    which the caller dies.
    """

    def __init__(self, system, seconds, *, kill_at=0):
        self.system, self.seconds, self.kill_at = system, seconds, kill_at
        self.now, self.requests, self.slices = clock(), [], []

    def clock(self):
        return self.now

    def sleep(self, seconds):
        self.now += timedelta(seconds=seconds)

    def __call__(self, request):
        self.requests.append(f"{request.method} {request.url}")
        self.sleep(self.seconds)
        response = self.system(request)
        if len(self.requests) == self.kill_at:
            raise Killed
        return response

    def count(self, method):
        return sum(request.startswith(f"{method} ") for request in self.requests)

    def measure_slices(self):
        """Return after how many seconds the last call of each slice began."""
        return [duration - self.seconds for duration in self.slices]


def run_check_once(slow, *, is_awaited=False):
    """Do what the task of the only endpoint's check does, once."""
    endpoint, began_at = InboundEndpoint.unscoped.get(), slow.now
    suffix = ":awaited" if is_awaited else ""
    acknowledge_wake_up(f"register:{endpoint.pk}{suffix}")
    context = RegistrationCheckContext(slow, slow.clock, slow.sleep, lambda: 0.5, not is_awaited)
    check_endpoint(claim_check(endpoint, now=slow.now), context)
    slow.slices.append((slow.now - began_at).total_seconds())


def run_revocation_once(slow):
    revocation, began_at = (
        Revocation.unscoped.select_related("tenant", "connection").get(),
        slow.now,
    )
    acknowledge_wake_up(f"revoke:{revocation.pk}")
    attempt_revocation(revocation, call=slow, clock=slow.clock)
    slow.slices.append((slow.now - began_at).total_seconds())


def run_to_the_end(run_once, slow):
    """Run the task as long as it is woken."""
    for _slice in range(SLICES_MAX):
        run_once(slow)
        if not WakeUp.objects.filter(requested_at__isnull=False).exists():
            return
    raise AssertionError(f"it makes no progress: {slow.requests}")
