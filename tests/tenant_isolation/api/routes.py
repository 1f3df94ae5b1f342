"""Every address of the API with the scopes that open it, and the ids of one tenant's rows."""

from django.apps import apps
from django.db import connection
from django.urls import URLPattern

from hub.drift.models import DriftFinding
from hub.incoming.models import InboundGap, InboundItem, InboundSource, WebhookSubscription
from hub.limits.models import LimitUsage
from hub.outgoing.models import Event
from tests.emptied_tables import find_filled_tables

ANY_KEY, OPEN = "any key", "open to everybody"
ORDER = {"type": "order.created", "data": {}}

# Each route below /api/v1/, the methods that it takes, and the scope that each needs.
ROUTES = {
    "openapi.json": OPEN,
    "me": {"GET": ANY_KEY},
    "tenants/<str:reference>": {"GET": "tenants:read", "PUT": "tenants:write"},
    "members": {"GET": "members:read"},
    "members/<uuid:id>": {
        "GET": "members:read",
        "PATCH": "members:write",
        "DELETE": "members:write",
    },
    "invitations": {"GET": "members:read", "POST": "members:write"},
    "invitations/<uuid:id>": {"GET": "members:read", "DELETE": "members:write"},
    "invitations/<uuid:id>/send-again": {"POST": "members:write"},
    "connectors": {"GET": "connections:read"},
    "upcoming": {"GET": "connections:read"},
    "connections": {"GET": "connections:read", "POST": "connections:write"},
    "connections/<uuid:id>": {"GET": "connections:read", "PATCH": "connections:write"},
    "connections/<uuid:id>/test": {"POST": "connections:write"},
    "connections/<uuid:id>/pause": {"POST": "connections:write"},
    "connections/<uuid:id>/resume": {"POST": "connections:write"},
    "connections/<uuid:id>/disable": {"POST": "connections:write"},
    "connections/<uuid:id>/renew": {"POST": "connections:write"},
    "connections/<uuid:id>/rotate-signing-secret": {"POST": "connections:write"},
    "connections/<uuid:id>/end-signing-overlap": {"POST": "connections:write"},
    "connections/<uuid:id>/test-event": {"POST": "connections:write"},
    "connections/<uuid:id>/subscription": {"GET": "connections:read", "PUT": "connections:write"},
    "connections/<uuid:id>/disconnect": {"POST": "connections:write"},
    "connections/<uuid:id>/undo-disconnect": {"POST": "connections:write"},
    "connections/<uuid:id>/revoke-now": {"POST": "connections:write"},
    "connections/<uuid:id>/identities": {
        "GET": "connections:read",
        "PUT": "connections:write",
        "DELETE": "connections:write",
    },
    "connections/<uuid:id>/identities/suggest": {
        "GET": "connections:read",
        "POST": "connections:write",
    },
    "connections/<uuid:id>/identities/review": {"POST": "connections:write"},
    "connections/<uuid:id>/directory": {"GET": "connections:read", "POST": "connections:write"},
    "tenants/<str:reference>/users": {"PUT": "connections:write"},
    "tenants/<str:reference>/users/directory": {
        "GET": "connections:read",
        "POST": "connections:write",
    },
    "connections/<uuid:id>/identity-fallbacks": {
        "GET": "connections:read",
        "PUT": "connections:write",
        "DELETE": "connections:write",
    },
    "connections/<uuid:id>/reconnect-link": {"POST": "connections:write"},
    "connections/<uuid:id>/actions/<slug:action>": {"POST": "deliveries:write"},
    "portal-links": {"GET": "portal-links:read", "POST": "portal-links:write"},
    "portal-links/<uuid:id>": {"GET": "portal-links:read", "DELETE": "portal-links:write"},
    "connect-links": {"GET": "connect-links:read", "POST": "connect-links:write"},
    "connect-links/<uuid:id>": {"GET": "connect-links:read", "DELETE": "connect-links:write"},
    "events": {"GET": "events:read", "POST": "events:write"},
    "events/<path:id>": {"GET": "events:read"},
    "events/<path:id>/explain": {"GET": "events:read"},
    "logs": {"GET": "logs:read", "POST": "logs:write"},
    "deliveries": {"GET": "deliveries:read"},
    "deliveries/<uuid:id>": {"GET": "deliveries:read"},
    "deliveries/<uuid:id>/explain": {"GET": "deliveries:read"},
    "deliveries/<uuid:id>/retry": {"POST": "deliveries:write"},
    "deliveries/<uuid:id>/cancel": {"POST": "deliveries:write"},
    "deliveries/<uuid:id>/send-again": {"POST": "deliveries:write"},
    "deliveries/<uuid:id>/skip": {"POST": "deliveries:write"},
    "inbound": {"GET": "inbound:read"},
    "inbound/<uuid:id>": {"GET": "inbound:read"},
    "inbound/replays": {"POST": "inbound:write"},
    "inbound/<uuid:id>/replay": {"POST": "inbound:write"},
    "webhook-subscriptions": {"GET": "webhook-subscriptions:read"},
    "webhook-subscriptions/<uuid:id>": {"GET": "webhook-subscriptions:read"},
    "sources": {"GET": "webhook-subscriptions:read"},
    "sources/<uuid:id>": {"GET": "webhook-subscriptions:read"},
    "gaps": {"GET": "webhook-subscriptions:read"},
    "gaps/<uuid:id>": {"GET": "webhook-subscriptions:read"},
    "sources/<uuid:id>/read-missed": {"POST": "webhook-subscriptions:write"},
    "gaps/<uuid:id>/start": {"POST": "webhook-subscriptions:write"},
    "gaps/<uuid:id>/cancel": {"POST": "webhook-subscriptions:write"},
    "webhook-subscriptions/<uuid:id>/canary-on": {"POST": "webhook-subscriptions:write"},
    "webhook-subscriptions/<uuid:id>/canary-off": {"POST": "webhook-subscriptions:write"},
    "webhook-subscriptions/<uuid:id>/allow-sources": {"POST": "webhook-subscriptions:write"},
    "webhook-subscriptions/<uuid:id>/check": {"POST": "webhook-subscriptions:write"},
    "webhook-subscriptions/<uuid:id>/repair": {"POST": "webhook-subscriptions:write"},
    "webhook-subscriptions/<uuid:id>/rotate": {"POST": "webhook-subscriptions:write"},
    "connections/<uuid:id>/schema": {"GET": "connections:read"},
    "connections/<uuid:id>/schema/refresh": {"POST": "connections:write"},
    "connections/<uuid:id>/schema/check": {"POST": "connections:write"},
    "connections/<uuid:id>/schema/objects/<str:object>": {"GET": "connections:read"},
    "drift": {"GET": "connections:read"},
    "drift/<uuid:id>": {"GET": "connections:read"},
    "discrepancies": {"GET": "discrepancies:read"},
    "discrepancies/<uuid:id>": {"GET": "discrepancies:read"},
    "discrepancies/<uuid:id>/repair": {"POST": "discrepancies:write"},
    "discrepancies/<uuid:id>/ignore": {"POST": "discrepancies:write"},
    "discrepancies/<uuid:id>/stop-ignoring": {"POST": "discrepancies:write"},
    "discrepancies/repairs": {"POST": "discrepancies:write"},
    "jobs": {"GET": "jobs:read", "POST": "jobs:write"},
    "jobs/<uuid:id>": {"GET": "jobs:read", "PATCH": "jobs:write", "DELETE": "jobs:write"},
    "jobs/<uuid:id>/slots": {"GET": "jobs:read"},
    "jobs/<uuid:id>/runs": {"POST": "jobs:write"},
    "night": {"GET": "night:read"},
    "runs": {"GET": "jobs:read"},
    "runs/<uuid:id>": {"GET": "jobs:read"},
    "runs/<uuid:id>/cancel": {"POST": "jobs:write"},
    "runs/<uuid:id>/resume": {"POST": "jobs:write"},
    "runs/<uuid:id>/log": {"GET": "jobs:read"},
    "runs/<uuid:id>/certificate": {"GET": "discrepancies:read"},
    "recipes": {"GET": "integrations:read"},
    "recipes/<slug:key>": {"GET": "integrations:read"},
    "recipes/<slug:key>/rehearsals": {"POST": "integrations:write"},
    "integrations": {"GET": "integrations:read", "POST": "integrations:write"},
    "integrations/<uuid:id>": {
        "GET": "integrations:read",
        "PATCH": "integrations:write",
        "DELETE": "integrations:write",
    },
    "integrations/<uuid:id>/pause": {"POST": "integrations:write"},
    "integrations/<uuid:id>/resume": {"POST": "integrations:write"},
    "integrations/<uuid:id>/upgrade": {"GET": "integrations:read", "POST": "integrations:write"},
    "integrations/<uuid:id>/activity": {"GET": "integrations:read"},
    "routes": {"GET": "routes:read", "POST": "routes:write"},
    "routes/<uuid:id>": {"GET": "routes:read", "PATCH": "routes:write", "DELETE": "routes:write"},
    "routes/<uuid:id>/try": {"POST": "routes:write"},
    "routes/<uuid:id>/enable": {"POST": "routes:write"},
    "routes/<uuid:id>/disable": {"POST": "routes:write"},
    "mappings": {"GET": "mappings:read", "POST": "mappings:write"},
    "mappings/<uuid:id>": {
        "GET": "mappings:read",
        "PATCH": "mappings:write",
        "DELETE": "mappings:write",
    },
    "mappings/<uuid:id>/try": {"POST": "mappings:write"},
    "mappings/<uuid:id>/restore": {"POST": "mappings:write"},
    "mappings/<uuid:id>/versions": {"GET": "mappings:read"},
    "switches": {"GET": "switches:read", "POST": "switches:write"},
    "switches/<str:name>": {"GET": "switches:read", "DELETE": "switches:write"},
    "operations": {"GET": "deliveries:read", "POST": "deliveries:write"},
    "operations/<uuid:id>": {"GET": "deliveries:read"},
    "operations/<uuid:id>/confirm": {"POST": "deliveries:write"},
    "operations/<uuid:id>/cancel": {"POST": "deliveries:write"},
}
GUARDED = [route for route, methods in ROUTES.items() if methods != OPEN]
BODIES = {"POST": ORDER, "PUT": {"name": "Mine"}, "PATCH": {"role": "member"}}


