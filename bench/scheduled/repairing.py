"""Let what runs found be repaired, and count what was written."""

import time

from bench.installation.processes import wait_until
from bench.scheduled.order_systems import OrderSystems
from hub.db.clock import clock
from hub.operations.models import Operation
from hub.operations.operation_runner import run_operation
from hub.outgoing.models import Delivery
from hub.scheduled.repairs.outcomes import settle_failed_repairs

DELIVER_WITHIN = 120.0  # seconds


def deliver_repairs() -> None:
    """Run all operations that were confirmed, and wait until a pump has delivered their repairs."""
    for operation in Operation.unscoped.filter(state="running"):
        while run_operation(
            operation.pk, clock=clock, pause_between=lambda: None, stopping=lambda: False
        ):
            pass
    open_deliveries = Delivery.unscoped.filter(state__in=("waiting", "sending"))
    wait_until(
        lambda: not open_deliveries.exists(), within=DELIVER_WITHIN, every=0.1, what="repairs"
    )
    time.sleep(0.2)  # the pump settles
    settle_failed_repairs(now=clock())


def count_writes(systems: OrderSystems) -> int:
    return sum(request["method"] != "GET" for request in systems.list_requests())
