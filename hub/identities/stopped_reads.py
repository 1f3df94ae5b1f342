"""Decisions about a list of people that the safety valve has stopped: confirm or reject it.

Until then nobody is deactivated.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from hub.actions import Action, Door, always, declare_actions
from hub.audit import ActorContext
from hub.connections.models import Connection
from hub.identities.directory_reads import complete_read, select_people
from hub.identities.models import DirectoryEntry, DirectoryRead, LocalUser
from hub.identities.safety_valve import Deactivations, count_deactivations
from hub.queue import wake_up
from tenants.models import Tenant

REJECTED = "list_rejected"  # the reason of a read whose list a person has rejected
PEOPLE_SHOWN = 10  # of those who would be deactivated


@dataclass(frozen=True, slots=True)
class StoppedList:
    """What confirming a stopped list would change now: the counts, and the first people.

    `stopped_count`: how many it would have changed when it was stopped.
    """

    stopped_count: int
    deactivations: Deactivations
    people: Sequence[LocalUser | DirectoryEntry]

    @property
    def more_count(self) -> int:
        """How many are not among the people shown."""
        return max(0, self.deactivations.count - len(self.people))


def describe_stopped_list(read: DirectoryRead | None) -> StoppedList | None:
    """Return what confirming a stopped list would change; None if it is not stopped."""
    if read is None or not read.is_stopped:
        return None
    people = select_people(read)
    unlisted = people.filter(read_at__lt=read.started_at, is_active=True)
    return StoppedList(
        read.stopped_count,
        count_deactivations(people, since=read.started_at),
        list(unlisted.order_by("name", "pk")[:PEOPLE_SHOWN]),
    )


@transaction.atomic
def confirm_deactivations(
    tenant: Tenant,
    connection: Connection | None,
    actor: ActorContext,
    *,
    stopped_count: int | None = None,
    reason: str = "",
    now: datetime,
) -> DirectoryRead:
    """Deactivate the people missing from a read that the safety valve stopped: it is complete.

    `stopped_count`: the number of people that the person was shown. Raises ValidationError if no
    read is stopped, or if another read is, with another number.
    """
    read = _lock_stopped_read(tenant, connection, stopped_count)
    details = {"people": read.people_count, "deactivated": complete_read(read)}
    _settle_read(read, "")
    wake_up(f"directory:{read.pk}", now=now)
    verb = "connection.confirm_deactivations" if connection else "tenant.confirm_deactivations"
    actor.audit(verb, connection or tenant, reason=reason, after=details, now=now)
    return read


@transaction.atomic
def reject_deactivations(
    tenant: Tenant,
    connection: Connection | None,
    actor: ActorContext,
    *,
    stopped_count: int | None = None,
    reason: str = "",
    now: datetime,
) -> DirectoryRead:
    """Keep the people active who are missing from a stopped read, which stays incomplete.

    `stopped_count` and the exceptions are those of `confirm_deactivations`.
    """
    read = _lock_stopped_read(tenant, connection, stopped_count)
    details = {"people": read.people_count, "kept": read.stopped_count}
    _settle_read(read, REJECTED)
    verb = "connection.reject_deactivations" if connection else "tenant.reject_deactivations"
    actor.audit(verb, connection or tenant, reason=reason, after=details, now=now)
    return read


def _lock_stopped_read(
    tenant: Tenant, connection: Connection | None, stopped_count: int | None
) -> DirectoryRead:
    reads = DirectoryRead.unscoped.select_for_update(of=("self",), no_key=True)
    read = (
        reads.select_related("tenant", "connection")
        .filter(tenant=tenant, connection=connection)
        .first()
    )
    if read is None or not read.is_stopped:
        raise ValidationError(_("No list of people waits for a confirmation."))
    if stopped_count not in (None, read.stopped_count):
        raise ValidationError(_("Another list was stopped meanwhile. Check it, then decide."))
    return read


def _settle_read(read: DirectoryRead, reason: str) -> None:
    read.reason, read.detail, read.stopped_count = reason, "", 0
    read.save()


def _decide(
    decide: Callable[..., DirectoryRead],
    read: DirectoryRead,
    actor: ActorContext,
    *,
    reason: str,
    now: datetime,
) -> DirectoryRead:
    """Decide about the list as it was loaded."""
    count = read.stopped_count
    return decide(read.tenant, read.connection, actor, stopped_count=count, reason=reason, now=now)


OTHER_DOORS: Mapping[Door, str] = {
    "portal": "The review of a connection's identities asks it, with the people concerned.",
    "rest": "Programs decide in the request that reads the list again.",
}
READ_ACTIONS = declare_actions(
    Action[DirectoryRead](
        name="reject",
        label="Reject the list",
        question="The list is wrong. Everyone stays active; the next read decides again.",
        success="The list is rejected. Everyone stays active.",
        run=partial(_decide, reject_deactivations),
        asks_reason=always,
        is_available=lambda read: read.is_stopped,
        permission="decide",
        icon="undo",
        withheld=OTHER_DOORS,
    ),
    Action[DirectoryRead](
        name="confirm",
        label="Confirm the list",
        question="The people whom the list leaves out are deactivated in the hub.",
        success="The people whom the list leaves out are deactivated.",
        run=partial(_decide, confirm_deactivations),
        asks_reason=always,
        is_available=lambda read: read.is_stopped,
        permission="decide",
        icon="person_off",
        tone="danger",
        withheld=OTHER_DOORS,
    ),
)
