"""What came of it, offline: from what was acknowledged, the ledger, and the hub's own rows."""

import itertools
import math
import sys
from bisect import bisect_left
from collections import Counter, defaultdict
from dataclasses import dataclass

from bench import checker
from bench.faults import moments as clocks
from bench.faults.callers import Told
from bench.figures import Bar, Figure
from hub.outgoing.models import Attempt, Delivery
from hub.standing import Replacement

SOON = 35.0  # seconds in which a crash must be noticed after a kill
SETTLED = 3.0  # seconds after a request within which its answer is written down
NONE = Bar("==", 0)


@dataclass(frozen=True, slots=True)
class Case:
    """All that is known in the end; moments are of the machine's monotonic clock."""

    told: list[Told]  # of each caller
    arrivals: list
    ids: dict[str, str]  # the id that the sink saw, by the sender's
    crashes: dict[str, list[float]]  # when each was found lying after its pump had died
    away: list[float]  # moments without a database, in which nothing can be settled
    blows: list[tuple[float, str]]  # the kills, and the pools that a worker replaced

    @classmethod
    def of(cls, desk, arrivals):
        rows = Delivery.unscoped.values_list("event__sender_id", "outward_id")
        return cls(
            told=[caller.told for caller in desk.callers],
            arrivals=arrivals,
            ids={sender: f"msg_{id.hex}" for sender, id in rows},
            crashes=crashes_by_id(),
            away=[gone + second for gone, back in desk.outages for second in range(round(back - gone) + 1)],
            blows=sorted([*desk.kills, *replaced()]),
        )

    @property
    def moments(self):
        return [at for at, _ in self.blows]

    @property
    def acknowledged(self):
        """When, by the id that the sink sees; what is not even stored keeps the sender's."""
        return {self.ids.get(id, id): at for told in self.told for id, at in told.acknowledged.items()}


def crashes_by_id():
    found = defaultdict(list)
    for attempt in Attempt.unscoped.filter(reason="crashed").select_related("delivery"):
        found[attempt.delivery.message_id].append(clocks.monotonic(attempt.started_at))
    return found


def replaced():
    """Until its worker kills what is left of a pool, a pump that lost only its parents goes on sending."""
    return [(clocks.monotonic(row.at), f"({row.why})") for row in Replacement.objects.all()]


def figure(name, value, unit, bar=None):
    return Figure(f"faults_{name}", value, unit, bar=bar)


def figures(desk, arrivals, *, orphans, seconds, kills):
    case = Case.of(desk, arrivals)
    yield figure("kills", len(desk.kills), "kills", Bar(">=", kills))
    yield from losses(case)
    yield from repeats(case)
    yield from recoveries(case)
    if desk.hung:
        yield figure("deaf_pool_replaced", max(desk.hung), "s", Bar("<=", 60))
    if desk.ordered:
        yield figure("order_breaks", order_breaks(desk, case), "events", NONE)
    if desk.outages:
        yield from outage(desk, case)
    yield figure("stopped_within", max(desk.stops), "s", Bar("<=", 25))
    yield figure("orphans", orphans, "groups", NONE)
    yield figure("took", seconds, "s", Bar("<=", 600 if kills <= 40 else math.inf))


# --- nothing is lost -------------------------------------------------------------------------------------------------


def losses(case):
    yield figure("acknowledged", len(case.acknowledged), "events")
    yield figure("lost", len(checker.lost(case.acknowledged, case.arrivals)), "events", NONE)
    yield figure("not_delivered", Delivery.unscoped.exclude(state="delivered").count(), "deliveries", NONE)


# --- nothing is sent twice without a cause ---------------------------------------------------------------------------


def repeats(case):
    """At most one more for each time that a delivery was on its way at a kill: so say the ledger, and the rows."""
    sends = Counter(arrival.id for arrival in case.arrivals)
    yield figure("extra_sends", checker.extra_sends(case.arrivals), "requests")
    unexcused = checker.unexcused(case.arrivals, case.moments + case.away, settled_within=SETTLED)
    yield figure("extra_sends_without_a_kill", unexcused, "requests", NONE)
    unexplained = sum(max(0, count - 1 - len(case.crashes[id])) for id, count in sends.items())
    yield figure("unexplained_sends", unexplained, "requests", NONE)
    strays = [at for ats in case.crashes.values() for at in ats if kill_before(case.moments, at) is None]
    yield figure("stray_crashes", len(strays), "deliveries", NONE)


def kill_before(kills, at):
    """The last kill before this moment, if it was not long ago."""
    place = bisect_left(kills, at)
    return kills[place - 1] if place and at - kills[place - 1] < SOON else None


# --- everything comes back -------------------------------------------------------------------------------------------


def recoveries(case):
    waits = waits_by_kill(case)
    tell(case.blows, waits)
    longest = max(itertools.chain.from_iterable(waits.values()), default=0.0)
    yield figure("sent_again_within", longest, "s", Bar("<=", 30))
    waited = checker.longest_recovery(case.acknowledged, case.arrivals, case.moments)
    yield figure("longest_wait", waited, "s", Bar("<=", 60))


def waits_by_kill(case):
    """Until what was on its way at a kill was sent again, by the last kill before that."""
    came = moments_by_id(case.arrivals)
    waits = defaultdict(list)
    for id, ats in case.crashes.items():
        for at, hit_again in itertools.pairwise([*sorted(ats), math.inf]):
            sent = following(came[id], at)
            if kill_before(case.moments, at) is not None and sent <= hit_again:
                last = case.moments[bisect_left(case.moments, sent) - 1]
                waits[last].append(sent - last)
    return waits


def moments_by_id(arrivals):
    came = defaultdict(list)
    for arrival in arrivals:
        came[arrival.id].append(arrival.at)
    return came


def following(moments, at):
    place = bisect_left(moments, at)
    return moments[place] if place < len(moments) else math.inf


def tell(blows, waits):
    """Each kill with what it cost, for whoever reads along."""
    first = blows[0][0]
    for at, what in blows:
        cost = f"{len(waits[at])} sent again within {max(waits[at]):.1f} s" if waits[at] else "nothing lay"
        print(f"{at - first:7.1f} s {what:12} {cost}", file=sys.stderr)


def order_breaks(desk, case):
    rows = (caller.told.acknowledged for caller in desk.callers if caller.type == "order.moved")
    return sum(checker.order_breaks([case.ids[id] for id in told], case.arrivals) for told in rows)


def outage(desk, case):
    """While the database is away nothing is acknowledged, and that is said at once."""
    false = [at for at in case.acknowledged.values() if within(at, desk.outages)]
    refused = [
        lasted
        for told in case.told
        for began, lasted, status in told.refusals
        if status == 503 and within(began, desk.outages)
    ]
    yield figure("acknowledged_without_a_database", len(false), "events", NONE)
    yield figure("refused_within", max(refused, default=math.inf), "s", Bar("<=", 2))
    came = [arrival.at for arrival in case.arrivals]
    back = max(following(came, back) - back for _, back in desk.outages)
    yield figure("delivers_after_the_database", back, "s", Bar("<=", 30))


def within(at, spans):
    """A little after it began: an answer may be on its way."""
    return any(begin + 0.2 < at < end for begin, end in spans)
