"""Kill runs before each page, chunk and end is stored, and cut a page: nothing is repaired twice,
lost, created or deleted.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from bench import seed
from bench.figures import Bar, Figure
from bench.installation.processes import python_command, start_together
from bench.scheduled.order_systems import (
    ORG,
    TENANT,
    OrderSystems,
    build_order,
    build_record,
    connect_systems,
    find_tenant,
    format_number,
    order_systems,
)
from bench.scheduled.repairing import count_writes, deliver_repairs
from bench.scheduled.runner import execute_runs, execute_until_killed, use_small_pages
from bench.sink.client import Sink
from bench.suite import Options
from hub.audit import ActorContext
from hub.db.clock import clock
from hub.scheduled.models import Discrepancy, Job
from hub.scheduled.runs.run_actions import start_run

DATABASES = ("postgresql", "sqlite")
KEYS, CHANGED = 1000, 20
PAGE_SIZE = 200
QUICK_KILLS = 3
STATES = ("paid", "lost")  # that the changed orders get in turn
CUT = {"system": "salesforce", "path": "/query", "changes": {"records": [], "done": True}}


def measure(sink: Sink, options: Options) -> Iterator[Figure]:
    use_small_pages(PAGE_SIZE)
    with order_systems() as systems:
        job = connect_systems(systems, mode="apply", limits={"share": 1.0, "count": KEYS})
        plant_equal_orders(systems)
        seed.settle_down()
        with start_together(python_command("bench.programs.pump")):
            yield from measure_kills(systems, job, most=QUICK_KILLS if options.quick else 1000)
        yield from measure_cut_page(systems, job)


def plant_equal_orders(systems: OrderSystems) -> None:
    keys = [format_number(number) for number in range(KEYS)]
    systems.plant("app", TENANT, "orders", [build_order(key, "placed", "12.50") for key in keys])
    records = [build_record(key, "Prospecting", 12.5) for key in keys]
    systems.plant("salesforce", ORG, "Opportunity", records)


def measure_kills(systems: OrderSystems, job: Job, *, most: int) -> Iterator[Figure]:
    """Kill one run at each place where it stores something, and let the repairs be delivered."""
    wrong: Counter[str] = Counter()
    kills = 0
    while kills < most:
        change_orders(systems, STATES[kills % 2])
        first_request = len(systems.list_requests())
        start_run(job, find_tenant(), ActorContext.system(), now=clock())
        if not execute_until_killed(f"C1=kill@{kills + 1}"):
            break
        kills += 1
        execute_runs()
        deliver_repairs()
        wrong.update(judge_writes(systems.list_requests()[first_request:]))
        wrong.update(judge_records(systems))
    yield Figure("valve_kills", kills, "")
    for name in ("lost", "doubled", "deleted", "created", "different"):
        yield Figure(f"valve_{name}", wrong[name], "", bar=Bar("==", 0))
    writes = count_writes(systems)
    start_run(job, find_tenant(), ActorContext.system(), now=clock())
    execute_runs()
    yield Figure("valve_writes_after", count_writes(systems) - writes, "", bar=Bar("==", 0))


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
    )


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


def measure_cut_page(systems: OrderSystems, job: Job) -> Iterator[Figure]:
    """Let a page claim to be the last one, each time that it is tried; nothing is missing then."""
    systems.post("/_control/faults", CUT | {"times": 3})
    run = start_run(job, find_tenant(), ActorContext.system(), now=clock())
    execute_runs()
    run.refresh_from_db()
    missing = Discrepancy.unscoped.filter(job=job, verdict__startswith="missing")
    yield Figure("valve_missing_by_cut", missing.count(), "", bar=Bar("==", 0))
    yield Figure("valve_cut_noticed", not run.result["is_complete"], "", bar=Bar("==", 1))
