"""Kill runs before each page, chunk and end is stored, and repairs before and after each batch;
delete records while both sides are read, and cut a page: nothing is repaired twice, lost, created
or deleted.
"""

import itertools
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from bench import seed
from bench.figures import Bar, Figure
from bench.installation.processes import python_command, start_together, wait_until
from bench.scheduled.order_systems import (
    ORG,
    TENANT,
    OrderSystems,
    build_order,
    build_record,
    connect_systems,
    count_missing,
    count_writes,
    find_tenant,
    format_number,
    order_systems,
)
from bench.scheduled.runner import (
    count_pages,
    deliver_all_repairs,
    execute_runs,
    execute_until_killed,
    repair_until_killed,
    start_runner,
    use_small_pages,
)
from bench.sink.client import Sink
from bench.suite import Options
from hub.audit import ActorContext
from hub.db.clock import clock
from hub.scheduled.models import Discrepancy, Job
from hub.scheduled.runs.run_actions import start_run

DATABASES = ("postgresql", "sqlite")
KEYS, CHANGED = 1000, 20
PAGE_SIZE = 200
QUICK_KILLS = 1
STATES = ("paid", "lost")  # that the changed orders get in turn
CUT = {"system": "salesforce", "path": "/query", "changes": {"records": [], "done": True}}
REPAIR_FAILPOINTS = ("P1", "P2", "P3")
# of the keys that are deleted on each side while it is read: those of a page that was read, and of
# one that was not
DELETED_HERE = [*range(10, 15), *range(KEYS - 15, KEYS - 10)]
DELETED_THERE = [*range(20, 25), *range(KEYS - 25, KEYS - 20)]
PAGES_BEFORE_DELETION = 3  # of both sides together
SLOWLY = {"HUB_FAILPOINTS": "C1=sleep:0.5"}


def measure(sink: Sink, options: Options) -> Iterator[Figure]:
    most = QUICK_KILLS if options.quick else 1000
    use_small_pages(PAGE_SIZE)
    with order_systems() as systems:
        job = connect_systems(
            systems,
            mode="apply",
            missing={"here": "create", "there": "create"},
            limits={"share": 1.0, "count": KEYS},
        )
        plant_equal_orders(systems)
        seed.settle_down()
        with start_together(python_command("bench.programs.pump")):
            yield from measure_kills(systems, job, most=most)
            yield from measure_deletions(systems, job)
        yield from measure_cut_page(systems, job)


def plant_equal_orders(systems: OrderSystems) -> None:
    keys = [format_number(number) for number in range(KEYS)]
    systems.plant("app", TENANT, "orders", [build_order(key, "placed", "12.50") for key in keys])
    records = [build_record(key, "Prospecting", 12.5) for key in keys]
    systems.plant("salesforce", ORG, "Opportunity", records)


def measure_kills(systems: OrderSystems, job: Job, *, most: int) -> Iterator[Figure]:
    """Kill one run, or its repairs, at each place where something is stored; deliver all repairs
    afterwards.
    """
    trial = KillTrial(systems, job, most)
    yield Figure("valve_kills", trial.count_kills(kill_run), "")
    for failpoint in REPAIR_FAILPOINTS:

        def kill_repairs(number: int, failpoint: str = failpoint) -> bool:
            execute_runs()
            return repair_until_killed(f"{failpoint}=kill@{number}")

        kills = trial.count_kills(kill_repairs)
        yield Figure(f"valve_kills_{failpoint}", kills, "", bar=Bar(">=", 1))
    for name in ("lost", "doubled", "deleted", "created", "different"):
        yield Figure(f"valve_{name}", trial.wrong[name], "", bar=Bar("==", 0))
    writes = count_writes(systems)
    start_run(job, find_tenant(), ActorContext.system(), now=clock())
    execute_runs()
    yield Figure("valve_writes_after", count_writes(systems) - writes, "", bar=Bar("==", 0))


def kill_run(number: int) -> bool:
    """Execute a run until something is to be stored for this time; return whether it came there."""
    return execute_until_killed(f"C1=kill@{number}")


@dataclass
class KillTrial:
    """Runs whose orders changed before, each of which is killed; `wrong` counts by kind what was
    written wrongly.
    """

    systems: OrderSystems
    job: Job
    most: int  # kills in a row
    wrong: Counter[str] = field(default_factory=Counter)
    states: Iterator[str] = field(default_factory=lambda: itertools.cycle(STATES))

    def count_kills(self, kill: Callable[[int], bool]) -> int:
        """Change orders and kill what corrects them, a place later each time; return the number of
        kills.
        """
        for number in range(1, self.most + 1):
            change_orders(self.systems, next(self.states))
            first_request = len(self.systems.list_requests())
            start_run(self.job, find_tenant(), ActorContext.system(), now=clock())
            was_killed = kill(number)
            execute_runs()
            deliver_all_repairs()
            self.wrong.update(judge_writes(self.systems.list_requests()[first_request:]))
            self.wrong.update(judge_records(self.systems))
            if not was_killed:
                return number - 1
        return self.most


