"""Claim received messages in short transactions, in fair turns between their accounts."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import zip_longest
from typing import NamedTuple
from uuid import UUID

from django.db import connection as database
from django.db import transaction
from django.db.models import Exists, F, OuterRef, QuerySet

from connectors.http import KIBIBYTE
from hub.db import bulk
from hub.incoming.models import InboundMessage
from hub.processes.leases import RowLeases

MESSAGE_LEASES = RowLeases(InboundMessage, timedelta(seconds=12))
BATCH_SIZE = 200  # messages of one claim
BATCH_BYTES = 512 * KIBIBYTE  # of their bodies; a claim has at least one message
MAX_SHARES = 50  # accounts of one claim
MAX_ATTEMPTS = 5  # then the message is quarantined
RELATED_FIELDS = (
    "endpoint__connection__lane",
    "endpoint__connection__tenant",
    "endpoint__connection__disconnection",
)

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
CANDIDATES_SQL = """SELECT * FROM (
    SELECT share_key, id, size, attempt_count FROM incoming_inboundmessage
    WHERE due_at IS NOT NULL AND share_key = %s AND (
      (attempt_count = 0 AND due_at <= %s AND (lease_until IS NULL OR lease_until <= %s))
      OR (attempt_count > 0 AND processed_at IS NULL)
    )
    ORDER BY id LIMIT %s
) AS candidates"""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A message that may be claimed."""

    share_key: str
    id: int
    body_bytes: int


def list_shares(*, after: str) -> list[str]:
    """Return the accounts with waiting messages: those after `after`, then those before."""
    shares = [share for (share,) in bulk.query_rows(SHARES_SQL, [after, MAX_SHARES])]
    if after and len(shares) < MAX_SHARES:
        first = [share for (share,) in bulk.query_rows(SHARES_SQL, ["", MAX_SHARES])]
        shares = order_turns(shares, first)
    return shares[:MAX_SHARES]


def order_turns(behind: Sequence[str], first: Sequence[str]) -> list[str]:
    """Return the accounts after the last turn, then the accounts of `first` not among them.

    They are not compared here, as the database's collation determines their order.
    """
    known_shares = set(behind)
    return [*behind, *(share for share in first if share not in known_shares)]


def list_candidates(shares: Sequence[str], *, now: datetime) -> list[Candidate]:
    """Return the next new messages of each account, in one statement.

    Messages of an account that were tried before are processed first: newer ones do not overtake
    them. Replays are exempt, as their order does not matter.
    """
    if not shares:
        return []
    moment = database.ops.adapt_datetimefield_value(now)
    limit = max(1, BATCH_SIZE // len(shares))
    parameters = [value for share in shares for value in (share, moment, moment, limit)]
    rows = bulk.query_rows(" UNION ALL ".join([CANDIDATES_SQL] * len(shares)), parameters)
    candidates, blocked_shares = list[Candidate](), set[str]()
    for share, id, size, attempt_count in rows:
        if attempt_count:
            blocked_shares.add(share)
        elif share not in blocked_shares:
            candidates.append(Candidate(share, id, size))
    return candidates


def choose_batch(candidates: Iterable[Candidate], shares: Sequence[str]) -> list[Candidate]:
    """Choose messages in turns, one from each account, until the batch is full."""
    by_share: dict[str, list[Candidate]] = {share: [] for share in shares}
    for candidate in candidates:
        by_share[candidate.share_key].append(candidate)
    batch, size = list[Candidate](), 0
    for turn in zip_longest(*by_share.values()):
        for candidate in filter(None, turn):
            size += candidate.body_bytes
            if batch and size > BATCH_BYTES:
                return batch
            batch.append(candidate)
    return batch


def due_messages(*, now: datetime) -> QuerySet[InboundMessage]:
    """Return a queryset of the messages that may be claimed."""
    return InboundMessage.unscoped.filter(MESSAGE_LEASES.is_free(now=now), due_at__lte=now)


class Claim(NamedTuple):
    """Leased messages in the order of their turns, and the account that had the last turn.

    If no message of the listed accounts can be claimed, all of them count as served.
    """

    messages: Sequence[InboundMessage]
    last_share: str


@transaction.atomic
def claim_messages(lease: UUID, *, after: str, now: datetime) -> Claim:
    """Lease the next new messages, evenly from each account, and count the attempt.

    `after`: the account that was served last.
    """
    shares = list_shares(after=after)
    batch = choose_batch(list_candidates(shares, now=now), shares)
    if not batch:
        return Claim([], shares[-1] if shares else after)
    ids = [candidate.id for candidate in batch]
    messages = _lease_messages(due_messages(now=now).filter(pk__in=ids), lease, now=now)
    turn_by_id = {id: turn for turn, id in enumerate(ids)}
    in_turn = sorted(messages, key=lambda message: turn_by_id[message.pk])
    return Claim(in_turn, batch[-1].share_key)


def claim_repeated_message(lease: UUID, *, now: datetime) -> Sequence[InboundMessage]:
    """Lease the oldest message tried before, alone, as it may have failed its batch.

    It does not overtake an older one of its account that is tried again later.
    """
    repeated = due_messages(now=now).filter(attempt_count__gt=0)
    if not repeated.exists():  # no transaction: on SQLite it keeps all others waiting
        return []
    older = InboundMessage.unscoped.filter(
        due_at__isnull=False,
        share_key=OuterRef("share_key"),
        attempt_count__gt=0,
        processed_at=None,
        pk__lt=OuterRef("pk"),
    )
    with transaction.atomic():
        rows = repeated.filter(~Exists(older)).order_by("pk")
        return _lease_messages(rows, lease, limit=1, now=now)


def _lease_messages(
    rows: QuerySet[InboundMessage], lease: UUID, *, limit: int = BATCH_SIZE, now: datetime
) -> list[InboundMessage]:
    """Lease those rows that no other transaction has locked."""
    locked = rows.select_for_update(skip_locked=True, no_key=True)
    ids = list(locked.values_list("pk", flat=True)[:limit])
    if not ids:
        return []
    leased = InboundMessage.unscoped.filter(pk__in=ids)
    leased.update(**MESSAGE_LEASES.columns(lease, now=now), attempt_count=F("attempt_count") + 1)
    return list(leased.select_related(*RELATED_FIELDS).order_by("pk"))


def is_message_due(*, now: datetime) -> bool:
    """Return whether a message may be claimed."""
    return due_messages(now=now).exists()
