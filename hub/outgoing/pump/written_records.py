"""Remember the records that scheduled requests write, if changes may come back as webhooks."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from hub.outgoing.echo.remember import RecordWrite, list_possible_changes, remember_writes
from hub.outgoing.pump.claiming.config_cache import ConfigCache
from hub.outgoing.pump.types import LaneBatch, OutboundRequest


def remember_written_records(
    batches: Sequence[LaneBatch], config: ConfigCache, *, now: datetime
) -> None:
    """Store what the scheduled requests write, before they are sent; one insert for all of them.

    Only connections whose events a route takes are remembered. No echo is expected of a change for
    which no webhook is registered.
    """
    writes: list[RecordWrite] = []
    for batch in batches:
        source = batch.connection.connector.webhook_source
        if source is not None and config.receives_events(batch.connection):
            for _, request in batch.planned_requests:
                record_writes = list(_list_writes(batch, request, config))
                request.is_remembered = bool(record_writes)
                writes += record_writes
    if writes:
        remember_writes(writes, now=now)


def _list_writes(
    batch: LaneBatch, request: OutboundRequest, config: ConfigCache
) -> Iterable[RecordWrite]:
    if request.is_confirmation:
        return
    for message in request.messages:
        delivery = message.delivery
        written = request.action.written_record(message.content)
        if written is not None:
            yield RecordWrite(
                delivery.pk,
                batch.connection.pk,
                written,
                is_forwarded=bool(delivery.route.origin_connector_key),
                is_repeated=delivery.attempt_count > 1,
                is_reported=any(
                    config.reports_change(batch.connection, f"{written.object}.{change}")
                    for change in list_possible_changes(written)
                ),
            )
