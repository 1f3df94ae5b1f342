"""The wall, around every address of the API: a route without a line in the table fails."""

import json

import pytest
from django.apps import apps
from django.urls import URLPattern, get_resolver

from hub.audit import ActorContext
from hub.connections.actions.kill_switches import switch_off
from hub.connections.models import KillSwitch
from hub.drift.models import DriftFinding
from hub.incoming.models import InboundItem, WebhookSubscription
from hub.limits.models import LimitUsage
from hub.outgoing.models import Event
from tenants.api_scopes import SCOPES
from tenants.models import ApiKey
from tests.factories import NOON
from tests.fakes import FakeHttp
from tests.hub.outgoing.operating import planned
from tests.hub.outgoing.pump.test_loop import pump

pytestmark = pytest.mark.django_db

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
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
BY_ID = [  # recipes are the same for all tenants
    (route, method)
    for route in GUARDED
    if "<" in route and not route.startswith("recipes/")
    for method in ROUTES[route]
]
BODIES = {"POST": ORDER, "PUT": {"name": "Mine"}, "PATCH": {"role": "member"}}


def patterns(resolver, prefix=""):
    for entry in resolver.url_patterns:
        route = prefix + str(entry.pattern)
        if isinstance(entry, URLPattern):
            yield route
        else:
            yield from patterns(entry, route)


@pytest.fixture
def acme(make):
    """Everything that a tenant can have, with a name that is seen nowhere else."""
    tenant = make.tenant("acme-only", name="Acme only")
    connection = make.connection(tenant, name="only Acme's connection")
    make.route(connection, name="only Acme's route")
    make.identity(connection, "user", "only-ours", "only-theirs")
    make.event(tenant, id="only-acmes-id")
    pump(FakeHttp())
    switch_off(
        KillSwitch(scope="tenant", tenant=tenant, reason="only Acme's reason"),
        ActorContext.system(),
        now=NOON,
    )
    planned("send_again", tenant)
    make.membership(tenant, make.user("ann@only-acme.test"), "owner")
    make.invitation(tenant, "bob@only-acme.test")
    make.connect_link(tenant)
    make.portal_link(tenant)
    make.inbound_item(connection, record="only-acmes-record")
    make.webhook_subscription(connection)
    make.drift_finding(connection, object_label="only Acme's object")
    discrepancy = make.discrepancy(connection, record_key="only-acmes-order")
    make.finished_run(discrepancy.job)
    make.integration(tenant, answers={"channel": "only-acmes-channel"})
    return tenant


@pytest.fixture
def globex(make):
    return make.tenant("globex")


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
    """All that is stored; that a key was used, and how much, may be noted."""
    ours = [model for model in apps.get_models() if model.__module__.startswith(("hub", "tenants"))]
    ours.remove(LimitUsage)
    return {
        model: [plain(row) for row in model._base_manager.order_by("pk").values()] for model in ours
    }


def plain(row):
    return {
        name: getattr(value, "fingerprint", value)
        for name, value in row.items()
        if name != "last_used_at"
    }


def tells_of(response, tenant):
    told = response.content.decode() + str(response.headers)
    secrets = [*map(str, ids(tenant).values()), "only", "A-1001", "ann@acme.test"]
    return [secret for secret in secrets if secret in told.replace(response.wsgi_request.path, "")]


@pytest.fixture
def refused(acme):
    """The answer is one of these, tells nothing of the tenant, and nothing was changed."""

    def refused(client, method, url, statuses, body=None):
        before = rows()
        response = client.generic(
            method, url, json.dumps(body or BODIES.get(method)), "application/json"
        )
        assert response.status_code in statuses, (method, url, response.status_code)
        assert tells_of(response, acme) == []
        assert rows() == before

    return refused


def test_every_route_has_a_line():
    routes = {
        route.removeprefix("api/v1/")
        for route in patterns(get_resolver())
        if route.startswith("api/v1/")
    }
    assert routes == set(ROUTES)


@pytest.mark.parametrize("route", GUARDED)
def test_without_a_key_nothing_is_told(client, api, acme, refused, route):
    for method in METHODS:
        refused(client, method, address(route, acme), {401})
        refused(api("hub_test_00000000_wrong"), method, address(route, acme), {401})


@pytest.mark.parametrize("route", GUARDED)
def test_a_method_that_is_not_in_the_table_is_refused_to_the_most_powerful_key(
    api, acme, refused, route
):
    client = api.platform()
    for method in set(METHODS) - set(ROUTES[route]) - {"HEAD"}:
        refused(client, method, address(route, acme), {405})


@pytest.mark.parametrize(
    ("route", "method", "scope"),
    [
        (route, method, scope)
        for route in GUARDED
        for method, scope in ROUTES[route].items()
        if scope != ANY_KEY
    ],
)
def test_a_key_without_the_scope_is_refused_even_at_home(api, acme, refused, route, method, scope):
    others = [name for name in SCOPES if name != scope]
    refused(api.platform(scopes=others), method, address(route, acme), {403})
    theirs = [name for name in others if not SCOPES[name].platform_only]
    refused(api.of(acme, scopes=theirs), method, address(route, acme), {403})


