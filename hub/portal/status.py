"""How a connection stands, as a person reads it: one word, a sentence, one thing to do."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from django.utils.translation import gettext_lazy

from hub.connections.models import Connection, KillSwitch, MaintenanceWindow
from hub.connections.stands import SWITCHED_OFF, cause, shown_state, stopping_switches
from hub.words import CONNECTION_STATES, TONES, reason_of, state_word


class Step(NamedTuple):
    """The primary button: `page` is a name of the addresses below portal; `posts`: it does, rather than leads."""

    label: str
    page: str
    icon: str
    posts: bool = False


@dataclass(frozen=True, slots=True)
class Status:
    state: str
    word: str
    sentence: str
    why: str
    detail: str
    says_why: bool  # a person typed it, rather than the other system
    action: str  # what a person does about what fails; empty: the button says it
    since: datetime
    until: datetime | None
    step: Step

    @property
    def tone(self) -> str:
        return TONES.get(self.state, ("idle", ""))[0]

    @property
    def icon(self) -> str:
        return TONES.get(self.state, ("", "circle"))[1]


STEPS = {
    "healthy": Step(gettext_lazy("Test now"), "connection_test", "sync", posts=True),
    "silent": Step(gettext_lazy("Test now"), "connection_test", "sync", posts=True),
    "degraded": Step(gettext_lazy("Test now"), "connection_test", "sync", posts=True),
    "paused": Step(gettext_lazy("Resume"), "connection_resume", "play_circle", posts=True),
    "switched_off": Step(gettext_lazy("Test now"), "connection_test", "sync", posts=True),
    "disabled": Step(gettext_lazy("Switch it on again"), "connection_resume", "play_circle", posts=True),
    "needs_reconnect": Step(gettext_lazy("Reconnect"), "reconnect", "sync"),
    "disconnected": Step(gettext_lazy("Connect it again"), "reconnect", "sync"),
}


def status(
    connection: Connection, *, window: MaintenanceWindow | None = None, switch: KillSwitch | None = None
) -> Status:
    """Reads the tenant and the lane of the connection. `switch`: the one that stops it."""
    state = shown_state(connection)
    reason, until = cause(connection, window)
    words = reason_of(reason, system=connection.connector.label) if reason and reason != state else None
    off = state == SWITCHED_OFF
    return Status(
        state=state,
        word=state_word(state),
        sentence=CONNECTION_STATES[state].sentence,
        why=words.sentence if words else "",
        detail=switch.reason if switch and off else connection.detail,
        says_why=off or state == "paused",
        action=words.action if words and state == "degraded" else "",
        since=switch.activated_at if switch and off else connection.state_changed_at,
        until=switch.expires_at if switch and off else until or connection.paused_until,
        step=STEPS[state],
    )


def statuses(connections: Sequence[Connection]) -> list[tuple[Connection, Status]]:
    """Each with how it stands, in one statement at most; reads the tenants and lanes of the connections."""
    switches = stopping_switches(connections)
    return [(row, status(row, switch=switches.get(row.pk))) for row in connections]
