"""Staged records in the database: insert pages, read slices in the order of keys, delete."""

from collections.abc import Iterable, Sequence

from django.db import connection as database
from django.db.models import Exists, OuterRef

from hub.db import bulk
from hub.scheduled.models import Run, StagedRecord
from hub.scheduled.reconciliation.values.extraction import StagedRow
from hub.scheduled.reconciliation.values.record_keys import UNMATCHED_PREFIX, encode_key
from hub.scheduled.reconciliation.values.staged_values import decode_staged
from hub.scheduled.reconciliation.verdicts.judge import ReadRow, hash_record_id

DELETED_ROWS_AT_ONCE = 20_000  # of one statement
KEYS_AT_ONCE = 1000  # of one query
LIVING_FROM = b"["  # begins the body of an existing record; that of a deleted one begins earlier
COLUMNS = "(run_id, is_local, round, key, body)"


def insert_staged(run: Run, rows: Sequence[StagedRow], *, is_local: bool, round: int) -> None:
    """Insert the rows of one page, in the caller's transaction; by COPY on PostgreSQL."""
    if not rows:
        return
    if database.vendor == "postgresql":
        _copy_staged(run.pk, rows, is_local=is_local, round=round)
        return
    count = len(rows)
    bulk.insert_rows(
        StagedRecord,
        {
            "key": [row.key for row in rows],
            "body": [row.body for row in rows],
            "run": [run.pk] * count,
            "is_local": [is_local] * count,
            "round": [round] * count,
        },
    )


def _copy_staged(run_id: int, rows: Sequence[StagedRow], *, is_local: bool, round: int) -> None:
    table = StagedRecord._meta.db_table
    statement = f'COPY "{table}" {COLUMNS} FROM STDIN (FORMAT BINARY)'
    with bulk.binary_cursor() as cursor, cursor.copy(statement) as copy:
        copy.set_types(["int8", "bool", "int2", "bytea", "bytea"])
        for row in rows:
            copy.write_row((run_id, is_local, round, row.key, row.body))


def read_slice(run: Run, after: bytes | None, size: int, *, is_local: bool) -> list[ReadRow]:
    """Return the next rows of one side after a key, ordered by the bytes of keys, then by age."""
    rows = StagedRecord.objects.filter(run=run, is_local=is_local)
    if after is not None:
        rows = rows.filter(key__gt=after)
    next_rows = rows.order_by("key", "pk").values_list("key", "round", "body")[:size]
    return [ReadRow(bytes(key), round, bytes(body)) for key, round, body in next_rows]


def find_superseded(run: Run, *, is_local: bool) -> set[int]:
    """Return the hashes of the record ids that were read again after the first read."""
    rows = StagedRecord.objects.filter(run=run, is_local=is_local, round__gt=0)
    bodies = rows.values_list("body", flat=True).iterator(chunk_size=2000)
    return {hash_record_id(decode_staged(bytes(body)).record_id) for body in bodies}


def delete_staged(run: Run) -> bool:
    """Delete some of a run's rows; return whether there may be more."""
    ids = StagedRecord.objects.filter(run=run).values("pk")[:DELETED_ROWS_AT_ONCE]
    deleted, _ = StagedRecord.objects.filter(pk__in=ids).delete()
    return deleted == DELETED_ROWS_AT_ONCE


def has_keys_of_one_side(run: Run, *, is_local: bool) -> bool:
    """Return whether a key was read on this side, and no existing record of it on the other."""
    rows = StagedRecord.objects.filter(run=run, is_local=is_local)
    counterpart = StagedRecord.objects.filter(run=run, is_local=not is_local, key=OuterRef("key"))
    living = counterpart.filter(body__gte=LIVING_FROM)
    return rows.filter(~Exists(living), key__lt=UNMATCHED_PREFIX).exists()


def has_any_key(run: Run, keys: Iterable[str]) -> bool:
    """Return whether a record with one of these keys was read on either side."""
    encoded_keys = sorted(map(encode_key, keys))
    return any(
        StagedRecord.objects.filter(
            run=run, is_local__in=(True, False), key__in=encoded_keys[start : start + KEYS_AT_ONCE]
        ).exists()
        for start in range(0, len(encoded_keys), KEYS_AT_ONCE)
    )
