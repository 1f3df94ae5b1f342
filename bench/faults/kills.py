"""SIGKILLs of everything there is, at random moments and at named places, while events are told and delivered."""

import os
import time
from dataclasses import dataclass

from bench.environments import OWN_SERVER
from bench.faults import evaluation, process_groups
from bench.faults.installation import BACK_WITHIN, AttackedInstallation
from bench.processes import wait_until

DATABASES = ("postgresql", "sqlite")
ROUND = (
    "pump",
    "helper",
    "pool",
    "work",
    "web_worker",
    "sentinel",
    "database",
    "everything",
    "web_master",
    "idle",
)
PLACES = (
    "O1=kill@5,O4=kill@40",
    "O2=kill@5,O5=kill@40",
    "O3=kill@20,O6=kill@20",
    "O8=kill@5,S1=kill@4",
)
FRONT = "I1=kill@5,I2=kill@10,I3=kill@15"
QUICK = ("pump", "work", "web_worker")


@dataclass(frozen=True, slots=True)
class Plan:
    """What is struck, in order, and how much must have happened in the end."""

    strikes: tuple[str, ...]
    kills: int
    acknowledged: int
    per_second: int  # events of each of the callers whose events have no order
    outages: bool


def measure(sink, options):
    started, plan = time.monotonic(), plan_of(options, own_server=OWN_SERVER in os.environ)
    with AttackedInstallation(sink, per_second=plan.per_second) as desk:
        for strike in plan.strikes:
            desk.strike(strike, into_recovery=desk.dice.random() < 0.5)
        desk.recovers(since=time.monotonic())
        if not options.quick:
            kill_at_named_places(desk)
        desk.stops.append(desk.worker.stop())
        desk.calm_down()
        orphans = left_of(desk)
    yield from evaluation.figures(
        desk, sink.arrivals(), orphans=orphans, seconds=time.monotonic() - started, options=plan
    )


def plan_of(options, *, own_server):
    """Only a PostgreSQL of ours may be killed; where there is none, a process of the pool is killed in its place."""
    if options.quick:
        return Plan(QUICK, kills=len(QUICK), acknowledged=1, per_second=6, outages=False)
    rounds, kills, acknowledged, per_second = (
        (19, 200, 100_000, 30) if options.long else (3, 40, 5_000, 6)
    )
    strikes = tuple(
        "helper" if strike == "database" and not own_server else strike for strike in ROUND * rounds
    )
    return Plan(
        strikes, kills=kills, acknowledged=acknowledged, per_second=per_second, outages=own_server
    )


def kill_at_named_places(desk):
    for plan in PLACES:
        desk.fail_at(desk.worker, plan)
    desk.fail_at(desk.web, FRONT)


def left_of(desk):
    """Process groups of pools that are not the last one, and of which something still runs."""
    living = {process_groups.pool_of(desk.worker.pid), desk.worker.pid}
    groups = {group for group in desk.pools | desk.worker.groups if group} - living
    wait_until(
        lambda: all(map(process_groups.is_empty, groups)),
        within=BACK_WITHIN,
        every=0.5,
        what="the end of old pools",
    )
    return sum(not process_groups.is_empty(group) for group in groups)
