"""What came of it, offline: from what was acknowledged, the ledger, and the hub's own rows."""

import itertools
import math
import sys
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from bench import checker
from bench.faults.facts import Evaluation
from bench.faults.installation import AttackedInstallation
from bench.faults.kill import Kill
from bench.faults.plan import Plan
from bench.figures import Bar, Figure
from bench.sink.client import Arrival
from hub.outgoing.models import Delivery

SETTLED = 1.0  # seconds after a request within which its answer is written down
FOUND = 15.0  # seconds after a kill within which what it left behind must have been found
NONE = Bar("==", 0)
MEMBER, MACHINE = (
    {"pump", "helper", "pool"},
    {"everything"},
)  # what must be made good at once, and soon; a pool whose worker is killed ends by itself


def figure(name: str, value: float, unit: str, bar: Bar | None = None) -> Figure:
    return Figure(f"faults_{name}", value, unit, bar=bar)


def figures(
    installation: AttackedInstallation,
    arrivals: Sequence[Arrival],
    *,
    orphans: int,
    seconds: float,
    options: Plan,
) -> Iterator[Figure]:
    case = Evaluation.of(installation, arrivals)
    yield figure("kills", len(installation.kills), "kills", Bar(">=", options.kills))
    yield from losses(case, least=options.acknowledged)
    yield from repeats(case)
    yield from recoveries(case)
    if installation.replaced_within:
        yield figure("members_replaced", max(installation.replaced_within), "s", Bar("<=", 5))
    if installation.ordered:
        yield figure("order_breaks", order_breaks(installation, case), "events", NONE)
    if options.outages:
        yield from outage(installation, case)
    yield figure("stopped_within", max(installation.stops), "s", Bar("<=", 25))
    yield figure("orphans", orphans, "groups", NONE)
    yield figure("took", seconds, "s", Bar("<=", 600 if options.kills <= 40 else math.inf))


# --- nothing is lost ------------------------------------------------------------------------------


def losses(case: Evaluation, *, least: int) -> Iterator[Figure]:
    yield figure("acknowledged", len(case.acknowledged), "events", Bar(">=", least))
    yield figure("lost", len(checker.lost_ids(case.acknowledged, case.arrivals)), "events", NONE)
    yield figure(
        "not_delivered", Delivery.unscoped.exclude(state="delivered").count(), "deliveries", NONE
    )


# --- nothing is sent twice without a cause --------------------------------------------------------


def repeats(case: Evaluation) -> Iterator[Figure]:
    """At most one more for each time that a delivery was on its way at a kill: so say the ledger,
    and the rows.
    """
    sends = Counter(arrival.id for arrival in case.arrivals)
    yield figure("extra_sends", checker.extra_sends(case.arrivals), "requests")
    unexcused = checker.find_unexcused_sends(
        case.arrivals, kills_of=case.kills_of, outages=case.outages, settled_within=SETTLED
    )
    print_unexcused_sends(case, unexcused)
    yield figure("extra_sends_without_a_kill", len(unexcused), "requests", NONE)
    unexplained = sum(
        max(0, count - 1 - len(case.crashes.get(id, ()))) for id, count in sends.items()
    )
    yield figure("unexplained_sends", unexplained, "requests", NONE)
    strays = [crash for crash in crashes_of(case) if crash.kill is None]
    print_stray_crashes(case, strays)
    yield figure("stray_crashes", len(strays), "deliveries", NONE)


def print_unexcused_sends(case: Evaluation, sends: Iterable[tuple[Arrival, Arrival]]) -> None:
    """Print, for whoever reads along, when the sender of each was killed and what fell beside."""
    begin = case.kills[0].at if case.kills else 0.0
    for before, after in sends:
        delays = [kill - before.at for kill in case.kills_of(before) if kill >= before.at]
        beside = [
            f"{kill.what} {kill.at - before.at:+.1f}"
            for kill in case.kills
            if before.at - 1 <= kill.at <= after.at
        ]
        fate = f"was killed after {min(delays):.2f} s" if delays else "lived"
        print(
            f"{before.at - begin:7.1f} s sent again {after.at - before.at:.1f} s later, its sender "
            f"{fate}; {', '.join(beside)}",
            file=sys.stderr,
        )


@dataclass(frozen=True, slots=True)
class Crash:
    """One time that a delivery was found lying: the kill that left it so, and when it was sent
    again.
    """

    id: str
    at: float
    kill: Kill | None  # None: no kill explains it
    sent_again: float
    sender_known: bool  # the killed process is the one that had sent it


def print_stray_crashes(case: Evaluation, strays: Sequence[Crash]) -> None:
    """Print, for whoever reads along, when each was stored, sent by whom, and found, and all
    kills since.
    """
    begin = case.kills[0].at if case.kills else 0.0
    for crash in strays:
        stored = case.stored.get(crash.id, math.nan)
        sends = [
            f"{arrival.at - begin:.2f} by {case.owners.owner(arrival.port, arrival.at)}"
            for arrival in case.arrivals
            if arrival.id == crash.id
        ]
        kills = [
            f"{kill.what} {kill.at - begin:.2f} of {sorted(kill.pids)}"
            for kill in case.kills
            if stored - 1 <= kill.at <= crash.at
        ]
        print(
            f"{crash.at - begin:7.1f} s stray crash of {crash.id}: stored "
            f"{stored - begin:.2f}, sent {', '.join(sends)}; {'; '.join(kills)}",
            file=sys.stderr,
        )