def change_orders(systems: OrderSystems, state: str) -> None:
    """Change some orders, long before the next run."""
    keys = [format_number(number) for number in range(0, KEYS, KEYS // CHANGED)]
    orders = [build_order(key, state, "12.50") for key in keys]
    systems.plant("app", TENANT, "orders", orders)


def judge_writes(requests: list[dict[str, Any]]) -> Counter[str]:
    """Count what was written wrongly: each changed record is to be written once."""
    writes = Counter(
        request["path"] for request in requests if request["method"] not in ("GET", "HEAD")
    )
    return Counter(
        lost=CHANGED - len(writes),
        doubled=sum(times - 1 for times in writes.values()),
        deleted=sum(request["method"] == "DELETE" for request in requests),
        created=sum(is_creation(request) for request in requests),
    )


def is_creation(request: dict[str, Any]) -> bool:
    """Whether a request would create a record; orders and records are changed by PATCH."""
    return request["method"] in ("POST", "PUT")


def judge_records(systems: OrderSystems) -> Counter[str]:
    """Count the records that differ, and those that there are too many or too few of."""
    orders = systems.list_records("app", TENANT, "orders")
    records = systems.list_records("salesforce", ORG, "Opportunity")
    stages = {record["Number__c"]: record["StageName"] for record in records}
    expected = {"placed": "Prospecting", "paid": "Closed Won", "lost": "Closed Lost"}
    return Counter(
        created=abs(len(orders) - KEYS) + abs(len(records) - KEYS),
        different=sum(expected[order["state"]] != stages[order["number"]] for order in orders),
    )


def measure_deletions(systems: OrderSystems, job: Job) -> Iterator[Figure]:
    """Delete records of both sides while they are read: nothing is written, neither by this run nor
    by the next one, which reports each of them as deleted.
    """
    writes = count_writes(systems)
    run = start_run(job, find_tenant(), ActorContext.system(), now=clock())
    with start_runner(**SLOWLY) as (process,):
        wait_until(
            lambda: count_pages(run) >= PAGES_BEFORE_DELETION,
            within=60,
            every=0.01,
            what="the first pages",
        )
        delete_records(systems)
        process.communicate()
    deliver_all_repairs()
    start_run(job, find_tenant(), ActorContext.system(), now=clock())
    execute_runs()
    deliver_all_repairs()
    discrepancies = Discrepancy.unscoped.filter(job=job).exclude(state="resolved")
    expected = {(format_number(key), "deleted_here") for key in DELETED_HERE}
    expected |= {(format_number(key), "deleted_there") for key in DELETED_THERE}
    wrong = count_missing(expected, discrepancies.values_list("record_key", "reason"))
    yield Figure("valve_deletions_wrong", wrong, "", bar=Bar("==", 0))
    yield Figure("valve_deletions_written", count_writes(systems) - writes, "", bar=Bar("==", 0))


def delete_records(systems: OrderSystems) -> None:
    """Delete orders here and records there, now."""
    now = clock().isoformat()
    numbers = {format_number(key) for key in DELETED_HERE}
    orders = systems.list_records("app", TENANT, "orders")
    deleted = [order for order in orders if order["number"] in numbers]
    deletion = {"deleted": True, "updated_at": now}
    systems.plant("app", TENANT, "orders", [order | deletion for order in deleted])
    numbers = {format_number(key) for key in DELETED_THERE}
    records = systems.list_records("salesforce", ORG, "Opportunity")
    deleted = [record for record in records if record["Number__c"] in numbers]
    deletion = {"IsDeleted": True, "SystemModstamp": now}
    plant = [{"Id": record["Id"]} | deletion for record in deleted]
    systems.plant("salesforce", ORG, "Opportunity", plant)


def measure_cut_page(systems: OrderSystems, job: Job) -> Iterator[Figure]:
    """Let a page claim to be the last one, each time that it is tried; nothing is missing then that
    was not missing before.
    """
    missing = Discrepancy.unscoped.filter(job=job, verdict__startswith="missing")
    count = missing.count()
    systems.post("/_control/faults", CUT | {"times": 3})
    run = start_run(job, find_tenant(), ActorContext.system(), now=clock())
    execute_runs()
    run.refresh_from_db()
    yield Figure("valve_missing_by_cut", missing.count() - count, "", bar=Bar("==", 0))
    yield Figure("valve_cut_noticed", not run.result["is_complete"], "", bar=Bar("==", 1))