@pytest.mark.parametrize(("route", "method"), BY_ID)
def test_another_tenants_key_finds_nothing(api, acme, globex, refused, route, method):
    platform_only = SCOPES[ROUTES[route][method]].platform_only
    refused(api.of(globex), method, address(route, acme), {403 if platform_only else 404})


def test_another_tenants_key_does_not_find_an_event_by_the_senders_id(api, acme, globex, refused):
    for url in ("only-acmes-id", "only-acmes-id?tenant=acme-only", "only-acmes-id/explain"):
        refused(api.of(globex), "GET", f"/api/v1/events/{url}", {404})


@pytest.mark.parametrize("route", ["events", "deliveries"])
def test_another_tenants_key_lists_nothing_however_it_filters(api, acme, globex, refused, route):
    client, url = api.of(globex), f"/api/v1/{route}"
    named = {name: id for name, id in ids(acme).items() if name in ("event", "route", "connection")}
    filters = (
        [f"{name}={id}" for name, id in named.items()]
        if route == "deliveries"
        else ["type=order.created"]
    )
    for query in ("", "limit=200", "state=delivered", *filters):
        refused(client, "GET", f"{url}?{query}", {200})
    refused(client, "GET", f"{url}?tenant=acme-only", {404})


def test_another_tenants_key_replays_nothing_that_arrived(api, acme, globex, refused):
    item = str(InboundItem.unscoped.get(tenant=acme).public_id)
    plan = {"filter": {"items": [item]}, "reason": "mine", "tenant": "acme-only"}
    refused(api.of(globex), "POST", "/api/v1/inbound/replays", {404}, plan)
    del plan["tenant"]
    answer = api.of(globex).post("/api/v1/inbound/replays", plan, format="json")
    assert (answer.status_code, answer.json()["count"]) == (201, 0)


def test_another_tenants_key_lists_no_discrepancies(api, acme, globex, refused):
    for query in ("", "?limit=200", "?verdict=differs", f"?job={acme.jobs.get().public_id}"):
        refused(api.of(globex), "GET", f"/api/v1/discrepancies{query}", {200})
    refused(api.of(globex), "GET", "/api/v1/discrepancies?tenant=acme-only", {404})


def test_another_tenants_key_repairs_no_discrepancy(api, acme, globex, refused):
    id = str(acme.discrepancies.get().public_id)
    plan = {"filter": {"discrepancies": [id]}, "reason": "mine", "tenant": "acme-only"}
    refused(api.of(globex), "POST", "/api/v1/discrepancies/repairs", {404}, plan)
    del plan["tenant"]
    answer = api.of(globex).post("/api/v1/discrepancies/repairs", plan, format="json")
    assert (answer.status_code, answer.json()["count"]) == (201, 0)


@pytest.mark.parametrize("route", ["jobs", "runs"])
def test_another_tenants_key_lists_no_scheduled_work(api, acme, globex, refused, route):
    job = acme.jobs.get().public_id
    for query in ("", "?limit=200", f"?job={job}" if route == "runs" else "?kind=reconcile"):
        refused(api.of(globex), "GET", f"/api/v1/{route}{query}", {200})
    refused(api.of(globex), "GET", f"/api/v1/{route}?tenant=acme-only", {404})


def test_another_tenants_key_creates_no_job_and_uses_no_connection(api, acme, globex, refused):
    job = {"kind": "report", "name": "mine", "connector": "webhook", "cron": "0 9 * * *"}
    url = "/api/v1/jobs"
    refused(api.of(globex), "POST", url, {404}, job | {"tenant": "acme-only"})
    refused(api.of(globex), "POST", url, {403}, job | {"tenant": None})
    connection = str(ids(acme)["connection"])
    refused(api.of(globex), "POST", url, {400, 422}, job | {"connection": connection})


@pytest.mark.parametrize("route", ["inbound", "webhook-subscriptions"])
def test_another_tenants_key_lists_nothing_that_arrived(api, acme, globex, refused, route):
    client, connection = api.of(globex), ids(acme)["connection"]
    for query in ("", "?limit=200", f"?connection={connection}", "?connector=webhook"):
        refused(client, "GET", f"/api/v1/{route}{query}", {200})
    refused(client, "GET", f"/api/v1/{route}?tenant=acme-only", {404})


@pytest.mark.parametrize("route", ["members", "invitations"])
def test_another_tenants_key_neither_sees_who_belongs_nor_invites(
    api, acme, globex, refused, route
):
    refused(api.of(globex), "GET", f"/api/v1/{route}", {200})
    refused(api.of(globex), "GET", f"/api/v1/{route}?tenant=acme-only", {404})
    asked = {"email": "me@evil.test", "role": "owner", "tenant": "acme-only"}
    refused(api.of(globex), "POST", "/api/v1/invitations", {404}, asked)