def crashes_of(case: Evaluation) -> Iterator[Crash]:
    """Yield each crash with its kill: that of the process that sent it, else the first that can
    have hit it.
    """
    requests: defaultdict[str, list[Arrival]] = defaultdict(list)
    for arrival in case.arrivals:
        requests[arrival.id].append(arrival)
    for id, crash_times in case.crashes.items():
        moments = [arrival.at for arrival in requests[id]]
        # an event may be stored long before its caller gets the acknowledgement
        since = case.stored.get(id, -math.inf)
        for before, at in itertools.pairwise([since, *sorted(crash_times)]):
            sent = [arrival for arrival in requests[id] if before <= arrival.at < at]
            kill = kill_behind(case, before, at, sent[-1] if sent else None)
            yield Crash(id, at, kill, following(moments, at), sender_known=bool(sent))


def kill_behind(case: Evaluation, before: float, at: float, request: Arrival | None) -> Kill | None:
    """Return the kill that left a delivery lying which was claimed after `before` and found at
    `at`.
    """
    if request is not None:
        moments = case.kills_of(request)
        hits = [kill for kill in case.kills if kill.at in moments and kill.at <= at]
    else:
        hits = [
            kill
            for kill in case.kills
            if kill.hits_worker and before - checker.MOMENT <= kill.at <= at
        ]
    recent = [kill for kill in hits if at - kill.at <= FOUND + outage_seconds(case, kill.at, at)]
    return recent[0] if recent else None


def outage_seconds(case: Evaluation, begin: float, end: float) -> float:
    """While the database is away nothing can be found."""
    return sum(
        max(0.0, min(back, end) - max(outage_start, begin)) for outage_start, back in case.outages
    )


# --- everything comes back ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Recovery:
    """How a delivery that a kill had left lying came back."""

    kill: Kill
    sent_again: float
    sender_known: bool  # the killed process is the one that had sent it

    @property
    def seconds(self) -> float:
        """How long it took, from the kill on."""
        return self.sent_again - self.kill.at


def recoveries(case: Evaluation) -> Iterator[Figure]:
    """Every wait counts from the kill, also where others fell into it; the strict bars are for
    single kills.
    """
    found_recoveries = [
        Recovery(crash.kill, crash.sent_again, crash.sender_known)
        for crash in crashes_of(case)
        if crash.kill is not None
    ]
    print_recoveries(case.kills, found_recoveries)
    yield figure("sent_again_within", longest(found_recoveries), "s", Bar("<=", 30))
    alone = [
        recovery
        for recovery in found_recoveries
        if recovery.sender_known and is_single_kill(case, recovery)
    ]
    for name, kinds, limit in (("member", MEMBER, 5), ("machine", MACHINE, 15)):
        if kinds.isdisjoint(kill.what for kill in case.kills):
            continue
        of_kind = [recovery for recovery in alone if recovery.kill.what in kinds]
        yield figure(f"samples_after_{name}", len(of_kind), "deliveries", Bar(">=", 1))
        yield figure(f"sent_again_after_{name}", longest(of_kind), "s", Bar("<=", limit))
    yield figure(
        "longest_wait", checker.longest_wait(case.acknowledged, case.arrivals), "s", Bar("<=", 60)
    )


def longest(recoveries: Iterable[Recovery]) -> float:
    """Return the longest recovery; infinite without any, as nothing was measured then."""
    return max((recovery.seconds for recovery in recoveries), default=math.inf)


def is_single_kill(case: Evaluation, recovery: Recovery) -> bool:
    """Whether no other kill and no outage fell between a kill and the moment at which its delivery
    went again.
    """
    others = [
        kill
        for kill in case.kills
        if kill.what != recovery.kill.what and not kill.pids <= recovery.kill.pids
    ]
    return not any(
        recovery.kill.at <= kill.at <= recovery.sent_again for kill in others
    ) and not outage_seconds(case, recovery.kill.at - 10, recovery.sent_again)


def following(moments: Sequence[float], at: float) -> float:
    place = bisect_left(moments, at)
    return moments[place] if place < len(moments) else math.inf


def print_recoveries(kills: Sequence[Kill], recoveries: Iterable[Recovery]) -> None:
    """Each kill with what it cost, for whoever reads along."""
    waits: defaultdict[float, list[float]] = defaultdict(list)
    for recovery in recoveries:
        waits[recovery.kill.at].append(recovery.seconds)
    for kill in kills:
        cost = (
            f"{len(waits[kill.at])} sent again within {max(waits[kill.at]):.1f} s"
            if waits[kill.at]
            else "nothing lay"
        )
        print(f"{kill.at - kills[0].at:7.1f} s {kill.what:12} {cost}", file=sys.stderr)


def order_breaks(installation: AttackedInstallation, case: Evaluation) -> int:
    rows = (
        caller.log.acknowledged for caller in installation.callers if caller.type == "order.moved"
    )
    return sum(checker.order_breaks([case.ids[id] for id in log], case.arrivals) for log in rows)


def outage(installation: AttackedInstallation, case: Evaluation) -> Iterator[Figure]:
    """While the database is away nothing is acknowledged, and that is said at once."""
    false = [at for at in case.acknowledged.values() if is_within(at, installation.outages)]
    refused = [
        lasted
        for log in case.logs
        for started, lasted, status in log.refusals
        if status == 503 and is_within(started, installation.outages)
    ]
    yield figure("outages", len(installation.outages), "times", Bar(">=", 1))
    yield figure("acknowledged_without_a_database", len(false), "events", NONE)
    yield figure("refused_within", max(refused, default=math.inf), "s", Bar("<=", 2))
    came = [arrival.at for arrival in case.arrivals]
    back = max((following(came, back) - back for _, back in installation.outages), default=math.inf)
    yield figure("delivers_after_the_database", back, "s", Bar("<=", 30))


def is_within(at: float, spans: Iterable[tuple[float, float]]) -> bool:
    """A little after it began: an answer may be on its way."""
    return any(begin + 0.2 < at < end for begin, end in spans)
