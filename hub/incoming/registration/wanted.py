"""Determine which event types enabled routes need from an endpoint, and their registrations."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db.models import Q

from connectors.webhook_sources import Subscriptions, WantedSubscription, WebhookSource
from hub.connections.models import Connection
from hub.incoming.endpoints.create import endpoint_url
from hub.incoming.models import InboundEndpoint, WebhookSubscription
from hub.outgoing.models import Route
from hub.outgoing.routing import matches_event_type

# a route's time of change is that of a transaction that may commit after the routes were read here
COMMIT_DURATION_MAX = timedelta(seconds=5)
MAX_KEY_LENGTH = 120  # characters of a subscription's key
APP_KEY = "app"  # the one subscription of an endpoint that a person registers for all event types


def list_routes(endpoint: InboundEndpoint) -> list[Route]:
    """List the enabled routes that take events of an endpoint."""
    routes = Route.unscoped.filter(enabled=True, origin_connector_key=endpoint.connector_key)
    if endpoint.connection_id:
        routes = routes.filter(
            Q(tenant=None) | Q(tenant=endpoint.tenant_id),
            Q(origin=None) | Q(origin=endpoint.connection_id),
        )
    return list(routes)


def find_wanted_types(endpoint: InboundEndpoint, source: WebhookSource) -> tuple[str, ...]:
    """Return the event types of the source, without its key, that a route takes."""
    patterns = {route.event_type for route in list_routes(endpoint)}
    return tuple(
        entry.type
        for entry in source.event_types
        if any(
            matches_event_type(pattern, f"{endpoint.connector_key}.{entry.type}")
            for pattern in patterns
        )
    )


def plan_subscriptions(
    endpoint: InboundEndpoint, *, now: datetime
) -> Mapping[str, WebhookSubscription]:
    """Store which subscriptions are wanted; return all of the endpoint's by key.

    Unwanted ones are kept until the system has removed them. What no registration can deliver is
    stored as *unsupported*, and not returned.
    """
    types_by_key = find_wanted_subscriptions(endpoint)
    _store_unsupported_types(endpoint, types_by_key, now=now)
    existing = {
        subscription.key: subscription
        for subscription in WebhookSubscription.unscoped.filter(endpoint=endpoint).exclude(
            reason=WebhookSubscription.NO_REGISTRATION
        )
    }
    for key, event_types in types_by_key.items():
        subscription = existing.get(key) or WebhookSubscription(
            endpoint=endpoint, tenant=endpoint.tenant, key=key, state_changed_at=now
        )
        planned = (subscription.event_types, subscription.is_wanted)
        if subscription.pk is None or planned != (list(event_types), True):
            subscription.event_types, subscription.is_wanted = list(event_types), True
            subscription.save()
        existing[key] = subscription
    for key, subscription in existing.items():
        if key not in types_by_key and subscription.is_wanted:
            subscription.is_wanted = False
            subscription.save(update_fields=["is_wanted"])
    InboundEndpoint.unscoped.filter(pk=endpoint.pk).update(planned_at=now - COMMIT_DURATION_MAX)
    return existing


def _store_unsupported_types(
    endpoint: InboundEndpoint, types_by_key: Mapping[str, tuple[str, ...]], *, now: datetime
) -> None:
    """Store the event types that a route names and no registration of the system delivers."""
    types = _list_unsupported_types(endpoint, types_by_key)
    rows = WebhookSubscription.unscoped.filter(
        endpoint=endpoint, reason=WebhookSubscription.NO_REGISTRATION
    )
    rows.exclude(key__in=types).delete()
    WebhookSubscription.unscoped.bulk_create(
        [
            WebhookSubscription(
                endpoint=endpoint,
                tenant=endpoint.tenant,
                key=type,
                event_types=[type],
                state="unsupported",
                reason=WebhookSubscription.NO_REGISTRATION,
                state_changed_at=now,
            )
            for type in types
        ],
        ignore_conflicts=True,
    )


def _list_unsupported_types(
    endpoint: InboundEndpoint, types_by_key: Mapping[str, tuple[str, ...]]
) -> list[str]:
    connection, subscriptions = endpoint.connection, endpoint.connector.subscriptions
    is_registered = subscriptions is not None and not subscriptions.is_manual
    if not is_registered or connection is None or connection.is_disconnected:
        return []
    delivered = {type for types in types_by_key.values() for type in types}
    named = {type for type in _list_own_types(endpoint) if "*" not in type and "." in type}
    return sorted(type for type in named - delivered if len(type) <= MAX_KEY_LENGTH)


def find_wanted_subscriptions(endpoint: InboundEndpoint) -> Mapping[str, tuple[str, ...]]:
    """Return the event types of each wanted subscription by key; none if it is disconnected."""
    connector, connection = endpoint.connector, endpoint.connection
    source, subscriptions = connector.webhook_source, connector.subscriptions
    if source is None or (connection and connection.is_disconnected):
        return {}
    types = find_wanted_types(endpoint, source)
    if subscriptions is None or subscriptions.is_manual:
        own_url = endpoint.connection_id is not None  # a person enters it before there is a route
        types = types or _list_own_types(endpoint)
        return {APP_KEY: types} if types or own_url else {}
    return subscriptions.list_wanted_registrations(types)


def _list_own_types(endpoint: InboundEndpoint) -> tuple[str, ...]:
    """Return the types that routes take and no list has, as a sender may have types of its own."""
    prefix = f"{endpoint.connector_key}."
    return tuple(sorted({route.event_type.removeprefix(prefix) for route in list_routes(endpoint)}))


def build_wanted_subscriptions(
    endpoint: InboundEndpoint,
    subscriptions: Subscriptions,
    existing: Mapping[str, WebhookSubscription],
) -> list[WantedSubscription]:
    """Build the wanted registrations. Raises CannotOpen."""
    document, url = endpoint.open(), endpoint_url(endpoint)
    secret = next((entry["secret"] for entry in document.get("secrets") or ()), "")
    return [
        WantedSubscription(
            key=entry.key,
            event_types=tuple(entry.event_types),
            url=subscriptions.build_url(url, entry.key),
            secret=secret,
        )
        for entry in existing.values()
        if entry.is_wanted
    ]


def list_missing_permissions(connection: Connection, subscriptions: Subscriptions) -> list[str]:
    """List the permissions that registrations need and the account did not grant."""
    if connection.permissions is None:
        return []
    granted = set(connection.permissions)
    return [
        key
        for key in subscriptions.permissions
        if not connection.connector.has_permission(key, granted)
    ]
