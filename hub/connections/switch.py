"""Off switches: nothing goes for what is off, at once; what is accepted meanwhile is held and goes when it is on."""

from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet

from hub.connections.models import KillSwitch, Lane
from hub.queue import ring
from tenants.models import User


class AlreadyOff(Exception):
    """One switch for each thing."""


def switch_off(switch: KillSwitch, *, by: User | None, now: datetime) -> KillSwitch:
    """Of a switch that says its scope, what is meant, why and until when."""
    switch.key, switch.activated_by, switch.activated_at = key_of(switch), by, now
    with transaction.atomic():
        keep(switch)
        apply_switches()
        ring("drain", now=now)
    return switch


def keep(switch: KillSwitch) -> None:
    try:
        with transaction.atomic():
            switch.save(force_insert=True)
    except IntegrityError as error:
        raise AlreadyOff(f"{switch.what} is off already") from error


def switch_on(switch: KillSwitch, *, now: datetime) -> None:
    with transaction.atomic():
        KillSwitch.unscoped.filter(pk=switch.pk).delete()
        apply_switches()
        ring("drain", now=now)
        ring("pump", now=now)


def key_of(switch: KillSwitch) -> str:
    subject: Any = {"tenant": switch.tenant_id, "connector": switch.connector_key, "route": switch.route_id}
    return f"{switch.scope}:{subject.get(switch.scope, '')}"


def end_switches(*, now: datetime) -> None:
    """Those whose time has passed are on again; and every lane says what is true."""
    for switch in KillSwitch.unscoped.filter(expires_at__lte=now):
        switch_on(switch, now=now)
    with transaction.atomic():
        apply_switches()


def apply_switches() -> None:
    """Each lane says which switch stops it, the widest first; a statement for each kind, and none changes twice."""
    stopped = Q(pk__in=())
    for scope, lanes in meant().items():
        change(Lane.unscoped.filter(lanes).exclude(stopped), scope)
        stopped |= lanes
    change(Lane.unscoped.exclude(stopped), "")


def meant() -> dict[str, Q]:
    rows = list(KillSwitch.unscoped.exclude(scope="route").values_list("scope", "tenant", "connector_key"))
    everything = Q(pk__isnull=False) if any(scope == "platform" for scope, _, _ in rows) else Q(pk__in=())
    return {
        "platform": everything,
        "connector": Q(connection__connector_key__in=[key for scope, _, key in rows if scope == "connector"]),
        "tenant": Q(connection__tenant__in=[pk for scope, pk, _ in rows if scope == "tenant"]),
    }


def change(lanes: QuerySet[Lane], off: str) -> None:
    wrong = lanes.exclude(switched_off_by=off)
    ids = list(wrong.select_for_update(of=("self",), no_key=True).order_by("pk").values_list("pk", flat=True))
    for start in range(0, len(ids), 1000):
        Lane.unscoped.filter(pk__in=ids[start : start + 1000]).update(switched_off_by=off)
