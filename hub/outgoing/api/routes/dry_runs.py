"""Dry runs of stored routes and field mappings with an event, for REST."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from connectors.http import load_json
from hub.mappings.models import MappingVersion
from hub.outgoing.insight.dry_run import dry_run_route, find_trial_connection
from hub.outgoing.models import Event, EventBody, Route
from hub.outgoing.models.events import build_event_document
from hub.outgoing.routing import matches_event_type
from hub.outgoing.serializers import serialize_dry_run
from hub.problems import Problem
from tenants.access.api_authentication import api_key_of, resolve_tenant
from tenants.models import Tenant
from tenants.scoping import visible_rows

EXAMPLE_TYPE = "example"


def require_scope(request: Request, scope: str) -> None:
    """Raise Problem unless the key has a scope that only part of the request needs."""
    if not api_key_of(request).has_scope(scope):
        raise Problem("scope-missing", f"The key requires the scope {scope}.")


def respond_with_dry_run(
    request: Request, route: Route, data: Mapping[str, Any], *, now: datetime
) -> Response:
    """Return the result of an event on this route, which need not be stored."""
    tenant, document = (
        _find_document(request, route, data)
        if "event" in data
        else _build_document(request, route, data, now=now)
    )
    version = MappingVersion(body=data["body"]) if "body" in data else route.mapping.current
    connection = find_trial_connection(route.connection, tenant, route.connector_key)
    dry_run = dry_run_route(route, version, document, tenant, connection)
    return Response(serialize_dry_run(dry_run, route.connector_key))


def _find_document(
    request: Request, route: Route, data: Mapping[str, Any]
) -> tuple[Tenant, dict[str, Any]]:
    require_scope(request, "events:read")
    events = visible_rows(Event, request.user).select_related("tenant", "origin")
    event = events.filter(public_id=data["event"]).first()
    if event is None or route.tenant_id not in (None, event.tenant_id):
        raise serializers.ValidationError({"event": "There is no such event of the tenant."})
    if not (matches_event_type(route.event_type, event.type) and _accepts_origin(route, event)):
        raise serializers.ValidationError({"event": "The route does not match this event."})
    event_body = EventBody.objects.filter(pk=event.pk).first()
    if event_body is None:
        raise serializers.ValidationError({"event": "The event's body is no longer stored."})
    return event.tenant, event.build_document(
        event.tenant, load_json(bytes(event_body.body))["data"]
    )


def _accepts_origin(route: Route, event: Event) -> bool:
    """Return whether the route takes the event; without one (a mapping alone) all are."""
    return route.pk is None or route.accepts_origin(event.origin)


def _build_document(
    request: Request, route: Route, data: Mapping[str, Any], *, now: datetime
) -> tuple[Tenant, dict[str, Any]]:
    tenant = route.tenant or resolve_tenant(request, data.get("tenant"))
    type = data.get("type") or route.event_type.replace("*", EXAMPLE_TYPE)
    return tenant, build_event_document(EXAMPLE_TYPE, type, tenant, now, data["data"])
