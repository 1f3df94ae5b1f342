"""At most HUB_PUMPS pumps run on one database: each holds one of the places, leased."""

from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Q

from hub import rows
from hub.outgoing.models import PumpPlace

LEASE = timedelta(seconds=12)


def resident(*, now: datetime) -> bool:
    """Whether a pump runs that looks at due lanes by itself."""
    moment = connection.ops.adapt_datetimefield_value(now)
    return bool(rows.ask("SELECT 1 FROM outgoing_pumpplace WHERE lease_until > %s LIMIT 1", [moment]))


def is_free(*, places: int, now: datetime) -> bool:
    moment = connection.ops.adapt_datetimefield_value(now)
    taken = rows.ask("SELECT 1 FROM outgoing_pumpplace WHERE number < %s AND lease_until > %s", [places, moment])
    return len(taken) < places


def take(lease: UUID, *, places: int, now: datetime) -> bool:
    """Take a free place, or one whose pump died; False where all are taken."""
    free = Q(lease=None) | Q(lease_until__lte=now)
    with transaction.atomic():
        taken = set(PumpPlace.objects.values_list("number", flat=True))
        PumpPlace.objects.bulk_create(
            [PumpPlace(number=number) for number in range(places) if number not in taken], ignore_conflicts=True
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