def patterns(resolver, prefix=""):
    for entry in resolver.url_patterns:
        route = prefix + str(entry.pattern)
        if isinstance(entry, URLPattern):
            yield route
        else:
            yield from patterns(entry, route)


def ids(tenant):
    event = Event.unscoped.filter(tenant=tenant).earliest("pk")
    delivery = event.deliveries.get()
    rows = {"event": event, "route": delivery.route, "connection": delivery.connection}
    rows |= by_room(tenant)
    return {name: row.public_id for name, row in rows.items()}


def by_room(tenant):
    """What an id stands for, by the first word of its address."""
    return {
        "operations": tenant.operations.get(),
        "connections": tenant.connections.get(),
        "members": tenant.memberships.get(),
        "routes": tenant.routes.get(),
        "mappings": tenant.mappings.get(),
        "invitations": tenant.invitations.get(),
        "connect-links": tenant.connect_links.get(),
        "portal-links": tenant.portal_links.get(),
        "inbound": InboundItem.unscoped.get(tenant=tenant),
        "webhook-subscriptions": WebhookSubscription.unscoped.get(tenant=tenant),
        "sources": InboundSource.unscoped.get(tenant=tenant),
        "gaps": InboundGap.unscoped.get(tenant=tenant),
        "discrepancies": tenant.discrepancies.get(),
        "drift": DriftFinding.unscoped.get(connection__tenant=tenant),
        "jobs": tenant.jobs.get(),
        "integrations": tenant.integrations.get(),
        "runs": tenant.runs.get(),
    }


