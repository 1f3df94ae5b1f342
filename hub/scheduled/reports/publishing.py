"""Publish a report: an event with one delivery, exactly once for each run."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from hub.connections.models import Connection, Lane
from hub.mappings.models import FieldMapping
from hub.mappings.versions import is_same_json, save_mapping_version
from hub.outgoing.intake.publish import publish_for_route
from hub.outgoing.models import Delivery, Route
from hub.outgoing.subscriptions.endpoint_routes import REPORT_EVENT_TYPE, create_route
from hub.scheduled.models import Run
from hub.scheduled.reports.options import MessageOptions

SOURCE = "report"


def publish_report(
    run: Run,
    connection: Connection,
    message: MessageOptions,
    report: Mapping[str, Any],
    *,
    wait: timedelta,
    now: datetime,
) -> Delivery:
    """Publish the event of a run and its one delivery, which is due after `wait`.

    Runs in the caller's transaction. The same run again returns the first delivery.
    """
    Lane.lock(connection.pk)
    if first := find_delivery(run):
        return first
    route = get_or_create_route(connection, message, now=now)
    delivery = publish_for_route(
        route, run.tenant, REPORT_EVENT_TYPE, report, id=str(run.public_id), source=SOURCE, now=now
    )
    if wait and delivery.state == "waiting":
        delivery.due_at = now + wait
        delivery.save(update_fields=["due_at"])
    return delivery


def find_delivery(run: Run) -> Delivery | None:
    """Return the delivery that the run published earlier."""
    deliveries = Delivery.unscoped.filter(
        event__tenant=run.tenant_id, event__source=SOURCE, event__sender_id=str(run.public_id)
    )
    return deliveries.order_by("pk").first()


def get_or_create_route(connection: Connection, message: MessageOptions, *, now: datetime) -> Route:
    """Return the route for reports to this connection with this mapping.

    Without a mapping, the action's suggestion for reports is used, or its default. The route is
    disabled, so that it matches no published events.
    """
    action = connection.connector.action(message.action)
    body = dict(message.mapping or action.report_mapping)
    routes = Route.unscoped.filter(
        connection=connection, event_type=REPORT_EVENT_TYPE, action=action.key
    )
    for route in routes.select_related("connection", "mapping").order_by("pk"):
        if is_same_json(route.mapping.current.body, body):
            return route
    mapping = FieldMapping.unscoped.create(
        tenant=connection.tenant,
        name=f"Reports, to {connection.name}"[:200],
        connector_key=connection.connector_key,
        action=action.key,
        created_at=now,
    )
    save_mapping_version(mapping, body, user=None, now=now)
    name = f"Reports to {connection.name}"[:200]
    route = create_route(connection, mapping, name, REPORT_EVENT_TYPE, "", now=now)
    Route.unscoped.filter(pk=route.pk).update(enabled=False)
    return route
