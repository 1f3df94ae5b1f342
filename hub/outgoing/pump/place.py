"""At most HUB_PUMPS pumps run on one database: each holds one of the places, leased."""

from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Q

from hub import rows
from hub.outgoing.models import PumpPlace

LEASE = timedelta(seconds=12)


def taken(*, now: datetime) -> list[int]:
    """The numbers of the places that a living pump holds."""
    moment = connection.ops.adapt_datetimefield_value(now)
    return [number for (number,) in rows.ask("SELECT number FROM outgoing_pumpplace WHERE lease_until > %s", [moment])]


def resident(*, now: datetime) -> bool:
    """Whether a pump runs that looks at due lanes by itself."""
    return bool(taken(now=now))


def is_free(*, places: int, now: datetime) -> bool:
    return sum(number < places for number in taken(now=now)) < places


def take(lease: UUID, *, places: int, now: datetime) -> bool:
    """Take a free place, or one whose pump died; False where all are taken."""
    free = Q(lease=None) | Q(lease_until__lte=now)
    with transaction.atomic():
        known = set(PumpPlace.objects.values_list("number", flat=True))
        PumpPlace.objects.bulk_create(
            [PumpPlace(number=number) for number in range(places) if number not in known], ignore_conflicts=True
        )
        place = PumpPlace.objects.select_for_update(skip_locked=True).filter(free, number__lt=places).first()
        if place is None:
            return False
        PumpPlace.objects.filter(pk=place.pk).update(lease=lease, lease_until=now + LEASE)
        return True


def keep(lease: UUID, *, now: datetime) -> None:
    PumpPlace.objects.filter(lease=lease).update(lease_until=now + LEASE)


def leave(lease: UUID) -> None:
    PumpPlace.objects.filter(lease=lease).update(lease=None, lease_until=None)
