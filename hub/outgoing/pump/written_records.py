"""List the records that a request writes, if changes may come back as webhooks."""

from collections.abc import Sequence

from connectors.roles import Action
from hub.connections.models import Connection
from hub.outgoing.echo.remember import RecordWrite, list_possible_changes
from hub.outgoing.pump.claiming.config_cache import ConfigCache
from hub.outgoing.pump.types import OutboundMessage


def list_record_writes(
    connection: Connection,
    action: Action,
    messages: Sequence[OutboundMessage],
    config: ConfigCache,
) -> list[RecordWrite]:
    """List what a request writes, to be remembered before it is sent.

    Only connections whose events a route takes are remembered. No echo is expected of a change for
    which no webhook is registered.
    """
    if connection.connector.webhook_source is None or not config.receives_events(connection):
        return []
    writes: list[RecordWrite] = []
    for delivery, content in ((message.delivery, message.content) for message in messages):
        written = None if content.ticket else action.written_record(content)
        if written is not None:
            is_reported = any(
                config.reports_change(connection, f"{written.object}.{change}")
                for change in list_possible_changes(written)
            )
            writes.append(
                RecordWrite(
                    delivery.pk,
                    connection.pk,
                    written,
                    is_forwarded=bool(delivery.route.origin_connector_key),
                    is_repeated=delivery.attempt_count > 1,
                    is_reported=is_reported,
                )
            )
    return writes
