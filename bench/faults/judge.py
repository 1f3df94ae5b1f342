"""What came of it, offline: from what was acknowledged, the ledger, and the hub's own rows."""

import itertools
import math
import sys
from bisect import bisect_left
from collections import Counter, defaultdict

from bench import checker
from bench.faults import moments as clocks
from bench.figures import Bar, Figure
from hub.outgoing.models import Attempt, Delivery
from hub.standing import Replacement

SOON = 35.0  # seconds in which a crash must be noticed after a kill
SETTLED = 3.0  # seconds after a request within which its answer is written down


def figures(desk, arrivals, *, orphans, seconds, kills):
    ids = {row.event.sender_id: row.message_id for row in Delivery.unscoped.select_related("event")}
    acknowledged = [id for told in all_told(desk) for id in told.acknowledged]
    crashes = crashes_by_id()
    sends = Counter(arrival.id for arrival in arrivals)
    blows = sorted([*desk.kills, *replaced()])
    moments = [at for at, _ in blows]

    yield figure("kills", len(desk.kills), "kills", Bar(">=", kills))
    yield figure("acknowledged", len(acknowledged), "events")
    yield figure("lost", len(checker.lost((ids.get(id, id) for id in acknowledged), arrivals)), "events", Bar("==", 0))
    yield figure("extra_sends", checker.extra_sends(arrivals), "requests")
    unexplained = sum(max(0, count - 1 - len(crashes[id])) for id, count in sends.items())
    yield figure("unexplained_sends", unexplained, "requests", Bar("==", 0))
    unexcused = checker.unexcused(arrivals, moments, settled_within=SETTLED)
    yield figure("extra_sends_without_a_kill", unexcused, "requests", Bar("==", 0))
    yield figure("stray_crashes", sum(kill_before(moments, at) is None for ats in crashes.values() for at in ats),
                 "deliveries", Bar("==", 0))  # fmt: skip
    yield figure("not_delivered", Delivery.unscoped.exclude(state="delivered").count(), "deliveries", Bar("==", 0))
    waits = waits_by_kill(crashes, arrivals, moments)
    tell(blows, waits)
    yield figure("sent_again_within", max(itertools.chain.from_iterable(waits.values()), default=0.0), "s",
                 Bar("<=", 30))  # fmt: skip
    accepted = {ids[id]: at for told in all_told(desk) for id, at in told.acknowledged.items() if id in ids}
    yield figure("longest_wait", checker.longest_recovery(accepted, arrivals, moments), "s", Bar("<=", 60))
    if desk.hung:
        yield figure("deaf_pool_replaced", max(desk.hung), "s", Bar("<=", 60))
    if desk.ordered:
        yield figure("order_breaks", order_breaks(desk, ids, arrivals), "events", Bar("==", 0))
    if desk.outages:
        yield from outage(desk, arrivals)
    if desk.stops:
        yield figure("stopped_within", max(desk.stops), "s", Bar("<=", 25))
    yield figure("orphans", orphans, "groups", Bar("==", 0))
    yield figure("took", seconds, "s", Bar("<=", 600 if kills <= 40 else math.inf))


def figure(name, value, unit, bar=None):
    return Figure(f"faults_{name}", value, unit, bar=bar)


def crashes_by_id():
    """When each delivery was found lying after its pump had died, on the machine's monotonic clock."""
    found = defaultdict(list)
    for attempt in Attempt.unscoped.filter(reason="crashed").select_related("delivery"):
        found[attempt.delivery.message_id].append(clocks.monotonic(attempt.started_at))
    return found


def replaced():
    """When a worker killed a pool that was hung: what that pump had on its way lies from then on."""
    return [(clocks.monotonic(row.at), "(replaced)") for row in Replacement.objects.filter(why="hung")]


def kill_before(kills, at):
    """The last kill before this moment, if it was not long ago."""
    place = bisect_left(kills, at)
    return kills[place - 1] if place and at - kills[place - 1] < SOON else None


def waits_by_kill(crashes, arrivals, kills):
    """From each kill until what was on its way then was sent again."""
    came = defaultdict(list)
    for arrival in arrivals:
        came[arrival.id].append(arrival.at)
    waits = defaultdict(list)
    for id, ats in crashes.items():
        for at in ats:
            if (kill := kill_before(kills, at)) is not None:
                place = bisect_left(came[id], at)
                waits[kill].append(came[id][place] - kill if place < len(came[id]) else math.inf)
    return waits


def tell(blows, waits):
    """Each kill with what it cost, for whoever reads along."""
    first = blows[0][0]
    for at, what in blows:
        cost = f"{len(waits[at])} sent again within {max(waits[at]):.1f} s" if waits[at] else "nothing lay"
        print(f"{at - first:7.1f} s {what:12} {cost}", file=sys.stderr)


def order_breaks(desk, ids, arrivals):
    rows = (caller.told.acknowledged for caller in desk.callers if caller.type == "order.moved")
    return sum(checker.order_breaks([ids[id] for id in told], arrivals) for told in rows)


def outage(desk, arrivals):
    """While the database is away nothing is acknowledged, and that is said at once."""
    told = all_told(desk)
    false = [at for each in told for at in each.acknowledged.values() if within(at, desk.outages)]
    waits = [lasted for each in told for began, lasted, status in each.refusals
             if status == 503 and within(began, desk.outages)]  # fmt: skip
    yield figure("acknowledged_without_a_database", len(false), "events", Bar("==", 0))
    yield figure("refused_within", max(waits, default=math.inf), "s", Bar("<=", 2))
    backs = [back for _, back in desk.outages]
    yield figure("delivers_after_the_database", first_after(backs, arrivals), "s", Bar("<=", 30))


def all_told(desk):
    return [caller.told for caller in desk.callers]


def first_after(moments, arrivals):
    """The longest wait from any of these moments to the next arrival."""
    came = [arrival.at for arrival in arrivals]
    return max(came[place] - at if (place := bisect_left(came, at)) < len(came) else math.inf for at in moments)


def within(at, spans):
    """A little after it began: an answer may be on its way."""
    return any(begin + 0.2 < at < end for begin, end in spans)
