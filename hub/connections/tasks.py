"""The bells of this room."""

from datetime import datetime
from functools import partial

from hub import egress, lifeline
from hub.clock import clock
from hub.connections.models import REFRESHING, Connection, Lane, Revocation
from hub.connections.refresh import refresh as refresh_token
from hub.connections.revoke import revoke as revoke_tokens
from hub.queue import hear, ring

WITHIN = 10.0  # seconds for one refresh: while it lasts, its worker hears no other bell


def refresh(name: str) -> None:
    """`refresh:17`: the access token of connection 17 has ended. A pool that stops begins none; the sweep rings."""
    connection = Connection.unscoped.select_related("credential").get(pk=int(hear(name)))
    if lifeline.stopping():
        return
    call = partial(egress.call, rules=egress.rules(), clock=clock, timeout=WITHIN)
    if refresh_token(connection, call=call, now=clock()):
        ring("pump", now=clock())


def revoke(name: str) -> None:
    """`revoke:17`: end the tokens of revocation 17 where they came from."""
    row = Revocation.unscoped.select_related("tenant", "connection").filter(pk=int(hear(name))).first()
    if row and not lifeline.stopping():
        revoke_tokens(row, call=partial(egress.call, rules=egress.rules(), clock=clock, timeout=WITHIN), now=clock())


def ring_for_revocations(*, now: datetime) -> None:
    """The net under lost bells, and those that are tried again."""
    for number in Revocation.unscoped.filter(due_at__lte=now).values_list("pk", flat=True)[:20]:
        ring(f"revoke:{number}", now=now)


def ring_for_refreshes(*, now: datetime) -> None:
    """The net under lost bells: lanes that wait for a refresh that nobody does."""
    waiting = Lane.unscoped.filter(held=REFRESHING).exclude(connection__credential__refreshing_until__gt=now)
    for number in waiting.values_list("pk", flat=True):
        ring(f"refresh:{number}", now=now)
