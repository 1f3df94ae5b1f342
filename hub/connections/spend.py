"""One call that is no delivery (a refresh, a test) spends its quotas too, or says when it may go."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from connectors.outcomes import Outcome
from connectors.wire import Request
from hub.connections.models import Connection, QuotaQueue
from hub.connections.unseal import has_owner, key_of, shares_of, spent_by
from hub.egress import lookups_of
from hub.throttle import holders
from hub.throttle.answers import pause, reopen
from hub.throttle.reserve import Demand, reserve

CALL_MOST = timedelta(seconds=30)  # longer than egress lets a call take
REST = timedelta(seconds=60)  # where a 429 does not say for how long


class NotFree(Exception):
    """A quota is spent; nothing was sent."""

    def __init__(self, until: datetime) -> None:
        super().__init__(f"a quota is spent; the next call may go at {until:%Y-%m-%d %H:%M:%S} UTC")
        self.until = until


@dataclass(frozen=True, slots=True)
class Turn:
    """A call that may go now. `probed_at`: a 429 had closed one of its scopes, and this call finds out."""

    connection: Connection
    request: Request
    probed_at: datetime | None
    now: datetime

    def heard(self, answer: object) -> None:
        """What the answer says of the quotas: a 429 pauses them, and what comes through a probe re-opens them.

        A call that was on its way when somebody else met a 429 re-opens nothing.
        """
        if isinstance(answer, Outcome) and (answer.reason == "throttled" or answer.pauses):
            self.rest(answer)
        elif self.probed_at is not None:
            keys = [spent.key for spent in spent_by(self.connection, self.request)]
            if opened := reopen(dict.fromkeys(keys, self.probed_at)):
                QuotaQueue.reopen(opened, now=self.now)

    def rest(self, outcome: Outcome) -> None:
        row = self.connection
        until = self.now + (REST if outcome.after is None else timedelta(seconds=outcome.after))
        for scope in outcome.pauses:
            if has_owner(row.pk, row.account, scope):
                pause(key_of(row, scope), until=until, now=self.now, probed_at=self.probed_at)


@contextmanager
def spending(connection: Connection, request: Request, *, now: datetime) -> Iterator[Turn]:
    """Around the call, which tells its turn what it heard; names are looked up on its tenant's account.

    It never waits: raises NotFree.
    """
    scopes = spent_by(connection, request) + shares_of(connection, request)
    lease, demand = uuid.uuid4(), Demand(scopes, 1)
    (answer,) = reserve([demand], now=now, horizon=timedelta(0), lease=lease)
    if not answer.at:
        raise NotFree(answer.again)
    if demand.in_flight:
        holders.keep(lease, until=now + CALL_MOST)
    try:
        with lookups_of(connection.tenant_id):
            yield Turn(connection, request, answer.at[0] if answer.probes else None, now)
    finally:
        if demand.in_flight:
            holders.leave(lease)
