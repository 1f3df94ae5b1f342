"""The position of a log while a run ships it: claimed by one run, which alone may change it."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import F

from hub.scheduled.models import LogPosition, Run
from hub.scheduled.runs.context import RunFailed, RunStopped
from hub.scheduled.shipping.shipment import Shipment
from tenants.models import Tenant


@transaction.atomic
def claim_position(tenant: Tenant, source: str, run: Run) -> LogPosition:
    """Claim and return the position of a log for this run, which alone may change it until it ends.

    Raises RunFailed if another run is shipping this log.
    """
    LogPosition.unscoped.bulk_create(
        [LogPosition(tenant=tenant, source=source)], ignore_conflicts=True
    )
    positions = LogPosition.unscoped.select_for_update(of=("self",), no_key=True)
    position = positions.select_related("run").get(tenant=tenant, source=source)
    holder = position.run
    if holder is not None and holder.pk != run.pk and holder.state == Run.State.RUNNING:
        raise RunFailed("log_in_use", str(holder.job_id))
    position.run = run
    position.save(update_fields=["run"])
    return position


@dataclass(slots=True)
class PositionWriter:
    """Stores a shipment in the position of its log. `stored_line`: the stored number of the shipped
    line.
    """

    position: LogPosition
    run: Run
    stored_line: int

    def store(self, shipment: Shipment, *, rejected: int, now: datetime) -> None:
        """Store the shipment. Raises RunStopped if another run or the retention has changed the
        position.
        """
        held_positions = LogPosition.unscoped.filter(
            pk=self.position.pk, run=self.run, shipped_line=self.stored_line
        )
        has_advanced = shipment.shipped_line > self.stored_line
        changed = held_positions.update(
            shipped_line=shipment.shipped_line,
            rejected_count=F("rejected_count") + rejected,
            batches=shipment.to_json(),
            **({"shipped_at": now} if has_advanced else {}),
        )
        if not changed:
            raise RunStopped("the position of the log was changed")
        self.stored_line = shipment.shipped_line


def find_next_line(position: LogPosition) -> int:
    """Return the number that the next received line will get, from the database."""
    next_line: int = LogPosition.unscoped.values_list("next_line", flat=True).get(pk=position.pk)
    return next_line


def release_position(position: LogPosition, run: Run) -> None:
    LogPosition.unscoped.filter(pk=position.pk, run=run).update(run=None)
