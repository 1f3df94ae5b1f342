"""Let what runs found be repaired, and count what was written."""

import os
import random
import time
from dataclasses import replace
from datetime import timedelta

from bench.installation.processes import wait_until
from bench.scheduled.order_systems import OrderSystems
from connectors.http import Request, Response
from hub import egress
from hub.connections.credentials.provider_call import Patience
from hub.db.clock import clock
from hub.egress.default_client import CALL_TIMEOUT, send_guarded
from hub.operations.models import Operation
from hub.operations.operation_runner import run_operation
from hub.outgoing.models import Delivery
from hub.scheduled.models import Discrepancy
from hub.scheduled.repairs.outcomes import settle_failed_repairs
from hub.scheduled.repairs.repair_checks import RepairCheckContext, check_repairs

DELIVER_WITHIN = 120.0  # seconds


def deliver_repairs() -> None:
    """Run all operations that were confirmed, and wait until a pump has delivered their repairs,
    and each was verified.
    """
    for operation in Operation.unscoped.filter(state="running"):
        while run_operation(
            operation.pk, clock=clock, pause_between=lambda: None, stopping=lambda: False
        ):
            pass
    wait_until(is_each_repair_settled, within=DELIVER_WITHIN, every=0.1, what="repairs")


def is_each_repair_settled() -> bool:
    """Do what the sweep and the task `repair` do, and return whether nothing is left to do."""
    patience = Patience(timedelta(seconds=5), time.sleep)
    settle_failed_repairs(now=clock())
    check_repairs(RepairCheckContext(_send_to_sandbox, clock, random.random, patience))
    open_deliveries = Delivery.unscoped.filter(state__in=("waiting", "sending"))
    is_repairing = Discrepancy.unscoped.filter(state="repairing").exists()
    return not is_repairing and not open_deliveries.exists()


def _send_to_sandbox(request: Request) -> Response:
    """Send a request of this process, whose settings are older than the sandbox."""
    allow = frozenset(os.environ["HUB_EGRESS_ALLOW"].split(","))
    rules = replace(egress.load_rules(), allow=allow)
    return send_guarded(request, rules=rules, clock=clock, timeout=CALL_TIMEOUT)


def count_writes(systems: OrderSystems) -> int:
    return sum(request["method"] != "GET" for request in systems.list_requests())
