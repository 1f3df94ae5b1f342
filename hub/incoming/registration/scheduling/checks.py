"""Schedule the checks of endpoints, and create missing endpoints; steps of the sweep."""

from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, Q

from connectors.registry import CONNECTORS
from hub.connections.models import DISCONNECTED, Connection, ConnectorApp
from hub.incoming.endpoints.create import (
    get_or_create_app_endpoint,
    get_or_create_connection_endpoint,
)
from hub.incoming.models import InboundEndpoint, WebhookSubscription
from hub.incoming.registration.lease import REGISTRATION_LEASES, name_check, revoke_lease
from hub.incoming.registration.outcomes import record_manual
from hub.incoming.registration.wanted import plan_subscriptions
from hub.outgoing.models import Route
from hub.queue import pending_wake_ups, wake_up

ENDPOINTS_AT_ONCE = 20  # endpoints of one sweep
PENDING_FOR = timedelta(minutes=1)  # how long a requested check is expected to begin


def create_missing_endpoints(*, now: datetime) -> None:
    """Create the endpoints of connections and connector apps whose systems send webhooks."""
    sources = {
        key: connector.webhook_source
        for key, connector in CONNECTORS.items()
        if connector.webhook_source is not None
    }
    per_connection = [key for key, source in sources.items() if source.url_per == "connection"]
    connections = Connection.unscoped.filter(
        connector_key__in=per_connection, inbound_endpoint=None, tenant__isnull=False
    ).exclude(state="disabled", reason=DISCONNECTED)
    for connection in connections.select_related("tenant")[:ENDPOINTS_AT_ONCE]:
        endpoint = get_or_create_connection_endpoint(connection, now=now)
        request_check(endpoint, now=now)
    per_app = sources.keys() - set(per_connection)
    existing = InboundEndpoint.unscoped.filter(connection=None).values("connector_key")
    apps = ConnectorApp.objects.filter(connector_key__in=per_app)
    for app in apps.exclude(connector_key__in=existing):
        source = sources[app.connector_key]
        request_check(get_or_create_app_endpoint(app.connector_key, source, now=now), now=now)


def request_check(endpoint: InboundEndpoint, *, is_awaited: bool = False, now: datetime) -> None:
    """Make the check of an endpoint due now, from its beginning, and wake the task that runs it.

    `is_awaited`: a person waits for it, so its calls do not have low priority.
    """
    InboundEndpoint.unscoped.filter(pk=endpoint.pk).update(next_check_at=now, check_progress=None)
    wake_up(name_check(endpoint.pk, is_awaited=is_awaited), now=now)


def is_check_awaited(endpoint: InboundEndpoint, *, now: datetime) -> bool:
    """Return whether a check of the endpoint is running, or a person has requested one.

    Locks the endpoint in the caller's transaction, so that of two simultaneous requests the second
    sees the first.
    """
    rows = InboundEndpoint.unscoped.filter(pk=endpoint.pk)
    list(rows.select_for_update(no_key=True).values_list("pk", flat=True))
    if rows.exclude(REGISTRATION_LEASES.is_free(now=now)).exists():
        return True
    awaited_check = name_check(endpoint.pk, is_awaited=True)
    return bool(pending_wake_ups(awaited_check, since=now - PENDING_FOR))


def request_connection_check(connection: Connection, *, now: datetime) -> None:
    """Request the check of a connection's endpoint, in the transaction that connects an account.

    A URL that a person enters at the system exists at
    once.
    """
    endpoint = InboundEndpoint.unscoped.filter(connection=connection).first()
    subscriptions = connection.connector.subscriptions
    if subscriptions is not None and subscriptions.is_manual and _has_own_url(connection):
        endpoint = endpoint or get_or_create_connection_endpoint(connection, now=now)
        record_manual(plan_subscriptions(endpoint, now=now).values(), now=now)
    if endpoint is None:  # its app's, whose check plans the sources of all its connections
        endpoint = InboundEndpoint.unscoped.filter(
            connection=None, connector_key=connection.connector_key
        ).first()
    if endpoint is not None:
        request_check(endpoint, now=now)


def _has_own_url(connection: Connection) -> bool:
    source = connection.connector.webhook_source
    return source is not None and source.url_per == "connection" and connection.tenant is not None


def request_checks_of_origin(route: Route, *, now: datetime) -> None:
    """Request the checks of the endpoints whose events a deleted route took.

    Runs in the transaction that deletes it, as the sweep only finds routes that exist.
    """
    if not route.origin_connector_key:
        return
    endpoints = InboundEndpoint.unscoped.filter(
        connector_key=route.origin_connector_key, next_check_at__gt=now
    )
    if route.tenant_id:
        endpoints = endpoints.filter(Q(tenant=None) | Q(tenant=route.tenant_id))
    endpoints.update(next_check_at=now)


def forget_registrations(connection: Connection, *, now: datetime) -> None:
    """Delete the stored registrations of a connection's former account, as the account changes.

    The same id denotes another webhook at another
    account. A running check of the former account stores nothing more.
    """
    revoke_lease(InboundEndpoint.unscoped.filter(connection=connection))
    subscriptions = WebhookSubscription.unscoped.filter(endpoint__connection=connection)
    subscriptions.exclude(reason=WebhookSubscription.NO_REGISTRATION).update(
        external_id="",
        state="wanted",
        state_changed_at=now,
        verified_at=None,
        evidence={},
        failure_count=0,
    )


def wake_up_due_registrations(*, now: datetime) -> None:
    """Wake the due checks, and those of endpoints whose routes have changed."""
    routes = Route.unscoped.filter(
        origin_connector_key=OuterRef("connector_key"), changed_at__gt=OuterRef("planned_at")
    )
    own_routes = routes.filter(Q(tenant=None) | Q(tenant=OuterRef("tenant")))
    has_changed = Q(Exists(own_routes)) | Q(Exists(routes), tenant=None)
    changed = InboundEndpoint.unscoped.filter(has_changed, next_check_at__gt=now)
    for endpoint in changed[:ENDPOINTS_AT_ONCE]:
        request_check(endpoint, now=now)
    due = InboundEndpoint.unscoped.filter(
        REGISTRATION_LEASES.is_free(now=now), next_check_at__lte=now
    )
    for pk in due.order_by("next_check_at").values_list("pk", flat=True)[:ENDPOINTS_AT_ONCE]:
        wake_up(name_check(pk), now=now)
