"""SIGKILLs of everything there is, at random moments and at named places, while events are told and
delivered.
"""

import itertools
import os
import time
from collections.abc import Iterator

from bench.faults import evaluation
from bench.faults.installation import BACK_WITHIN, AttackedInstallation
from bench.faults.plan import Plan, plan_of
from bench.figures import Figure
from bench.installation import process_groups
from bench.installation.environments import OWN_SERVER
from bench.installation.processes import wait_until
from bench.sink.client import Sink
from bench.suite import Options

DATABASES = ("postgresql", "sqlite")
PLACES = (
    "O1=kill@5,O4=kill@40",
    "O2=kill@5,O5=kill@40",
    "O3=kill@20,O6=kill@20",
    "O8=kill@5,S1=kill@4",
)
LONGEST = 3600.0  # seconds
FRONT = "I1=kill@5,I2=kill@10,I3=kill@15"


def measure(sink: Sink, options: Options) -> Iterator[Figure]:
    started, plan = time.monotonic(), plan_of(options, own_server=OWN_SERVER in os.environ)
    with AttackedInstallation(
        sink, callers=plan.callers, per_second=plan.per_second
    ) as installation:
        for strike in until_enough(installation, plan, deadline=started + LONGEST):
            # each kill of everything is a sample of how long a machine takes to recover
            is_alone = options.quick or strike == "everything"
            into_recovery = not is_alone and installation.dice.random() < 0.5
            installation.strike(strike, into_recovery=into_recovery)
        installation.recovers(since=time.monotonic())
        if not options.quick:
            kill_at_named_places(installation)
        installation.stops.append(installation.worker.stop())
        installation.stop_and_wait()
        orphans = left_of(installation)
    yield from evaluation.figures(
        installation,
        sink.arrivals(),
        orphans=orphans,
        seconds=time.monotonic() - started,
        options=plan,
    )


def until_enough(
    installation: AttackedInstallation, plan: Plan, *, deadline: float
) -> Iterator[str]:
    """Yield the plan's strikes, and again until enough events were acknowledged or the time is
    over.
    """
    yield from plan.strikes
    for strike in itertools.cycle(plan.strikes):
        acknowledged = sum(len(caller.log.acknowledged) for caller in installation.callers)
        if acknowledged >= plan.acknowledged or time.monotonic() > deadline:
            return
        yield strike


def kill_at_named_places(installation: AttackedInstallation) -> None:
    for plan in PLACES:
        installation.fail_at(installation.worker, plan)
    installation.fail_at(installation.web, FRONT)


def left_of(installation: AttackedInstallation) -> int:
    """Process groups of pools that are not the last one, and of which something still runs."""
    living = {process_groups.pool_of(installation.worker.pid), installation.worker.pid}
    groups = {group for group in installation.pools | installation.worker.groups if group} - living
    wait_until(
        lambda: all(map(process_groups.is_empty, groups)),
        within=BACK_WITHIN,
        every=0.5,
        what="the end of old pools",
    )
    return sum(not process_groups.is_empty(group) for group in groups)
