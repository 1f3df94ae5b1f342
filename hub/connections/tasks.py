"""The bells of this room."""

import random
import time
from contextlib import suppress
from datetime import datetime

from django.db import transaction
from django.db.models import Q

from connectors.wire import Request, Response
from hub import egress, lifeline
from hub.clock import clock
from hub.connections import watch
from hub.connections.models import REFRESHING, Connection, Credential, Lane, Revocation
from hub.connections.models.credentials import FRESH
from hub.connections.queued_tests import run_queued_test
from hub.connections.refresh import refresh as refresh_token
from hub.connections.renewal import REFUSED_AGAIN
from hub.connections.revoke import revoke as revoke_tokens
from hub.queue import hear, ring, still_here
from hub.states import WrongState

WITHIN = 10.0  # seconds for one call: while it lasts, its worker hears no other bell
RUNG_MOST = 20  # refreshes at a time, the oldest first: the queue never fills


def refresh(name: str) -> None:
    """`refresh:17`: connection 17 wants another access token. A pool that stops begins none; the sweep rings."""
    connection = Connection.unscoped.select_related("credential").get(pk=int(hear(name)))
    if lifeline.stopping():
        return
    if refresh_token(connection, call=call, now=clock(), random=random.random, sleep=rest):
        ring("pump", now=clock())


def call(request: Request) -> Response:
    """One of the calls that a task makes: its pool hears before each that it works. Raises EgressError."""
    still_here()
    return egress.outward(request)


def rest(seconds: float) -> None:
    still_here()
    time.sleep(seconds)


def revoke(name: str) -> None:
    """`revoke:17`: end the tokens of revocation 17 where they came from."""
    row = Revocation.unscoped.select_related("tenant", "connection").filter(pk=int(hear(name))).first()
    if row and not lifeline.stopping():
        revoke_tokens(row, call=call, now=clock())


def ring_for_revocations(*, now: datetime) -> None:
    """The net under lost bells, and those that are tried again."""
    for number in Revocation.unscoped.filter(due_at__lte=now).values_list("pk", flat=True)[:20]:
        ring(f"revoke:{number}", now=now)


def check(name: str) -> None:
    """Some connections that were quiet for long: is their credential still good?"""
    hear(name)
    watch.check_some(
        call=egress.outward, clock=clock, random=random.random, stopping=lifeline.stopping, still_here=still_here
    )


def test(name: str) -> None:
    """`test:17`: test connection 17 for a person who waits, as no web thread was free."""
    connection = Connection.unscoped.select_related("tenant", "credential").filter(pk=int(hear(name))).first()
    if connection and not lifeline.stopping():
        run_queued_test(connection, call=egress.outward, now=clock())


def ring_for_refreshes(*, now: datetime) -> None:
    """Tokens that are due, and the net under lost bells; lanes that wait for what has come go on."""
    free = Q(refresh_lease_until=None) | Q(refresh_lease_until__lt=now)
    due = Credential.unscoped.filter(free, refresh_due_at__lte=now).order_by("refresh_due_at")
    for number in due.values_list("pk", flat=True)[:RUNG_MOST]:
        ring(f"refresh:{number}", now=now)
    come = Lane.unscoped.filter(hold_reason=REFRESHING, connection__credential__rejected_at=None)
    come.update(hold_reason="", due_at=now)


def recover_refused(*, now: datetime) -> None:
    """New access tokens that were refused again and again, and one that has lived for a minute now."""
    lives = Credential.unscoped.filter(refusals__gt=0, rejected_at=None, updated_at__lte=now - FRESH)
    for credential in lives.select_related("connection")[:RUNG_MOST]:
        Credential.unscoped.filter(pk=credential.pk, version=credential.version).update(refusals=0)
        if (credential.connection.state, credential.connection.reason) == ("degraded", REFUSED_AGAIN):
            with suppress(WrongState), transaction.atomic():
                credential.connection.mark_healthy(now=now)


def ring_for_checks(*, now: datetime) -> None:
    if watch.due(now=now).exists():
        ring("check", now=now)
