"""Run four pumps, and kill the one with most lanes every 15 s, as if its pool noticed at once.

No sliding window may hold more than its quota, and little of it may stay unused.
"""

import os
import signal
import subprocess
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, MutableMapping, Sequence

from bench import checker, quota_connectors, seed
from bench.figures import Bar, Figure
from bench.installation.processes import (
    Process,
    python_command,
    signal_group,
    spawn,
    stop,
    wait_until,
)
from bench.sink.client import Arrival, Sink
from bench.suite import Options
from hub.connections.models import Lane
from hub.db.clock import clock
from hub.outgoing.queue.pump_leases import free_leases, process_prefix
from hub.processes.worker_registry import current_worker_id

DATABASES = ("postgresql",)
PUMPS, KILL_EVERY = 4, 15  # seconds
SECONDS = 200  # three windows of a minute, and some
ACCOUNTS = {"app": 3, "account": 2, "method": 2, "channel": 1}
# how many parts of a path (action, account, channel) name the scope
NAMED_BY = {"app": 1, "account": 2, "method": 2, "channel": 3}
USED = dict.fromkeys(ACCOUNTS, 0.9)


def measure(sink: Sink, options: Options) -> Iterator[Figure]:
    seconds = 8 if options.quick else SECONDS
    seed.empty()
    for action in ACCOUNTS:
        stage(sink, action, seconds)
    seed.settle_down()
    sink.clear()
    begin, end = run(sink, seconds)
    yield from figures(sink.arrivals(), begin, end)


def stage(sink: Sink, action: str, seconds: float) -> None:
    """Create twice the deliveries that the action's binding scope allows, on its own accounts."""
    route = seed.route(
        quota_connectors.KEY,
        action,
        mapping={"channel": "data.channel"},
        event_type=f"{action}.spent",
    )
    quota, scopes = (
        quota_connectors.QUOTAS[action],
        {"app": 1, "channel": seed.CHANNELS}.get(action, ACCOUNTS[action]),
    )
    rows = [
        row
        for number in range(ACCOUNTS[action])
        for row in seed.connections(
            1, f"{sink.url}/ok", connector=quota_connectors.KEY, account=f"{action}-{number}"
        )
    ]
    seed.orders(rows, round(2 * scopes * quota.limit * (seconds / quota.per_seconds + 1)), route)


def run(sink: Sink, seconds: float) -> tuple[float, float]:
    """Run the pumps and kill them in turn; return when the run began and ended."""
    pumps = {process.pid: process for process in (pump() for _ in range(PUMPS))}
    try:
        wait_until(sink.count, within=60, what="the first call")
        begin = time.monotonic()
        while True:
            time.sleep(min(KILL_EVERY, max(0.0, begin + seconds - time.monotonic())))
            if time.monotonic() >= begin + seconds:
                return begin, time.monotonic()
            replace(pumps, busiest(pumps))
    finally:
        stop(list(pumps.values()))


def busiest(pumps: Mapping[int, Process]) -> int:
    """Return the process that holds most lanes."""
    leases = Lane.unscoped.filter(lease_until__gt=clock()).values_list("lease", flat=True)
    held = Counter(
        lease.bytes[: len(process_prefix(current_worker_id(), 0))] for lease in leases if lease
    )
    return max(pumps, key=lambda pid: held[process_prefix(current_worker_id(), pid)])


def replace(pumps: MutableMapping[int, Process], pid: int) -> None:
    """Kill a pump; as its pool does, free its leases and start another."""
    process = pumps.pop(pid)
    signal_group(process, signal.SIGKILL)
    process.wait()
    free_leases(process_prefix(current_worker_id(), pid), now=clock())
    process = pump()
    pumps[process.pid] = process


def pump() -> Process:
    environment = os.environ | {"HUB_PUMPS": str(PUMPS)}
    return spawn(
        python_command("bench.programs.pump"),
        environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )


def figures(arrivals: Sequence[Arrival], begin: float, end: float) -> Iterator[Figure]:
    scopes = moments_by_scope(arrivals)
    for kind, quota in quota_connectors.QUOTAS.items():
        broken = sum(
            checker.breaches(at, quota.limit, quota.per_seconds)
            for scope, at in scopes.items()
            if scope[0] == kind
        )
        yield Figure(f"quota_{kind}_breaches", broken, "windows", bar=Bar("==", 0))
    for kind, bar in USED.items():
        quota = quota_connectors.QUOTAS[kind]
        if end - begin > quota.per_seconds:
            binding = [
                moments
                for (bound, action, *_), moments in scopes.items()
                if bound == action == kind
            ]
            shares = [
                checker.used_share(moments, quota.limit, quota.per_seconds, begin=begin, end=end)
                for moments in binding
            ]
            yield Figure(f"quota_{kind}_used", min(shares), "of the limit", bar=Bar(">=", bar))


def moments_by_scope(arrivals: Sequence[Arrival]) -> dict[tuple[str, ...], list[float]]:
    """Return when each scope was spent, by kind and the parts of the path that name it."""
    scopes: defaultdict[tuple[str, ...], list[float]] = defaultdict(list)
    for arrival in arrivals:
        named = arrival.path.split("/")[2:]
        for kind in quota_connectors.SPENT[named[0]]:
            scopes[(kind, *named[: NAMED_BY[kind]])].append(arrival.at)
    return scopes
