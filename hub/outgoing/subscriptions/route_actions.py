"""Create, change, enable and delete routes; each writes its audit row and wakes waiting work."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext_lazy

from connectors.registry import CONNECTORS
from hub.audit import ActorContext, audit_values
from hub.hooks import Hook
from hub.mappings.compiler_cache import compiled_filter
from hub.mappings.mapping_actions import (
    change_mapping,
    check_mapping_body,
    check_mapping_change,
    create_mapping,
)
from hub.mappings.models import FieldMapping
from hub.mappings.translate import MappingError
from hub.outgoing.models import Route
from hub.problems import Refusal
from hub.queue import wake_up

REFERENCE_COLUMNS = {"tenant", "origin", "connection", "mapping"}
ROUTE_COLUMNS = (
    "name",
    "enabled",
    "tenant",
    "event_type",
    "origin_connector_key",
    "origin",
    "filter",
    "connector_key",
    "connection",
    "action",
    "mapping",
    "retry_schedule",
    "ordered",
    "order_key",
    "never_twice",
    "expires_after",
)


class RouteReport(Protocol):
    """Is told of a route, in the transaction that deletes it."""

    def __call__(self, route: Route, *, now: datetime) -> None: ...


ROUTE_DELETED: Hook[RouteReport] = Hook()


class RouteInUse(Refusal):
    """A route that has deliveries cannot be deleted."""

    sentence = gettext_lazy("The route has deliveries. Disable it instead.")


def add_route(
    route: Route, body: Mapping[str, Any] | None, actor: ActorContext, *, now: datetime
) -> Route:
    """Store an unsaved route; without a mapping it gets a mapping of its own with this body.

    A body for an existing mapping becomes a new version of it. Raises ValidationError by field.
    """
    check_route(route)
    _check_body(route, body, actor)
    with transaction.atomic():
        _set_mapping(route, body, actor, now=now)
        route.created_at = route.changed_at = now
        route.save(force_insert=True)
        after = audit_values(route, ROUTE_COLUMNS)
        actor.audit("route.create", route, after=after, now=now)
        wake_up("drain", now=now)
    return route


def change_route(
    route: Route, body: Mapping[str, Any] | None, actor: ActorContext, *, now: datetime
) -> Route:
    """Store the changed columns of a route, and a new version of its mapping if the body differs.

    A body of None keeps the mapping. Raises ValidationError by field.
    """
    check_route(route)
    _check_body(route, body, actor)
    return _store_changed_route(route, body, actor, now=now)


@transaction.atomic
def _store_changed_route(
    route: Route, body: Mapping[str, Any] | None, actor: ActorContext, *, now: datetime
) -> Route:
    stored = Route.unscoped.select_for_update(of=("self",), no_key=True).get(pk=route.pk)
    _set_mapping(route, body, actor, now=now)
    before = audit_values(stored, ROUTE_COLUMNS)
    after = audit_values(route, ROUTE_COLUMNS)
    changed = [column for column in ROUTE_COLUMNS if before[column] != after[column]]
    if changed:
        route.changed_at = now
        route.save(update_fields=[*changed, "changed_at"])
        actor.audit(
            "route.change",
            route,
            before={column: before[column] for column in changed},
            after={column: after[column] for column in changed},
            now=now,
        )
    wake_up("drain", now=now)
    return route


def enable_route(route: Route, actor: ActorContext, *, enabled: bool, now: datetime) -> Route:
    """Enable or disable the matching of new events; existing deliveries are not changed.

    A route can always be disabled. Raises ValidationError by field if it cannot be enabled.
    """
    route.enabled = enabled
    if enabled:
        check_route(route)
    return _store_changed_route(route, None, actor, now=now)


@transaction.atomic
def delete_route(route: Route, actor: ActorContext, *, now: datetime) -> None:
    """Delete a route that has no deliveries, and call the functions of ROUTE_DELETED.

    Raises RouteInUse when it has some.
    """
    Route.unscoped.select_for_update(of=("self",)).get(pk=route.pk)
    if route.deliveries.exists():
        raise RouteInUse
    actor.audit("route.delete", route, before={"name": route.name}, now=now)
    for report in ROUTE_DELETED:
        report(route, now=now)
    route.delete()


def _check_body(route: Route, body: Mapping[str, Any] | None, actor: ActorContext) -> None:
    """Raise ValidationError if the body cannot be stored.

    Compiling takes a while, in which others must be able to write: it is done before a transaction.
    """
    if route.mapping_id is not None and body is not None:
        check_mapping_change(route.mapping, body, actor)
    if route.mapping_id is None or body is not None:
        check_mapping_body(route.connector_key, route.action, body or {})


def _set_mapping(
    route: Route, body: Mapping[str, Any] | None, actor: ActorContext, *, now: datetime
) -> None:
    if route.mapping_id is None:
        name = f"Mapping of {route.name}"[:200]
        mapping = FieldMapping(
            tenant=route.tenant, name=name, connector_key=route.connector_key, action=route.action
        )
        route.mapping = create_mapping(mapping, body or {}, actor, now=now)
    elif body is not None:
        change_mapping(route.mapping, actor, body=body, now=now)


# --- checks ---------------------------------------------------------------------------------------


def check_route(route: Route) -> None:
    """Raise ValidationError by field when a value is invalid, or values do not fit each other."""
    route.clean_fields(exclude=REFERENCE_COLUMNS)
    if problems := find_reference_problems(route) | _find_expression_problems(route):
        raise ValidationError(problems)


def find_reference_problems(route: Route) -> dict[str, str]:
    """Return, by field, why action, connection, mapping and origin do not fit each other."""
    try:
        CONNECTORS[route.connector_key].action(route.action)
    except LookupError:
        return {"action": "This connector has no such action."}
    problems = {
        "connection": _find_connection_problem(route),
        "mapping": _find_mapping_problem(route),
        "origin_connector_key": _find_source_problem(route),
        "origin": _find_origin_problem(route),
    }
    return {name: problem for name, problem in problems.items() if problem}


def _find_connection_problem(route: Route) -> str:
    connection = route.connection
    if connection is None:
        return ""
    if connection.connector_key != route.connector_key:
        return (
            f"This connection belongs to {connection.connector.label}, but the action "
            f"belongs to {CONNECTORS[route.connector_key].label}."
        )
    if connection.tenant_id is None:
        return ""
    if route.tenant is None:
        return "A route for all tenants uses each tenant's own connections. Leave this empty."
    if connection.tenant_id != route.tenant.pk:
        return f"This connection does not belong to {route.tenant}."
    return ""


def _find_mapping_problem(route: Route) -> str:
    if route.mapping_id is None:
        return ""
    mapping = route.mapping
    of_mapping = f"{mapping.connector_key}.{mapping.action}"
    of_route = f"{route.connector_key}.{route.action}"
    if of_mapping != of_route:
        return f"This mapping is for {of_mapping}, and the action is {of_route}."
    if mapping.tenant_id in (None, route.tenant_id):
        return ""
    if route.tenant is None:
        return "A route for all tenants needs a mapping for all tenants."
    return f"This mapping does not belong to {route.tenant}."


def _find_source_problem(route: Route) -> str:
    if not route.origin_connector_key:
        return ""
    connector = CONNECTORS.get(route.origin_connector_key)
    if connector is None or connector.webhook_source is None:
        return "The hub receives no events from this system."
    return ""


def _find_origin_problem(route: Route) -> str:
    origin = route.origin
    if origin is None:
        return ""
    if origin.connector_key != route.origin_connector_key:
        return f"This connection belongs to {origin.connector.label}. Select it as the system."
    if route.tenant is None:
        return "A route for all tenants takes events of all connections. Leave this empty."
    return (
        "" if origin.tenant_id == route.tenant.pk else f"This connection is not {route.tenant}'s."
    )


def _find_expression_problems(route: Route) -> dict[str, str]:
    problems = {}
    for column, noun in (("filter", "filter"), ("order_key", "order key")):
        try:
            if text := getattr(route, column):
                compiled_filter(text)
        except MappingError as error:
            problems[column] = f"The {noun} {error.message}."
    return problems
