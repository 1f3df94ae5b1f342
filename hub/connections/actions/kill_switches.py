"""Activate and end kill switches; new deliveries are held and sent when a switch ends."""

from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from hub.actions import FOR_STAFF, Action, declare_actions
from hub.audit import ActorContext
from hub.connections.models import KillSwitch, Lane
from hub.problems import Refusal
from hub.queue import wake_up


class AlreadySwitchedOff(Refusal):
    """A kill switch of this level and subject is active already."""

    sentence = _("Already switched off. Switch it on first.")


@transaction.atomic
def switch_off(switch: KillSwitch, actor: ActorContext, *, now: datetime) -> KillSwitch:
    """Activate a new switch with its scope, subject, reason and expiry, and audit it.

    Raises AlreadySwitchedOff if a switch of this level and subject is active.
    """
    switch.key, switch.activated_by = build_switch_key(switch), actor.user
    switch.activated_at = now
    _insert_kill_switch(switch)
    apply_switches()
    wake_up("drain", now=now)
    after = {"off": switch.subject, "until": switch.expires_at}
    actor.audit("switch.off", switch, reason=switch.reason, after=after, now=now)
    return switch


def _insert_kill_switch(switch: KillSwitch) -> None:
    try:
        with transaction.atomic():
            switch.save(force_insert=True)
    except IntegrityError as error:
        raise AlreadySwitchedOff from error


@transaction.atomic
def switch_on(switch: KillSwitch, actor: ActorContext, *, now: datetime) -> None:
    """Delete the switch and audit it; the deliveries that it held are then sent.

    Does nothing if the switch does not exist any more.
    """
    if not _delete_kill_switch(switch, now=now):
        return
    actor.audit("switch.on", switch, before={"off": switch.subject}, now=now)


@transaction.atomic
def _delete_kill_switch(switch: KillSwitch, *, now: datetime) -> bool:
    deleted, _ = KillSwitch.unscoped.filter(pk=switch.pk).delete()
    apply_switches()
    wake_up("drain", now=now)
    wake_up("pump", now=now)
    return bool(deleted)


def build_switch_key(switch: KillSwitch) -> str:
    subject: Any = {
        "tenant": switch.tenant_id,
        "connector": switch.connector_key,
        "route": switch.route_id,
    }
    return f"{switch.scope}:{subject.get(switch.scope, '')}"


def end_expired_switches(*, now: datetime) -> None:
    """End switches that have expired, and update every lane."""
    for switch in KillSwitch.unscoped.filter(expires_at__lte=now):
        _delete_kill_switch(switch, now=now)
    with transaction.atomic():
        apply_switches()


def apply_switches() -> None:
    """Set on each lane the widest switch that stops it, with one update for each level."""
    stopped_lanes = Q(pk__in=())
    for scope, lanes in _find_switched_lanes().items():
        _mark_switched_lanes(Lane.unscoped.filter(lanes).exclude(stopped_lanes), scope)
        stopped_lanes |= lanes
    _mark_switched_lanes(Lane.unscoped.exclude(stopped_lanes), "")


def _find_switched_lanes() -> dict[str, Q]:
    switches = list(
        KillSwitch.unscoped.exclude(scope="route").values_list("scope", "tenant", "connector_key")
    )
    everything = (
        Q(pk__isnull=False)
        if any(scope == "platform" for scope, _, _ in switches)
        else Q(pk__in=())
    )
    return {
        "platform": everything,
        "connector": Q(
            connection__connector_key__in=[
                key for scope, _, key in switches if scope == "connector"
            ]
        ),
        "tenant": Q(connection__tenant__in=[pk for scope, pk, _ in switches if scope == "tenant"]),
    }


def _mark_switched_lanes(lanes: QuerySet[Lane], off: str) -> None:
    changed_lanes = lanes.exclude(switched_off_by=off)
    ids = list(
        changed_lanes.select_for_update(of=("self",), no_key=True)
        .order_by("pk")
        .values_list("pk", flat=True)
    )
    for start in range(0, len(ids), 1000):
        Lane.unscoped.filter(pk__in=ids[start : start + 1000]).update(switched_off_by=off)


SWITCH_ACTIONS = declare_actions(
    Action[KillSwitch](
        name="on",
        label="Switch on",
        question="What was held is sent now.",
        success="Switched on. Held deliveries are sent now.",
        run=switch_on,
        permission="switch",
        icon="play_arrow",
        tone="primary",
        removes=True,
        withheld=FOR_STAFF,
    ),
)
