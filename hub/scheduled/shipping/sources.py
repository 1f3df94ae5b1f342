"""Append lines that the hub reads itself: from our application's log, or the audit log."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from connectors.roles import Collection
from hub.audit import AuditRow
from hub.connections.models import Connection
from hub.scheduled.log_intake.append import append_chunks, build_chunk_input
from hub.scheduled.log_intake.lines import LogLine, build_line
from hub.scheduled.models import LogPosition, LogSource
from hub.scheduled.reading import read_pages
from hub.scheduled.reading.position import ReadPosition
from hub.scheduled.runs.context import RunContext, RunFailed
from hub.scheduled.shipping.options import APPLICATION, ShippingOptions
from tenants.models import Tenant

AUDIT_ROWS = 500  # of one chunk


async def read_source(context: RunContext, position: LogPosition, options: ShippingOptions) -> None:
    """Append the new lines of the source to the log; nothing for lines that are sent to the API.

    Each chunk is stored with the cursor in one transaction, so that no line is read twice or left
    out. Raises RunFailed and RunBlocked.
    """
    if options.source == LogSource.AUDIT:
        await read_audit_log(context, position)
    elif options.source == LogSource.COLLECTION:
        await read_collection(context, position, options)


async def read_audit_log(context: RunContext, position: LogPosition) -> None:
    """Append the audit rows after the last one read, by their numbers in the chain."""
    while rows := await context.in_database(partial(find_audit_rows, context.tenant, position)):
        lines = await context.in_database(partial(build_audit_lines, context.tenant, rows))
        cursor = {"number": rows[-1].number}
        await append_lines(context, position, lines, cursor, key=f"{rows[0].number}")


def find_audit_rows(tenant: Tenant, position: LogPosition) -> list[AuditRow]:
    rows = AuditRow.objects.filter(
        chain=str(tenant.public_id), number__gt=position.read_cursor.get("number", 0)
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


async def read_collection(
    context: RunContext, position: LogPosition, options: ShippingOptions
) -> None:
    """Append the records of the collection after the last one read, by its keyset."""
    connection: Connection = await context.find_connection(APPLICATION)
    collection = find_collection(connection, options.collection)
    after = str(position.read_cursor.get("after", ""))
    cursor = ReadPosition(cursor=after).to_text() if after else ""
    async for page in read_pages(context, connection, collection, options.query, cursor=cursor):
        if not page.is_complete:
            raise RunFailed("read_incomplete", page.reason)
        if page.records:
            now = context.now()
            last = collection.record_id(page.records[-1])
            lines = [build_line(record, now=now) for record in page.records]
            await append_lines(context, position, lines, {"after": last}, key=f"{after}:{last}")
            after = last


def find_collection(connection: Connection, key: str) -> Collection:
    for collection in connection.connector.collections:
        if collection.key == key and collection.ordered_by_key:
            return collection
    raise RunFailed("unknown_collection", key, can_retry=False)


async def append_lines(
    context: RunContext,
    position: LogPosition,
    lines: Sequence[LogLine],
    cursor: Mapping[str, Any],
    *,
    key: str,
) -> None:
    """Store lines and the next cursor, under the lease of the run."""
    chunk_input = build_chunk_input(
        context.tenant, position.source, key[:255], lines, now=context.now()
    )

    def write() -> None:
        append_chunks([chunk_input])
        LogPosition.unscoped.filter(pk=position.pk).update(read_cursor=dict(cursor))

    await context.save({}, done=context.run.done_count, write=write)
    position.read_cursor = dict(cursor)
