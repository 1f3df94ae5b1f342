"""What a person does to a connection: makes, mends, pauses, resumes, tests, names it; each with its row in the audit.

Pages, admin and REST call these.
"""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.views.decorators.debug import sensitive_variables

from connectors.wire import Request, Response
from hub import audit
from hub.connections import connect, links, own_headers, probe
from hub.connections.lives import Random
from hub.connections.models import STOPPED, Connection, ConnectLink
from hub.operations.start import Hand
from hub.queue import ring
from tenants.models import User

VISIT = timedelta(hours=1)  # of our support at the page of a connection: it is told once


class NotNow(Exception):
    """As the connection stands it cannot be done; nothing was changed."""


@transaction.atomic
@sensitive_variables()
def establish(
    connection: Connection,
    document: Mapping[str, Any],
    finding: probe.Finding,
    hand: Hand,
    *,
    by: User | None,
    reason: str = "",
    random: Random,
    now: datetime,
) -> None:
    """Keep a draft that was tested. Raises AlreadyConnected, Suspended."""
    connect.connect(connection, document, finding, by=by, random=random, now=now)
    after = {name: getattr(connection, name) for name in ("name", "account", "state", "settings")}
    tell(hand, "connection.connect", connection, after=after, reason=reason, now=now)


@transaction.atomic
@sensitive_variables()
def fulfil(
    link: ConnectLink,
    draft: Connection,
    document: Mapping[str, Any],
    finding: probe.Finding,
    hand: Hand,
    *,
    random: Random,
    now: datetime,
) -> None:
    """Keep what a guest filled in, for a new connection or the one that the link names; the link is used up.

    Raises AlreadyConnected, OtherAccount, Suspended, and Ended where the link is no longer good.
    """
    if link.connection:
        mend(link.connection, draft.settings, document, finding, hand, random=random, now=now)
    else:
        establish(draft, document, finding, hand, by=None, random=random, now=now)
    links.use(link, link.connection or draft, now=now)


@transaction.atomic
@sensitive_variables()
def mend(
    connection: Connection,
    settings: Mapping[str, Any],
    document: Mapping[str, Any],
    finding: probe.Finding,
    hand: Hand,
    *,
    reason: str = "",
    random: Random,
    now: datetime,
) -> None:
    """Other settings and another credential, which were tested. Raises OtherAccount, Suspended."""
    before = {"settings": connection.settings, "state": connection.state}
    connect.reconnect(connection, settings, document, finding, random=random, now=now)
    after = {"settings": connection.settings, "state": connection.state}
    tell(hand, "connection.credential", connection, before=before, after=after, reason=reason, now=now)


@transaction.atomic
def pause(connection: Connection, reason: str, hand: Hand, *, until: datetime | None, now: datetime) -> None:
    """Nothing is sent over it; what is accepted meanwhile waits. Raises WrongState where somebody was first."""
    before = {"state": connection.state}
    connection.pause(reason, until=until, now=now)
    after = {"state": connection.state, "until": until}
    tell(hand, "connection.pause", connection, reason=reason, before=before, after=after, now=now)


@transaction.atomic
def resume(connection: Connection, hand: Hand, *, now: datetime) -> None:
    """What waited goes out, unless the authorization ended meanwhile."""
    if connection.state not in STOPPED or connection.disconnected:
        raise NotNow(connection.state)
    before = {"state": connection.state, "reason": connection.reason}
    verb = "connection.resume" if connection.state == "paused" else "connection.enable"
    connection.resume(now=now)
    tell(hand, verb, connection, before=before, after={"state": connection.state}, now=now)
    ring("pump", now=now)


def test(connection: Connection, hand: Hand, *, call: Callable[[Request], Response], now: datetime) -> probe.Finding:
    """No transaction is open while the other system is asked."""
    finding = probe.test(connection, call=call, now=now)
    if finding.reason == probe.BUSY:
        return finding
    after = {"lives": finding.lives, "reason": finding.reason}
    tell(hand, "connection.test", connection, after=after, now=now)
    return finding


@transaction.atomic
def rename(connection: Connection, name: str, hand: Hand, *, now: datetime) -> None:
    before, connection.name = {"name": connection.name}, name
    connection.save(update_fields=["name"])
    tell(hand, "connection.rename", connection, before=before, after={"name": name}, now=now)


@transaction.atomic
def settle(connection: Connection, changes: Mapping[str, Any], hand: Hand, *, now: datetime) -> None:
    """Settings that no test tells anything of, such as how fast it may go."""
    before = {name: connection.settings.get(name) for name in changes}
    connection.settings = {**connection.settings, **changes}
    connection.save(update_fields=["settings"])
    tell(hand, "connection.settle", connection, before=before, after=dict(changes), now=now)


@transaction.atomic
@sensitive_variables()
def change_headers(
    connection: Connection, put: Mapping[str, str], drop: Collection[str], hand: Hand, *, now: datetime
) -> None:
    """Own headers; the audit tells their names. Raises ValueError with a sentence, and CannotOpen."""
    before = own_headers.names(connection)
    after = own_headers.change(connection, put, drop, now=now)
    tell(hand, "endpoint.headers", connection, before={"headers": before}, after={"headers": after}, now=now)


@transaction.atomic
def limit(connection: Connection, in_flight: int, hand: Hand, *, now: datetime) -> None:
    """Calls at the same time on this connection, at most."""
    before, connection.lane.in_flight = {"in_flight": connection.lane.in_flight}, in_flight
    connection.lane.save(update_fields=["in_flight"])
    tell(hand, "connection.limit", connection, before=before, after={"in_flight": in_flight}, now=now)


def looked(connection: Connection, hand: Hand, *, now: datetime) -> None:
    """Our support reads its page: the customer is told, once an hour for each of us."""
    told = audit.of(connection).filter(verb="connection.look", actor_id=hand.actor.id, at__gt=now - VISIT)
    if connection.tenant_id and not told.exists():
        tell(hand, "connection.look", connection, now=now)


def tell(hand: Hand, verb: str, connection: Connection, *, now: datetime, **said: Any) -> None:
    audit.record(verb=verb, obj=connection, tenant=connection.tenant, now=now, **hand.said, **said)
