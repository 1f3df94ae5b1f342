"""Four pumps, one of them killed every so often: no sliding window may hold too much, and little may be left unused."""

import itertools
import os
import signal
import subprocess
import time
from collections import defaultdict

from bench import checker, connector, seed
from bench.figures import Bar, Figure
from bench.processes import python, signal_group, spawn, stop, until

DATABASES = ("postgresql",)
PUMPS, KILL_EVERY = 4, 15  # seconds
SECONDS = 200  # three windows of a minute, and some
SHARING = 4  # connections of one account, so that a killed pump's lease does not idle it
ACCOUNTS = {"app": 3, "account": 2, "method": 2, "channel": 1}
NAMED_BY = {"app": 1, "account": 2, "method": 2, "channel": 3}  # parts of a path: action, account, channel
USED = {"app": 0.95, "account": 0.95, "method": 0.95, "channel": 0.8}


def measure(sink, options):
    seconds = 8 if options.quick else SECONDS
    seed.empty()
    for action in connector.SPENT:
        stage(sink, action, seconds)
    seed.settle_down()
    sink.clear()
    begin, end = run(sink, seconds)
    yield from figures(sink.arrivals(), begin, end)


def stage(sink, action, seconds):
    """Twice what its binding scope allows, on accounts of its own."""
    route = seed.route(connector.KEY, action, mapping={"channel": "data.channel"}, event_type=f"{action}.spent")
    quota, scopes = connector.QUOTAS[action], {"app": 1, "channel": seed.CHANNELS}.get(action, ACCOUNTS[action])
    rows = [
        row
        for number in range(ACCOUNTS[action])
        for row in seed.connections(
            SHARING, f"{sink.url}/ok", tenants=SHARING, connector=connector.KEY, account=f"{action}-{number}"
        )
    ]
    seed.orders(rows, round(2 * scopes * quota.limit * (seconds / quota.per + 1)), route)


def run(sink, seconds):
    """When it began, and when it ended."""
    pumps = [pump() for _ in range(PUMPS)]
    try:
        until(sink.count, within=60, what="the first call")
        begin = time.monotonic()
        for victim in itertools.cycle(range(PUMPS)):
            time.sleep(min(KILL_EVERY, max(0.0, begin + seconds - time.monotonic())))
            if time.monotonic() >= begin + seconds:
                return begin, time.monotonic()
            signal_group(pumps[victim], signal.SIGKILL)
            pumps[victim].wait()
            pumps[victim] = pump()
    finally:
        stop(pumps)


def pump():
    environment = os.environ | {"HUB_PUMPS": str(PUMPS)}
    return spawn(python("bench.pump"), environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


def figures(arrivals, begin, end):
    scopes = moments_by_scope(arrivals)
    for kind, quota in connector.QUOTAS.items():
        broken = sum(checker.breaches(at, quota.limit, quota.per) for scope, at in scopes.items() if scope[0] == kind)
        yield Figure(f"quota_{kind}_breaches", broken, "windows", bar=Bar("==", 0))
    for kind, bar in USED.items():
        quota = connector.QUOTAS[kind]
        if end - begin > quota.per:
            binding = [moments for (bound, action, *_), moments in scopes.items() if bound == action == kind]
            shares = [checker.used(moments, quota.limit, quota.per, begin=begin, end=end) for moments in binding]
            yield Figure(f"quota_{kind}_used", min(shares), "of the limit", bar=Bar(">=", bar))


def moments_by_scope(arrivals):
    """When each scope was spent, by (kind, action, account, channel) as far as they name it."""
    scopes = defaultdict(list)
    for arrival in arrivals:
        named = arrival.path.split("/")[2:]
        for kind in connector.SPENT[named[0]]:
            scopes[(kind, *named[: NAMED_BY[kind]])].append(arrival.at)
    return scopes
