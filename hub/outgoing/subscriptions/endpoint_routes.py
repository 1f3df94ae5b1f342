"""Routes to a customer's endpoint: its own, and the shared ones to all endpoints of the tenant."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from hub.actions import Action, declare_actions
from hub.audit import ActorContext
from hub.connections.actions.declared_actions import WRITE_SCOPE
from hub.connections.models import Connection, Lane
from hub.mappings.models import FieldMapping
from hub.mappings.versions import save_mapping_version
from hub.outgoing.intake.publish import publish_for_route
from hub.outgoing.models import Delivery, Route
from hub.outgoing.routing import matches_event_type
from hub.problems import Refusal
from hub.queue import wake_up
from tenants.models import User

TEST_EVENT_TYPE = "hub.test"  # the type of a test event
ACTION_EVENT_TYPE = "action.requested"  # the type of the event of an action that is requested
REPORT_EVENT_TYPE = "report.finished"  # the type of the event that carries a report
# of routes that no published event matches
OWN_EVENT_TYPES = (TEST_EVENT_TYPE, ACTION_EVENT_TYPE, REPORT_EVENT_TYPE)
TEST_EVENT_DATA = {"message": "This is a test event. A person or a program of yours requested it."}


class AlreadySubscribed(Refusal):
    """Events of this pattern reach the endpoint by another route, so they would arrive twice."""

    field = "event_types"

    def __init__(self, pattern: str, route: Route) -> None:
        sentence = gettext(
            "%(pattern)s would be sent twice: “%(route)s” already sends %(type)s to all endpoints."
        )
        names = {"pattern": pattern, "route": route.name, "type": route.event_type}
        super().__init__(sentence % names)
        self.pattern, self.route = pattern, route


@dataclass(frozen=True, slots=True)
class EndpointRoutes:
    """The routes that lead to an endpoint."""

    own_routes: Sequence[Route]
    shared_routes: Sequence[Route]

    @property
    def patterns(self) -> list[str]:
        """The event types of its own routes."""
        return sorted({route.event_type for route in self.own_routes if route.enabled})

    @property
    def received_patterns(self) -> list[str]:
        """The event types of all its routes."""
        return sorted({*self.patterns, *(route.event_type for route in self.shared_routes)})

    @property
    def filter(self) -> str:
        return next((route.filter for route in self.own_routes if route.filter), "")


def load_endpoint_routes(connection: Connection) -> EndpointRoutes:
    condition = Q(connection=connection) | Q(
        connection=None, enabled=True, connector_key=connection.connector_key
    )
    routes = (
        Route.objects.of(connection.tenant)
        .filter(condition)
        .exclude(event_type__in=OWN_EVENT_TYPES)
        .order_by("event_type", "pk")
    )
    own_routes: list[Route] = []
    shared_routes: list[Route] = []
    for route in routes:
        (own_routes if route.connection_id else shared_routes).append(route)
    return EndpointRoutes(own_routes, shared_routes)


def is_overlapping(one: str, other: str) -> bool:
    return matches_event_type(one, other) or matches_event_type(other, one)


def drop_covered_patterns(patterns: Collection[str]) -> list[str]:
    """Return the patterns without those that another pattern covers."""
    distinct = sorted(set(patterns))
    return [
        pattern
        for pattern in distinct
        if not any(matches_event_type(other, pattern) for other in distinct if other != pattern)
    ]


@transaction.atomic
def subscribe_endpoint(
    connection: Connection,
    patterns: Collection[str],
    actor: ActorContext,
    *,
    filter: str = "",
    now: datetime,
) -> list[str]:
    """Set event types and filter of the endpoint's own routes, for events from now on; audit it.

    Return the event types, without those that another covers; existing deliveries are not changed.
    Raises AlreadySubscribed when events would reach the endpoint by another route too.
    """
    Connection.unscoped.select_for_update(no_key=True).get(pk=connection.pk)
    routes, kept_patterns = load_endpoint_routes(connection), drop_covered_patterns(patterns)
    before = {"types": routes.patterns, "filter": routes.filter}
    for pattern in kept_patterns:
        for route in routes.shared_routes:
            if is_overlapping(pattern, route.event_type):
                raise AlreadySubscribed(pattern, route)
    for route in routes.own_routes:
        _update_route(route, enabled=route.event_type in kept_patterns, filter=filter, now=now)
    new_patterns = set(kept_patterns) - {route.event_type for route in routes.own_routes}
    if new_patterns:
        mapping = _find_or_create_mapping(connection, user=actor.user, now=now)
        for pattern in sorted(new_patterns):
            create_route(
                connection,
                mapping,
                f"{pattern} to {connection.name}"[:200],
                pattern,
                filter,
                now=now,
            )
    after = {"types": kept_patterns, "filter": filter}
    actor.audit("endpoint.events", connection, before=before, after=after, now=now)
    wake_up("drain", now=now)
    return kept_patterns


def _update_route(route: Route, *, enabled: bool, filter: str, now: datetime) -> None:
    if (route.enabled, route.filter) != (enabled, filter):
        route.enabled, route.filter, route.changed_at = enabled, filter, now
        route.save(update_fields=["enabled", "filter", "changed_at"])


def _find_or_create_mapping(
    connection: Connection, *, user: User | None, now: datetime
) -> FieldMapping:
    """Return the mapping of the endpoint's own routes: empty, so the action's default applies."""
    existing_route = (
        Route.unscoped.filter(connection=connection)
        .select_related("mapping")
        .order_by("pk")
        .first()
    )
    if existing_route:
        return existing_route.mapping
    (action, *_) = connection.connector.actions
    mapping = FieldMapping.unscoped.create(
        tenant=connection.tenant,
        name=f"The whole event, to {connection.name}"[:200],
        connector_key=connection.connector_key,
        action=action.key,
        created_at=now,
    )
    save_mapping_version(mapping, {}, user=user, now=now)
    return mapping


def create_route(
    connection: Connection,
    mapping: FieldMapping,
    name: str,
    pattern: str,
    filter: str,
    *,
    now: datetime,
) -> Route:
    return Route.unscoped.create(
        tenant=connection.tenant,
        name=name,
        event_type=pattern,
        filter=filter,
        connector_key=connection.connector_key,
        connection=connection,
        action=mapping.action,
        mapping=mapping,
        changed_at=now,
        created_at=now,
    )


@transaction.atomic
def send_test_event(connection: Connection, actor: ActorContext, *, now: datetime) -> Delivery:
    """Publish a test event, by the same path as other events, to this endpoint only; audit it."""
    Lane.lock(connection.pk)
    Connection.unscoped.select_for_update(no_key=True).get(pk=connection.pk)
    route = (
        Route.unscoped.filter(connection=connection, event_type=TEST_EVENT_TYPE)
        .order_by("pk")
        .first()
    )
    if route is None:
        mapping = _find_or_create_mapping(connection, user=actor.user, now=now)
        route = create_route(
            connection, mapping, f"Tests of {connection.name}"[:200], TEST_EVENT_TYPE, "", now=now
        )
    assert connection.tenant is not None  # endpoints are connections of tenants
    delivery = publish_for_route(
        route, connection.tenant, TEST_EVENT_TYPE, TEST_EVENT_DATA, source="portal", now=now
    )
    actor.audit("endpoint.test", connection, after={"delivery": delivery.public_id}, now=now)
    return delivery


ENDPOINT_ACTIONS = declare_actions(
    Action[Connection](
        name="test_event",
        label=_("Send a test event"),
        question=_(
            "A `hub.test` event is sent to this webhook endpoint only; its delivery can be read "
            "later."
        ),
        success=_("A test event is sent."),
        summary="Send a test event to an endpoint",
        run=send_test_event,
        is_available=lambda connection: (
            connection.is_tenant_endpoint and not connection.is_disconnected
        ),
        scope=WRITE_SCOPE,
        icon="send",
        tone="primary",
        creates=True,
    ),
)
