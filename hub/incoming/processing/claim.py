"""Claim received messages in short transactions, fair between the accounts they came for."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q, QuerySet

from hub.db import bulk
from hub.incoming.models import InboundMessage

LEASE = timedelta(seconds=12)
BATCH_SIZE = 200  # messages of one claim
MAX_SHARES = 50  # accounts of one claim
MAX_ATTEMPTS = 5  # then the message is quarantined

SHARES_SQL = """
WITH RECURSIVE shares(share_key) AS (
    SELECT min(share_key) FROM incoming_inboundmessage
    WHERE due_at IS NOT NULL AND share_key > %s
    UNION ALL
    SELECT (
        SELECT min(m.share_key) FROM incoming_inboundmessage m
        WHERE m.due_at IS NOT NULL AND m.share_key > shares.share_key
    )
    FROM shares WHERE shares.share_key IS NOT NULL
)
SELECT share_key FROM shares WHERE share_key IS NOT NULL LIMIT %s
"""


def list_shares(*, after: str) -> list[str]:
    """Return the accounts with waiting messages behind `after`, then those before it."""
    shares = [share for (share,) in bulk.query_rows(SHARES_SQL, [after, MAX_SHARES])]
    if after and len(shares) < MAX_SHARES:
        wrapped = bulk.query_rows(SHARES_SQL, ["", MAX_SHARES])
        shares += [share for (share,) in wrapped if share <= after]
    return shares[:MAX_SHARES]


def due_messages(*, now: datetime) -> QuerySet[InboundMessage]:
    """Select the messages that may be claimed."""
    unleased = Q(lease_until=None) | Q(lease_until__lt=now)
    return InboundMessage.unscoped.filter(unleased, due_at__lte=now)


@transaction.atomic
def claim_messages(lease: UUID, *, after: str, now: datetime) -> Sequence[InboundMessage]:
    """Lease the next new messages, as many for each account, and count the attempt.

    `after`: the account that was served last.
    """
    shares, ids = list_shares(after=after), list[int]()
    for share in shares:
        rows = due_messages(now=now).filter(share_key=share, attempt_count=0).order_by("pk")
        ids += _lock_ids(rows, max(1, BATCH_SIZE // len(shares)))
    return _lease_messages(ids, lease, now=now)


@transaction.atomic
def claim_repeated_message(lease: UUID, *, now: datetime) -> Sequence[InboundMessage]:
    """Lease the oldest message that was tried before, alone, as it may be what stopped others."""
    rows = due_messages(now=now).filter(attempt_count__gt=0).order_by("pk")
    return _lease_messages(_lock_ids(rows, 1), lease, now=now)


def _lock_ids(rows: QuerySet[InboundMessage], limit: int) -> list[int]:
    locked = rows.select_for_update(skip_locked=True, no_key=True)
    return list(locked.values_list("pk", flat=True)[:limit])


def _lease_messages(ids: Sequence[int], lease: UUID, *, now: datetime) -> list[InboundMessage]:
    if not ids:
        return []
    rows = InboundMessage.unscoped.filter(pk__in=ids)
    rows.update(lease=lease, lease_until=now + LEASE, attempt_count=F("attempt_count") + 1)
    related = ("endpoint__connection__lane", "endpoint__connection__tenant")
    return list(rows.select_related(*related).order_by("pk"))


def is_message_due(*, now: datetime) -> bool:
    """Return whether a message may be claimed."""
    return due_messages(now=now).exists()