def address(route, tenant):
    event = Event.unscoped.get(tenant=tenant)
    route = route.replace("<str:name>", f"tenant:{tenant.reference}")
    route = route.replace("<slug:action>", "send").replace("<slug:key>", "order_to_slack")
    route = route.replace("<str:object>", "Lead")
    path = route.replace("<str:reference>", tenant.reference).replace(
        "<path:id>", str(event.public_id)
    )
    row = by_room(tenant).get(route.partition("/")[0]) or event.deliveries.get()
    return "/api/v1/" + path.replace("<uuid:id>", str(row.public_id))


def rows():
    """Return all that is stored, by table; that a key was used, and how much, may be noted."""
    models = [m for m in apps.get_models() if m.__module__.startswith(("hub", "tenants"))]
    models.remove(LimitUsage)
    keys = {model._meta.db_table: model._meta.pk.column for model in models}
    return {name: rows_of(name, keys[name]) for name in find_filled_tables(keys)}


def rows_of(table, key):
    """Return rows as they are stored: the ORM would take most of the time of these tests."""
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT * FROM {table} ORDER BY "{key}"')
        columns = [column[0] for column in cursor.description]
        stored = [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]
    return [
        {name: value for name, value in row.items() if name != "last_used_at"} for row in stored
    ]


def words_of(tenant):
    """What another tenant must not see: the ids of the tenant's rows, and words of their names."""
    return [*map(str, ids(tenant).values()), "only", "A-1001", "ann@acme.test"]


def tells_of(response, words):
    told = response.content.decode() + str(response.headers)
    return [word for word in words if word in told.replace(response.wsgi_request.path, "")]
