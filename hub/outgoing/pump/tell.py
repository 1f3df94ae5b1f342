"""What answers say beside the deliveries: of quotas, and of the connection itself."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from connectors.outcomes import Outcome, bearable
from connectors.wire import Report
from hub.connections.models import Connection, QuotaQueue
from hub.connections.unseal import key_of
from hub.notices.notify import notify
from hub.outgoing.pump.parcels import Journey, Load
from hub.queue import ring
from hub.redaction import redact_excerpt
from hub.states import WrongState
from hub.throttle.answers import Told, correct, pause, reopen

SAYS_MOST = 500  # characters
FREE_WAIT = 60.0  # seconds, where a system refuses for now, costs no attempt, and does not say for how long
TURNS = {"refresh", "reconnect", "disable"}  # outcomes that are the whole connection's


def tell(journeys: Sequence[Journey], *, now: datetime) -> None:
    """Pause what a 429 named, re-open what a probe found open, correct what headers report, turn connections."""
    probes: dict[str, datetime] = {}  # that came through, by scope
    for journey in journeys:
        throttled = False
        for outcome in distinct(journey.outcomes):
            throttled = throttled or outcome.reason == "throttled" or bool(outcome.pauses)
            rest(journey, outcome, now=now)
            if outcome.kind in TURNS:
                turn(journey.load, outcome, now=now)
        probed_at = journey.carriage.probed_at
        if probed_at is not None and journey.response is not None and not throttled:
            probes |= dict.fromkeys(journey.carriage.keys, probed_at)
    if probes and (opened := reopen(probes)):
        QuotaQueue.reopen(opened, now=now)
    report(journeys, now=now)


def distinct(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """One of each kind and reason: what they say of the connection is the same."""
    return list({(outcome.kind, outcome.reason): outcome for outcome in outcomes}.values())


def rest(journey: Journey, outcome: Outcome, *, now: datetime) -> None:
    for key in paused_keys(journey.load, outcome):
        pause(key, until=rest_until(outcome, now=now), now=now, probed_at=journey.carriage.probed_at)


def paused_keys(load: Load, outcome: Outcome) -> list[str]:
    return [key_of(load.connection, scope) for scope in outcome.pauses]


def rest_until(outcome: Outcome, *, now: datetime) -> datetime:
    return now + timedelta(seconds=FREE_WAIT if outcome.after is None else outcome.after)


def report(journeys: Sequence[Journey], *, now: datetime) -> None:
    """The newest word on each scope counts."""
    told = {
        key_of(journey.load.connection, entry.scope): told_of(journey.load.connection, entry, now=now)
        for journey in journeys
        if journey.response is not None
        for entry in journey.load.connection.connector.reported(journey.response)
    }
    correct(told, now=now)


def told_of(connection: Connection, entry: Report, *, now: datetime) -> Told:
    wait = bearable(entry.resets_in)
    ends = None if wait is None else now + timedelta(seconds=wait)
    return Told(connection.connector.quota(entry.scope), entry.used, entry.limit, ends)


def turn(load: Load, outcome: Outcome, *, now: datetime) -> None:
    """The connection's own state changes and holds its lane, unless somebody was first."""
    detail = redact_excerpt(outcome.detail, SAYS_MOST, load.secrets)
    row = Connection.unscoped.select_related("credential").get(pk=load.connection.pk)
    try:
        if outcome.kind == "refresh" and row.connector.refreshes:
            if row.credential.await_refresh(used=load.version, now=now):
                ring(f"refresh:{row.pk}", now=now)
        elif outcome.kind == "disable":
            row.disable(outcome.reason, detail, now=now)
            sentence = f"“{row}” is disabled: it wants no more. What arrives for it is held until somebody enables it."
            about = f"{row.pk}:{now:%Y-%m-%dT%H:%M:%S}"
            notify("disabled", sentence, about=about, now=now, tenant_id=row.tenant_id, connection_id=row.pk)
        else:
            row.mark_needs_reconnect(outcome.reason, detail, now=now)
    except WrongState:
        return
