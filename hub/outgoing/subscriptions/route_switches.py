"""Switch a route off and on again, as staff do at once when it goes wrong."""

from datetime import datetime
from typing import Any

from hub.actions import FOR_STAFF, Action, declare_actions
from hub.audit import ActorContext
from hub.connections.actions.declared_actions import PauseForm, compute_pause_end
from hub.connections.actions.kill_switches import switch_off, switch_on
from hub.connections.models import KillSwitch
from hub.outgoing.models import Route


def switch_route_off(
    route: Route, actor: ActorContext, *, now: datetime, **data: Any
) -> KillSwitch:
    """Hold the route's deliveries, for the reason and time of a PauseForm."""
    switch = KillSwitch(
        scope="route",
        route=route,
        tenant=route.tenant,
        reason=data["reason"],
        expires_at=compute_pause_end(data, now),
    )
    return switch_off(switch, actor, now=now)


def switch_route_on(route: Route, actor: ActorContext, *, now: datetime) -> None:
    for switch in KillSwitch.unscoped.filter(scope="route", route=route):
        switch_on(switch, actor, now=now)


ROUTE_ACTIONS = declare_actions(
    Action[Any](  # a route with `off`, whether a switch stops it
        name="off",
        label="Switch off",
        question=(
            "Nothing is sent by this route. New deliveries are held and sent when it is switched "
            "on."
        ),
        success="Switched off.",
        run=switch_route_off,
        form=PauseForm,
        is_available=lambda route: not route.off,
        icon="power_settings_new",
        tone="danger",
        withheld=FOR_STAFF,
    ),
    Action[Any](
        name="on",
        label="Switch on",
        question="What was held is sent now.",
        success="Switched on. Held deliveries are sent now.",
        run=switch_route_on,
        is_available=lambda route: route.off,
        icon="play_arrow",
        tone="primary",
        withheld=FOR_STAFF,
    ),
)
