"""Measure a two-way synchronisation of Salesforce and Pipedrive whose echoes arrive late, twice or
not at all: no true change is taken for an echo, and no echo for a true change.
"""

import random
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bench.figures import Bar, Figure
from bench.incoming.echo.judge import (
    Attempt,
    Truth,
    count_extra_writes,
    count_repeated_writes,
    find_bans,
    find_swallowed,
    find_unjudged,
)
from bench.incoming.echo.people import People, Plan
from bench.incoming.echo.results import (
    describe_record,
    list_marks,
    list_published,
    list_second_records,
    list_writes,
)
from bench.incoming.echo.systems import (
    ROUTED,
    TwoSystems,
    two_systems,
    wait_until_all_is_processed,
)
from bench.installation.write_lock import long_holds_told
from bench.sink.client import Sink
from bench.suite import Options

DATABASES = ("postgresql", "sqlite")
SEED = 25
PLAN = Plan(creations=200, edits=400, seconds=150.0)  # of each side
QUICK_PLAN = Plan(creations=12, edits=24, seconds=12.0)
DISTURBANCE: Mapping[str, Any] = {"delay": 120.0, "lost": 0.05, "doubled": 0.05}
QUICK_DELAY = 6.0  # seconds
SHOWN = 5  # of the findings
NONE = Bar("==", 0)
SOME = Bar(">=", 1)


def measure(sink: Sink, options: Options) -> Iterator[Figure]:
    seed = SEED if options.seed is None else options.seed
    plan = QUICK_PLAN if options.quick else PLAN
    disturbance = dict(DISTURBANCE, seed=seed) | ({"delay": QUICK_DELAY} if options.quick else {})
    with two_systems(disturbance) as systems, long_holds_told():
        people = People(systems, plan, random.Random(seed))
        started_at = time.monotonic()
        truth = people.act()
        wait_until_all_is_processed(systems, delay=disturbance["delay"])
        yield from compare(systems, truth)
        yield Figure("echo_duration", time.monotonic() - started_at, "s")


def compare(systems: TwoSystems, truth: Truth) -> Iterator[Figure]:
    """Compare what was published and written with what people did."""
    attempts = systems.list_attempts()
    truth.bans = find_bans(attempts)
    truth.mark_of, truth.writes = list_marks(systems), list_writes(systems)
    published = list_published()
    swallowed = find_swallowed(truth, published)
    second = list_second_records(systems, truth)
    extra = count_extra_writes(truth, published)
    repeated = count_repeated_writes(truth, ROUTED)
    for finding in (*swallowed[:SHOWN], *second, *extra, *repeated):
        print(finding, file=sys.stderr)
    for record in {change.record for change in swallowed[:SHOWN]} | {key[1] for key in extra}:
        print(describe_record(record, truth, attempts), file=sys.stderr)
    yield Figure("echo_swallowed", len(swallowed), "changes", bar=NONE)
    yield Figure("echo_second_records", len(second), "records", bar=NONE)
    yield Figure("echo_extra_writes", sum(extra.values()), "writes", bar=NONE)
    yield Figure("echo_repeated_writes", sum(repeated.values()), "writes", bar=NONE)
    yield Figure("echo_failed_writes", systems.count_unsent(), "writes", bar=NONE)
    yield Figure("echo_changes", len(truth.changes), "changes", bar=SOME)
    unjudged = len(find_unjudged(truth)) / max(1, len(truth.sent))
    yield Figure("echo_unjudged", unjudged, "share of the changes that were sent")
    yield from describe_answers(attempts, truth)
    counts = systems.count_disturbed()
    yield Figure("echo_caused", counts["caused"], "webhooks", bar=SOME)
    yield Figure("echo_lost", counts["lost"], "webhooks")
    yield Figure("echo_doubled", counts["doubled"], "webhooks")


def describe_answers(attempts: Sequence[Attempt], truth: Truth) -> Iterator[Figure]:
    """Count what the hub answered; a ban for its answers is its fault, but swallows no change."""
    statuses = Counter(attempt.status for attempt in attempts)
    for status, count in sorted(statuses.items()):
        yield Figure(f"echo_answers_{status}", count, "webhooks")
    yield Figure("echo_bans", len(truth.bans), "webhooks", bar=NONE)
    yield Figure("echo_not_sent", len(truth.told) - len(truth.sent), "changes")
