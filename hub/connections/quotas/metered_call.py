"""Spend the quotas of one call that is not a delivery, such as a refresh or a test."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from connectors.http import Request
from connectors.outcomes import Outcome
from hub.connections.models import Connection, QuotaQueue
from hub.connections.quotas.scopes import (
    build_scope_key,
    is_counted,
    list_spent_quotas,
    list_tenant_shares,
)
from hub.egress import lookups_for_tenant
from hub.throttle import in_flight_leases
from hub.throttle.demand import Demand
from hub.throttle.feedback import pause_scope, reopen_scopes
from hub.throttle.reserve import reserve_calls

CALL_LEASE = timedelta(seconds=30)  # longer than egress allows a call to take
# of scopes if the system refuses a call for now and does not say for how long
PAUSE_WITHOUT_RETRY_AFTER = timedelta(seconds=60)


class QuotaExhausted(Exception):
    """A quota is spent, so nothing was sent; `until` is when the next call is possible."""

    def __init__(self, until: datetime) -> None:
        super().__init__(
            f"a quota is used up; the next call is possible at {until:%Y-%m-%d %H:%M:%S} UTC"
        )
        self.until = until


@dataclass(frozen=True, slots=True)
class MeteredCall:
    """A call whose quotas are reserved. `probed_at`: set if it probes scopes paused by a 429."""

    connection: Connection
    request: Request
    probed_at: datetime | None
    now: datetime

    def record_response(self, answer: object) -> None:
        """Update the quotas after a response: a 429 pauses them, a successful probe reopens them.

        A call that was in flight when another call received a 429 reopens nothing.
        """
        if isinstance(answer, Outcome) and (answer.reason == "throttled" or answer.paused_scopes):
            self._pause_quotas(answer)
        elif self.probed_at is not None:
            keys = [spent.key for spent in list_spent_quotas(self.connection, self.request)]
            if opened := reopen_scopes(dict.fromkeys(keys, self.probed_at)):
                QuotaQueue.reopen(opened, now=self.now)

    def _pause_quotas(self, outcome: Outcome) -> None:
        connection = self.connection
        until = self.now + (
            PAUSE_WITHOUT_RETRY_AFTER if outcome.after is None else timedelta(seconds=outcome.after)
        )
        for scope in outcome.paused_scopes:
            if is_counted(connection.pk, connection.account, scope):
                pause_scope(
                    build_scope_key(connection, scope),
                    until=until,
                    now=self.now,
                    probed_at=self.probed_at,
                )


@contextmanager
def meter_call(
    connection: Connection, request: Request, *, low_priority: bool = False, now: datetime
) -> Iterator[MeteredCall]:
    """Reserve the quotas of a call for the duration of a block; charge name lookups to its tenant.

    `low_priority`: limits the call to each quota's share for background work. Never waits: raises
    QuotaExhausted if a quota is spent.
    """
    scopes = list_spent_quotas(connection, request) + list_tenant_shares(connection, request)
    lease, demand = uuid.uuid4(), Demand(scopes, 1, low_priority=low_priority)
    (answer,) = reserve_calls([demand], now=now, horizon=timedelta(0), lease=lease)
    if not answer.call_times:
        raise QuotaExhausted(answer.next_at)
    if demand.in_flight:
        in_flight_leases.extend_in_flight_leases(lease, until=now + CALL_LEASE)
    try:
        with lookups_for_tenant(connection.tenant_id):
            yield MeteredCall(
                connection, request, answer.call_times[0] if answer.is_probe else None, now
            )
    finally:
        if demand.in_flight:
            in_flight_leases.end_in_flight_leases(lease)
