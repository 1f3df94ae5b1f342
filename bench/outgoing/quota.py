"""Run the worker with four pumps, and kill the one with most lanes every 15 s: its pool finds out,
frees its leases and starts another.

No sliding window may hold more than its quota, and little of it may stay unused.
"""

import os
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from bench import checker, quota_connectors, seed
from bench.figures import Bar, Figure
from bench.installation import process_groups
from bench.installation.processes import python_command, spawn, stop, wait_until
from bench.sink.client import Arrival, Sink
from bench.suite import Options
from hub.connections.models import Lane
from hub.db.clock import clock
from hub.processes.leases import PROCESS_BYTES, WORKER_BYTES
from hub.processes.loop_slots import active_leases

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
    begin, end, kills = run(sink, seconds)
    yield Figure("quota_kills", kills, "kills", bar=Bar(">=", seconds // KILL_EVERY))
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


def run(sink: Sink, seconds: float) -> tuple[float, float, int]:
    """Run the worker and kill its pumps; return when the run began and ended, and the kills."""
    worker = spawn(
        python_command("bench.programs.quota_work"),
        os.environ | {"HUB_PUMPS": str(PUMPS)},
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr,
    )
    kills = 0
    try:
        wait_until(sink.count, within=60, what="the first call")
        wait_until(
            lambda: len(active_leases("pump", now=clock())) > 1, within=60, every=0.2, what="pumps"
        )
        begin = time.monotonic()
        while True:
            time.sleep(min(KILL_EVERY, max(0.0, begin + seconds - time.monotonic())))
            if time.monotonic() >= begin + seconds:
                return begin, time.monotonic(), kills
            process_groups.kill(busiest(worker.pid))
            kills += 1
    finally:
        stop([worker])


def busiest(worker: int) -> int:
    """Return the process of the worker's pool that holds most lanes."""
    leases = Lane.unscoped.filter(lease_until__gt=clock()).values_list("lease", flat=True)
    calls = Counter(
        int.from_bytes(lease.bytes[WORKER_BYTES : WORKER_BYTES + PROCESS_BYTES], "big")
        for lease in leases
        if lease
    )
    return max(process_groups.members_of(worker), key=lambda pid: calls[pid])


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