def test_another_tenants_key_neither_sees_a_connection_nor_connects(api, acme, globex, refused):
    client = api.of(globex)
    for query in ("", "?limit=200", "?state=healthy", "?connector=webhook"):
        refused(client, "GET", f"/api/v1/connections{query}", {200})
    refused(client, "GET", "/api/v1/connections?tenant=acme-only", {404})
    filled_in = {
        "tenant": "acme-only",
        "connector": "webhook",
        "settings": {"url": "https://evil.test/"},
    }
    refused(client, "POST", "/api/v1/connections", {404}, filled_in)


ROUTE = {"name": "x", "event_type": "*", "connector": "webhook", "action": "send"}
MAPPING = {"name": "x", "connector": "webhook", "action": "send", "body": {}}


@pytest.mark.parametrize(("route", "body"), [("routes", ROUTE), ("mappings", MAPPING)])
def test_another_tenants_key_neither_sees_nor_makes_routes_and_mappings(
    api, acme, globex, refused, route, body
):
    client, url = api.of(globex), f"/api/v1/{route}"
    for query in ("", "?limit=200", "?connector=webhook"):
        refused(client, "GET", f"{url}{query}", {200})
    refused(client, "GET", f"{url}?tenant=acme-only", {404})
    refused(client, "POST", url, {404}, body | {"tenant": "acme-only"})
    refused(client, "POST", url, {403}, body | {"tenant": None})


def test_another_tenants_key_makes_no_route_with_what_is_not_its_own(api, acme, globex, refused):
    client = api.of(globex)
    for name in ("connection", "origin", "mapping"):
        row = acme.mappings.get() if name == "mapping" else acme.connections.get()
        body = ROUTE | {name: str(row.public_id)}
        refused(client, "POST", "/api/v1/routes", {400}, body)


def test_another_tenants_event_is_not_tried(make, api, acme, globex, refused):
    route, event = make.route(tenant=globex), ids(acme)["event"]
    for url in (f"routes/{route.public_id}", f"mappings/{route.mapping.public_id}"):
        body = {"event": str(event)}
        refused(api.of(globex), "POST", f"/api/v1/{url}/try", {400}, body)


def test_another_tenants_key_makes_no_links(api, acme, globex, refused):
    for url in ("/api/v1/connect-links", "/api/v1/connect-links?tenant=acme-only"):
        refused(api.of(globex), "GET", url, {200, 404})
    connection = str(acme.connections.get().public_id)
    asked = (
        {"connector": "webhook", "tenant": "acme-only"},
        {"connector": "webhook", "connection": connection},
    )
    for body in asked:
        refused(api.of(globex), "POST", "/api/v1/connect-links", {404}, body)
    asked = {"user": "u-7", "role": "admin", "tenant": "acme-only"}
    refused(api.of(globex), "POST", "/api/v1/portal-links", {404}, asked)


def test_another_tenants_cursor_leads_to_nothing(make, api, acme, globex, refused):
    make.event(acme)
    page = api.of(acme).get("/api/v1/events?limit=1").json()["next"]
    refused(api.of(globex), "GET", page.removeprefix("https://hub.test"), {200})


def test_an_event_is_not_told_in_another_tenants_name(api, acme, globex, refused):
    for body in (ORDER | {"tenant": "acme-only"}, [ORDER, ORDER | {"tenant": "acme-only"}]):
        refused(api.of(globex), "POST", "/api/v1/events", {404}, body)


def test_another_tenants_key_neither_sends_lines_nor_reads_a_position(api, acme, globex, refused):
    client = api.of(globex)
    refused(client, "GET", "/api/v1/logs?tenant=acme-only", {404})
    lines = b'{"a": 1}\n{"a": 2, "tenant": "acme-only"}'
    before = rows()
    for url, body in (("/api/v1/logs", lines), ("/api/v1/logs?tenant=acme-only", b'{"a": 1}')):
        answer = client.post(
            url, body, content_type="application/x-ndjson", HTTP_IDEMPOTENCY_KEY="key"
        )
        assert (answer.status_code, tells_of(answer, acme)) == (404, [])
    assert rows() == before


def test_another_tenants_key_switches_nothing_off_but_its_own(api, acme, globex, refused):
    client, url = api.of(globex), "/api/v1/switches"
    refused(client, "GET", url, {200})
    refused(client, "POST", url, {404}, {"scope": "tenant", "tenant": "acme-only", "reason": "x"})
    refused(
        client,
        "POST",
        url,
        {400},
        {"scope": "route", "route": str(ids(acme)["route"]), "reason": "x"},
    )
    refused(client, "POST", url, {403}, {"scope": "platform", "reason": "x"})
    refused(
        client, "POST", url, {403}, {"scope": "connector", "connector": "webhook", "reason": "x"}
    )


def test_scopes_smuggled_into_a_tenants_key_open_nothing(make, api, acme, globex, refused):
    text = make.api_key(globex)
    ApiKey.unscoped.update(scopes=list(SCOPES))
    refused(api(text), "PUT", "/api/v1/tenants/acme-only", {403})
    refused(api(text), "PUT", "/api/v1/tenants/globex", {403})
    refused(api(text), "GET", "/metrics", {403})
