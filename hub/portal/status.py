"""How a connection stands, as a person reads it: one word, a sentence, one thing to do."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from hub.connections.models import Connection, MaintenanceWindow
from hub.connections.stands import cause
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
    says: str
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
    "disabled": Step(gettext_lazy("Switch it on again"), "connection_resume", "play_circle", posts=True),
    "needs_reconnect": Step(gettext_lazy("Reconnect"), "reconnect", "sync"),
    "disconnected": Step(gettext_lazy("Connect it again"), "reconnect", "sync"),
}


def status(connection: Connection, *, window: MaintenanceWindow | None = None) -> Status:
    """Reads the tenant and the lane of the connection."""
    state = "disconnected" if connection.disconnected else connection.state
    reason, until = cause(connection, window)
    return Status(
        state=state,
        word=_("disconnected") if state == "disconnected" else state_word(state),
        sentence=_("A person disconnected it. Its history stays.")
        if state == "disconnected"
        else CONNECTION_STATES[state].sentence,
        why=reason_of(reason, system=connection.code.label).sentence if reason else "",
        says=connection.says,
        since=connection.since,
        until=until or connection.paused_until,
        step=STEPS[state],
    )
