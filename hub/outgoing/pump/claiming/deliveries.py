"""Claim due deliveries with all data for sending: on PostgreSQL in one statement."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection as database

from hub.outgoing.models import Route
from hub.outgoing.pump.claiming import claim_postgresql, claim_sqlite
from hub.outgoing.pump.claiming.config_cache import ConfigCache
from tenants.models import Tenant


@dataclass(frozen=True, slots=True)
class ClaimedContent:
    """The event of a claimed delivery, and an earlier rendering; the fields are claimed columns."""

    type: str
    sender_id: str
    occurred_at: datetime
    event_body: bytes | None  # None: pruned
    rendered_body: bytes | None  # None: not rendered yet
    version: int | None  # of the mapping that rendered it
    ticket: str | None


@dataclass(frozen=True, slots=True)
class ClaimedDelivery:
    """A claimed delivery; the fields are claimed columns."""

    pk: int
    connection_id: int
    tenant: Tenant
    route: Route
    message_uuid: UUID
    attempt_count: int  # includes the attempt that is about to be made
    possibly_delivered: bool
    low_priority: bool  # it leaves room for live work
    due_at: datetime
    event_id: int
    position: int | None
    expires_at: datetime | None
    crash_count: int
    quota_queue: int  # QuotaQueue that it was claimed from; 0: none

    @property
    def message_id(self) -> str:
        return f"msg_{self.message_uuid.hex}"


# apart, as thousands of deliveries may be in memory, and what is sent is in their messages
Claim = tuple[ClaimedDelivery, ClaimedContent]
CONTENT_COLUMNS = len(fields(ClaimedContent))


def claim_due_deliveries(
    max_rows_by_lane: Mapping[int, int], lease: UUID, config: ConfigCache, *, now: datetime
) -> list[Claim]:
    """Claim at most `max_rows_by_lane[lane]` due deliveries on each lane, the longest due first."""
    if not max_rows_by_lane:
        return []
    backend = claim_postgresql if database.vendor == "postgresql" else claim_sqlite
    return _build_claims(backend.claim_due_rows(max_rows_by_lane, lease, now=now), config)


def claim_deliveries_by_id(
    delivery_ids: Sequence[int], lease: UUID, config: ConfigCache, *, now: datetime
) -> list[Claim]:
    """Claim these deliveries by id, except those that may not be sent."""
    backend = claim_postgresql if database.vendor == "postgresql" else claim_sqlite
    return _build_claims(backend.claim_rows_by_id(delivery_ids, lease, now=now), config)


def _build_claims(rows: Sequence[tuple[Any, ...]], config: ConfigCache) -> list[Claim]:
    config.load(tenants={row[2] for row in rows}, routes={row[3] for row in rows})
    tenants, routes = config.tenants, config.routes
    return [
        (
            ClaimedDelivery(pk, lane, tenants[tenant], routes[route], *columns[:-CONTENT_COLUMNS]),
            ClaimedContent(*columns[-CONTENT_COLUMNS:]),
        )
        for pk, lane, tenant, route, *columns in rows
    ]
