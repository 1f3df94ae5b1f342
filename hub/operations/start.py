"""Plan, confirm and cancel an operation: each is told to the audit, and nobody may do more than a cap in an hour."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self

from django.conf import settings
from django.db import transaction

from hub import audit
from hub.operations.models import Operation
from hub.operations.run import ring_for
from hub.redaction import short
from tenants.scoping import EVERYWHERE, reach

HOUR = timedelta(hours=1)
UNCAPPED = {"erase"}  # kinds that send nothing
PLATFORM_TIMES = 20  # whoever works for all tenants may do so many times more


class Refused(Exception):
    """The plan is not run; the sentence says why."""


class TooManyRows(Refused):
    """The cap of an hour is reached. `again` is when there is room, where waiting helps."""

    def __init__(self, sentence: str, *, again: datetime | None) -> None:
        super().__init__(sentence)
        self.again = again


@dataclass(frozen=True)
class Hand(audit.Hand):
    """And whether their reach goes over all tenants."""

    everywhere: bool = False

    @classmethod
    def of_key(cls, request: Any) -> Self:
        """Of the program that holds the request's API key."""
        return cls.of(request, request.user.actor, everywhere=reach(request.user) is EVERYWHERE)

    @classmethod
    def of_staff(cls, request: Any) -> Self:
        """Of a person in the admin."""
        return cls.of(request, audit.Actor.of_user(request.user), everywhere=reach(request.user) is EVERYWHERE)

    @property
    def most(self) -> int:
        return settings.HUB_OPERATION_ROWS_PER_HOUR * (PLATFORM_TIMES if self.everywhere else 1)


@transaction.atomic
def keep(hand: Hand, *, kind: str, reason: str, now: datetime, **planned: Any) -> Operation:
    """Write the plan down. Nothing is done to any row."""
    operation = Operation.unscoped.create(
        kind=kind,
        reason=reason,
        actor_kind=hand.actor.kind,
        actor_id=hand.actor.id,
        actor_label=short(hand.actor.label, 200),
        planned_at=now,
        **planned,
    )
    told = {"kind": kind, "filter": operation.filter, "count": operation.count}
    note(hand, "operation.plan", operation, after=told, now=now)
    return operation


@transaction.atomic
def confirm(operation: Operation, hand: Hand, *, now: datetime) -> None:
    """Raises Refused, and WrongState where it does not wait for a confirmation any more."""
    if not operation.count:
        raise Refused("Nothing matches: there is nothing to do.")
    if operation.expired(now=now):
        raise Refused("This plan is older than 15 minutes. Plan again: the rows may have changed.")
    if operation.kind not in UNCAPPED:
        check_cap(operation, hand, now=now)
    operation.move("running", started_at=now, heartbeat_at=now)
    note(hand, "operation.confirm", operation, after={"count": operation.count}, now=now)
    ring_for([operation.pk], now=now)


def check_cap(operation: Operation, hand: Hand, *, now: datetime) -> None:
    """Locks what this actor planned of late, so that two confirmations at once are counted one after the other."""
    own = Operation.unscoped.filter(actor_kind=hand.actor.kind, actor_id=hand.actor.id, planned_at__gt=now - 2 * HOUR)
    rows = list(own.select_for_update(of=("self",)).order_by("pk").values_list("pk", "started_at", "count"))
    started = [(at, count) for pk, at, count in rows if at and at > now - HOUR and pk != operation.pk]
    spent = sum(count for _, count in started)
    if spent + operation.count > hand.most:
        first = min((at for at, _ in started), default=None)
        raise TooManyRows(
            f"At most {hand.most:,} rows may be worked on in an hour, and {spent:,} were already. "
            "Narrow the filter, or run it later.",
            again=first + HOUR if first and operation.count <= hand.most else None,
        )


@transaction.atomic
def cancel(operation: Operation, hand: Hand, *, now: datetime) -> None:
    """No further batch is begun; what was done stays done. Raises WrongState."""
    operation.move("cancelled", finished_at=now)
    operation.refresh_from_db()
    note(hand, "operation.cancel", operation, after=operation.counts(), now=now)


def note(hand: Hand, verb: str, operation: Operation, *, after: Mapping[str, Any], now: datetime) -> None:
    audit.record(
        verb=verb,
        obj=operation,
        tenant=operation.tenant,
        reason=operation.reason,
        after=after,
        now=now,
        **hand.said,
    )
