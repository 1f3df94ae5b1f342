"""`python -m bench.programs.run_repairs`: carry out the repairs of all runs by the product's own
steps, until none is left; a pump of another process delivers them.
"""

import django

from bench.installation.processes import wait_until

django.setup()

from hub.db.clock import clock  # noqa: E402  (Django is ready by now)
from hub.operations.models import Operation  # noqa: E402
from hub.operations.operation_runner import run_operation  # noqa: E402
from hub.outgoing.models import Delivery  # noqa: E402
from hub.scheduled.models import Discrepancy  # noqa: E402
from hub.scheduled.repairs.outcomes import settle_failed_repairs  # noqa: E402
from hub.scheduled.tasks import check_due_repairs  # noqa: E402

DELIVER_WITHIN = 120.0  # seconds


def main() -> None:
    for operation in Operation.unscoped.filter(state="running"):
        while run_operation(
            operation.pk, clock=clock, pause_between=lambda: None, stopping=lambda: False
        ):
            pass
    wait_until(is_each_repair_settled, within=DELIVER_WITHIN, every=0.1, what="repairs")


def is_each_repair_settled() -> bool:
    """Do what the sweep and the task `repair` do, and return whether nothing is left to do."""
    settle_failed_repairs(now=clock())
    check_due_repairs("repair")
    open_deliveries = Delivery.unscoped.filter(state__in=("waiting", "sending"))
    is_repairing = Discrepancy.unscoped.filter(state="repairing").exists()
    return not is_repairing and not open_deliveries.exists()


if __name__ == "__main__":
    main()
