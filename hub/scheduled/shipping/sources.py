"""Append lines that the hub reads itself: from our application's log, or the audit log."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from connectors.roles import Collection
from hub.audit import AuditRow
from hub.connections.models import Connection
from hub.scheduled.log_intake.append import append_chunks, build_chunk_input, lock_logs
from hub.scheduled.log_intake.lines import LogLine, build_line
from hub.scheduled.models import Log, LogPosition, LogSource
from hub.scheduled.reading import read_pages
from hub.scheduled.reading.position import ReadPosition
from hub.scheduled.runs.context import RunContext, RunFailed
from hub.scheduled.shipping.late_lines import (
    ReadMark,
    add_mark,
    dump_marks,
    find_known_ids,
    parse_marks,
)
from hub.scheduled.shipping.log_conflicts import find_conflicting_job
from hub.scheduled.shipping.options import APPLICATION, ShippingOptions
from tenants.models import Tenant

AUDIT_ROWS = 500  # of one chunk


class ReadByAnotherRun(Exception):
    """The run of another job reads the source at the same time; its lines are in the log."""


async def read_source(context: RunContext, position: LogPosition, options: ShippingOptions) -> None:
    """Append the new lines of the source to the log; nothing for lines that are sent to the API.

    Each chunk is stored with the cursor in one transaction, so that no line is read twice or left
    out. Raises RunFailed and RunBlocked.
    """
    with suppress(ReadByAnotherRun):
        await _read_source(context, position.log, options)


async def _read_source(context: RunContext, log: Log, options: ShippingOptions) -> None:
    if options.source == LogSource.AUDIT:
        await read_audit_log(context, log)
    elif options.source == LogSource.COLLECTION:
        await read_collection(context, log, options)


async def read_audit_log(context: RunContext, log: Log) -> None:
    """Append the audit rows after the last one read, by their numbers in the chain."""
    while rows := await context.in_database(partial(find_audit_rows, context.tenant, log)):
        lines = await context.in_database(partial(build_audit_lines, context.tenant, rows))
        cursor = {"number": rows[-1].number}
        await append_lines(context, log, lines, cursor, key=f"{rows[0].number}")


def find_audit_rows(tenant: Tenant, log: Log) -> list[AuditRow]:
    rows = AuditRow.objects.filter(
        chain=str(tenant.public_id), number__gt=log.read_cursor.get("number", 0)
    )
    return list(rows.order_by("number")[:AUDIT_ROWS])


def build_audit_lines(tenant: Tenant, rows: Sequence[AuditRow]) -> list[LogLine]:
    """Build a line for each row; IP addresses only of the tenant's own members and programs."""
    members = {str(user_id) for user_id in tenant.memberships.values_list("user_id", flat=True)}
    return [
        build_line(
            build_audit_record(
                row, with_address=row.actor_kind != "user" or row.actor_id in members
            ),
            now=row.at,
        )
        for row in rows
    ]


def build_audit_record(row: AuditRow, *, with_address: bool) -> Mapping[str, Any]:
    return {
        "time": row.at.isoformat(),
        "level": "info",
        "number": row.number,
        "action": row.verb,
        "actor": {
            "kind": row.actor_kind,
            "id": row.actor_id,
            "label": row.actor_label,
            "acting_for": row.acting_for,
        },
        "object": {"type": row.object_label, "id": row.object_id},
        "reason": row.reason,
        "before": row.before,
        "after": row.after,
        "request_id": row.request_id,
        "ip": row.ip if with_address else "",
        "hash": row.hash,
    }


async def read_collection(context: RunContext, log: Log, options: ShippingOptions) -> None:
    """Append the records of the collection that were not read yet, by its keyset.

    A record may become visible after others with a greater id, so the last minutes are read again.
    Raises RunFailed if another job reads other records into the log, as their ids would be mixed.
    """
    other = await context.in_database(partial(find_conflicting_job, context.job, context.tenant.pk))
    if other is not None:
        raise RunFailed("options_invalid", other.name, can_retry=False)
    connection: Connection = await context.find_connection(APPLICATION)
    collection = find_collection(connection, options.collection)
    marks = parse_marks(log.read_cursor, now=context.now())
    known_ids = await context.in_database(partial(find_known_ids, log, marks, collection))
    is_past_marks = len(marks) == 1
    cursor = ReadPosition(cursor=marks[0].id).to_text()
    async for page in read_pages(context, connection, collection, options.query, cursor=cursor):
        if not page.is_complete:
            raise RunFailed("read_incomplete", page.reason)
        ids = [collection.record_id(record) for record in page.records]
        is_past_marks = is_past_marks or marks[-1].id in ids
        new = {id: row for id, row in zip(ids, page.records, strict=True) if id not in known_ids}
        if not new:
            continue
        now = context.now()
        if is_past_marks or not page.cursor:
            marks = add_mark(marks, ReadMark(ids[-1], now.timestamp()))
        lines = [build_line(record, now=now) for record in new.values()]
        await append_lines(context, log, lines, dump_marks(marks), key=f"read:{next(iter(new))}")


def find_collection(connection: Connection, key: str) -> Collection:
    for collection in connection.connector.collections:
        if collection.key == key and collection.ordered_by_key:
            return collection
    raise RunFailed("unknown_collection", key, can_retry=False)


async def append_lines(
    context: RunContext, log: Log, lines: Sequence[LogLine], cursor: Mapping[str, Any], *, key: str
) -> None:
    """Store lines and the next cursor, under the lease of the run. Raises ReadByAnotherRun."""
    chunk_input = build_chunk_input(context.tenant, log.source, key[:255], lines, now=context.now())

    def write() -> None:
        stored = lock_logs({chunk_input.log})[chunk_input.log]
        if stored.read_cursor != log.read_cursor:
            raise ReadByAnotherRun
        append_chunks([chunk_input])
        Log.unscoped.filter(pk=log.pk).update(read_cursor=dict(cursor))

    await context.save({}, done=context.run.done_count, write=write)
    log.read_cursor = dict(cursor)
