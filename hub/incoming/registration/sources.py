"""Create the sources that the routes of an endpoint want, and retire the others."""

from collections.abc import Mapping
from datetime import datetime

from django.db.models import QuerySet

from connectors.webhook_sources import WebhookSource
from hub.connections.models import DISCONNECTED, Connection
from hub.incoming.gaps import cancel_gaps
from hub.incoming.gaps.sources import NO_PROOF
from hub.incoming.models import InboundEndpoint, InboundSource
from hub.incoming.registration.wanted import list_routes
from hub.outgoing.models import Route
from hub.outgoing.routing import matches_event_type

NOT_WANTED = "not_wanted"
INSERTED_AT_ONCE = 500  # sources


def plan_sources(endpoint: InboundEndpoint, *, now: datetime) -> None:
    """Store which objects routes want of each connection of an endpoint.

    Of a source that is not wanted any more, the gaps are cancelled; one that is wanted again has no
    proof yet.
    """
    wanted = _find_wanted_objects(endpoint)
    existing = {
        (source.connection_id, source.object): source for source in _select_sources(endpoint)
    }
    missing = [
        _build_source(connection, object, now=now)
        for (_id, object), connection in wanted.items()
        if (connection.pk, object) not in existing
    ]
    InboundSource.unscoped.bulk_create(missing, INSERTED_AT_ONCE, ignore_conflicts=True)
    retired = [
        source
        for key, source in existing.items()
        if key not in wanted and source.retired_at is None
    ]
    wanted_again = [
        source.pk for key, source in existing.items() if key in wanted and source.retired_at
    ]
    if retired:
        _retire(retired, now=now)
    if wanted_again:
        InboundSource.unscoped.filter(pk__in=wanted_again).update(
            **NO_PROOF, retired_at=None, state="listening", reason="", state_changed_at=now
        )


def _build_source(connection: Connection, object: str, *, now: datetime) -> InboundSource:
    assert connection.tenant_id is not None
    return InboundSource(
        tenant_id=connection.tenant_id,
        connection=connection,
        object=object,
        state_changed_at=now,
        created_at=now,
    )


def _select_sources(endpoint: InboundEndpoint) -> QuerySet[InboundSource]:
    sources = InboundSource.unscoped.filter(connection__connector_key=endpoint.connector_key)
    return sources.filter(connection=endpoint.connection_id) if endpoint.connection_id else sources


def _retire(sources: list[InboundSource], *, now: datetime) -> None:
    cancel_gaps(sources, NOT_WANTED, now=now)
    InboundSource.unscoped.filter(pk__in=[source.pk for source in sources]).update(retired_at=now)


def _find_wanted_objects(endpoint: InboundEndpoint) -> Mapping[tuple[int, str], Connection]:
    """Return each connection of an endpoint by its id and an object that a route takes of it."""
    source = endpoint.connector.webhook_source
    if source is None:
        return {}
    routes_by_tenant: dict[int | None, list[Route]] = {}
    for route in list_routes(endpoint):
        routes_by_tenant.setdefault(route.tenant_id, []).append(route)
    return {
        (connection.pk, object): connection
        for connection in _select_connections(endpoint)
        for tenant_id in (None, connection.tenant_id)
        for route in routes_by_tenant.get(tenant_id, ())
        if route.origin_id in (None, connection.pk)
        for object in _match_objects(route.event_type, endpoint.connector_key, source)
    }


def _select_connections(endpoint: InboundEndpoint) -> QuerySet[Connection]:
    """Return the connections whose webhooks arrive at an endpoint.

    Not those that are disconnected for good; one whose disconnect can be undone keeps its gaps.
    """
    connections = Connection.unscoped.filter(
        connector_key=endpoint.connector_key, tenant__isnull=False
    ).exclude(state="disabled", reason=DISCONNECTED, disconnection=None)
    if endpoint.connection_id:
        return connections.filter(pk=endpoint.connection_id)
    return connections


def _match_objects(pattern: str, connector_key: str, source: WebhookSource) -> set[str]:
    """Return the objects whose types match."""
    if source.has_types_of_sender:
        return {source.find_object("")}
    return {
        source.find_object(entry.type)
        for entry in source.event_types
        if matches_event_type(pattern, f"{connector_key}.{entry.type}")
    }
