"""What answers say beside the deliveries: of quotas, and of the connection itself."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from connectors.outcomes import Outcome
from hub.connections.models import Connection
from hub.connections.unseal import key_of
from hub.outgoing.pump.parcels import Journey, Load
from hub.queue import ring
from hub.states import WrongState
from hub.throttle.reserve import correct, pause, reopen

FREE_WAIT = 60.0  # seconds, where a system refuses for now, costs no attempt, and does not say for how long
TURNS = {"refresh", "reconnect", "disable"}  # outcomes that are the whole connection's


def tell(journeys: Sequence[Journey], *, now: datetime) -> None:
    """Pause what a 429 named, re-open what a probe found open, correct what headers report, turn connections."""
    came_through: set[str] = set()
    for journey in journeys:
        throttled = False
        for outcome in distinct(journey.outcomes):
            throttled = throttled or outcome.reason == "throttled"
            rest(journey.load, outcome, now=now)
            if outcome.kind in TURNS:
                turn(journey.load, outcome, now=now)
        if journey.response is not None and not throttled:
            came_through.update(entry.key for entry in journey.carriage.spent)
    if came_through:
        reopen(came_through)
    report(journeys, now=now)


def distinct(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """One of each kind and reason: what they say of the connection is the same."""
    return list({(outcome.kind, outcome.reason): outcome for outcome in outcomes}.values())


def rest(load: Load, outcome: Outcome, *, now: datetime) -> None:
    until = now + timedelta(seconds=outcome.after or FREE_WAIT)
    for scope in outcome.pauses:
        pause(key_of(load.connection, scope), until=until)


def report(journeys: Sequence[Journey], *, now: datetime) -> None:
    """The newest word on each scope counts."""
    reports = {
        key_of(journey.load.connection, entry.scope): entry
        for journey in journeys
        if journey.response is not None
        for entry in journey.load.connection.code.reported(journey.response)
    }
    for key, entry in reports.items():
        ends = None if entry.resets_in is None else now + timedelta(seconds=entry.resets_in)
        correct(key, used=entry.used, limit=entry.limit, window_ends=ends)


def turn(load: Load, outcome: Outcome, *, now: datetime) -> None:
    """The connection's own state changes and holds its lane, unless somebody was first."""
    row = Connection.unscoped.select_related("credential").get(pk=load.connection.pk)
    try:
        if outcome.kind == "refresh" and row.code.refreshes:
            if row.credential.await_refresh(used=load.version):
                ring(f"refresh:{row.pk}", now=now)
        elif outcome.kind == "disable":
            row.disable(outcome.reason, outcome.says, now=now)
        else:
            row.need_reconnect(outcome.reason, outcome.says, now=now)
    except WrongState:
        return
