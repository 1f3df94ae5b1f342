"""Isolation of tenants at the API: another tenant's key finds and changes nothing."""

import pytest

from hub.incoming.models import InboundItem
from tenants.api_scopes import SCOPES
from tenants.models import ApiKey
from tests.tenant_isolation.api.routes import (
    GUARDED,
    ORDER,
    ROUTES,
    address,
    ids,
    rows,
    tells_of,
    words_of,
)

pytestmark = pytest.mark.django_db
BY_ID = [  # recipes are the same for all tenants
    (route, method)
    for route in GUARDED
    if "<" in route and not route.startswith("recipes/")
    for method in ROUTES[route]
]


@pytest.fixture
def globex(make):
    return make.tenant("globex")


@pytest.mark.parametrize(("route", "method"), BY_ID)
def test_another_tenants_key_finds_nothing(api, acme, globex, assert_refused, route, method):
    platform_only = SCOPES[ROUTES[route][method]].platform_only
    assert_refused(api.of(globex), method, address(route, acme), {403 if platform_only else 404})


def test_another_tenants_key_does_not_find_an_event_by_the_senders_id(
    api, acme, globex, assert_refused
):
    for url in ("only-acmes-id", "only-acmes-id?tenant=acme-only", "only-acmes-id/explain"):
        assert_refused(api.of(globex), "GET", f"/api/v1/events/{url}", {404})


@pytest.mark.parametrize("route", ["events", "deliveries"])
def test_another_tenants_key_lists_nothing_however_it_filters(
    api, acme, globex, assert_refused, route
):
    client, url = api.of(globex), f"/api/v1/{route}"
    named = {name: id for name, id in ids(acme).items() if name in ("event", "route", "connection")}
    filters = (
        [f"{name}={id}" for name, id in named.items()]
        if route == "deliveries"
        else ["type=order.created"]
    )
    for query in ("", "limit=200", "state=delivered", *filters):
        assert_refused(client, "GET", f"{url}?{query}", {200})
    assert_refused(client, "GET", f"{url}?tenant=acme-only", {404})


def test_another_tenants_key_replays_nothing_that_arrived(api, acme, globex, assert_refused):
    item = str(InboundItem.unscoped.get(tenant=acme).public_id)
    plan = {"filter": {"items": [item]}, "reason": "mine", "tenant": "acme-only"}
    assert_refused(api.of(globex), "POST", "/api/v1/inbound/replays", {404}, plan)
    del plan["tenant"]
    answer = api.of(globex).post("/api/v1/inbound/replays", plan, format="json")
    assert (answer.status_code, answer.json()["count"]) == (201, 0)


def test_another_tenants_key_lists_no_discrepancies(api, acme, globex, assert_refused):
    for query in ("", "?limit=200", "?verdict=differs", f"?job={acme.jobs.get().public_id}"):
        assert_refused(api.of(globex), "GET", f"/api/v1/discrepancies{query}", {200})
    assert_refused(api.of(globex), "GET", "/api/v1/discrepancies?tenant=acme-only", {404})


def test_another_tenants_key_repairs_no_discrepancy(api, acme, globex, assert_refused):
    id = str(acme.discrepancies.get().public_id)
    plan = {"filter": {"discrepancies": [id]}, "reason": "mine", "tenant": "acme-only"}
    assert_refused(api.of(globex), "POST", "/api/v1/discrepancies/repairs", {404}, plan)
    del plan["tenant"]
    answer = api.of(globex).post("/api/v1/discrepancies/repairs", plan, format="json")
    assert (answer.status_code, answer.json()["count"]) == (201, 0)


@pytest.mark.parametrize("route", ["jobs", "runs"])
def test_another_tenants_key_lists_no_scheduled_work(api, acme, globex, assert_refused, route):
    job = acme.jobs.get().public_id
    for query in ("", "?limit=200", f"?job={job}" if route == "runs" else "?kind=reconcile"):
        assert_refused(api.of(globex), "GET", f"/api/v1/{route}{query}", {200})
    assert_refused(api.of(globex), "GET", f"/api/v1/{route}?tenant=acme-only", {404})


def test_another_tenants_key_creates_no_job_and_uses_no_connection(
    api, acme, globex, assert_refused
):
    job = {"kind": "report", "name": "mine", "connector": "webhook", "cron": "0 9 * * *"}
    url = "/api/v1/jobs"
    assert_refused(api.of(globex), "POST", url, {404}, job | {"tenant": "acme-only"})
    assert_refused(api.of(globex), "POST", url, {403}, job | {"tenant": None})
    connection = str(ids(acme)["connection"])
    assert_refused(api.of(globex), "POST", url, {400, 422}, job | {"connection": connection})


@pytest.mark.parametrize("route", ["inbound", "webhook-subscriptions"])
def test_another_tenants_key_lists_nothing_that_arrived(api, acme, globex, assert_refused, route):
    client, connection = api.of(globex), ids(acme)["connection"]
    for query in ("", "?limit=200", f"?connection={connection}", "?connector=webhook"):
        assert_refused(client, "GET", f"/api/v1/{route}{query}", {200})
    assert_refused(client, "GET", f"/api/v1/{route}?tenant=acme-only", {404})


@pytest.mark.parametrize("route", ["members", "invitations"])
def test_another_tenants_key_neither_sees_who_belongs_nor_invites(
    api, acme, globex, assert_refused, route
):
    assert_refused(api.of(globex), "GET", f"/api/v1/{route}", {200})
    assert_refused(api.of(globex), "GET", f"/api/v1/{route}?tenant=acme-only", {404})
    data = {"email": "me@evil.test", "role": "owner", "tenant": "acme-only"}
    assert_refused(api.of(globex), "POST", "/api/v1/invitations", {404}, data)


def test_another_tenants_key_neither_sees_a_connection_nor_connects(
    api, acme, globex, assert_refused
):
    client = api.of(globex)
    for query in ("", "?limit=200", "?state=healthy", "?connector=webhook"):
        assert_refused(client, "GET", f"/api/v1/connections{query}", {200})
    assert_refused(client, "GET", "/api/v1/connections?tenant=acme-only", {404})
    filled_in = {
        "tenant": "acme-only",
        "connector": "webhook",
        "settings": {"url": "https://evil.test/"},
    }
    assert_refused(client, "POST", "/api/v1/connections", {404}, filled_in)


ROUTE = {"name": "x", "event_type": "*", "connector": "webhook", "action": "send"}
MAPPING = {"name": "x", "connector": "webhook", "action": "send", "body": {}}


@pytest.mark.parametrize(("route", "body"), [("routes", ROUTE), ("mappings", MAPPING)])
def test_another_tenants_key_neither_sees_nor_makes_routes_and_mappings(
    api, acme, globex, assert_refused, route, body
):
    client, url = api.of(globex), f"/api/v1/{route}"
    for query in ("", "?limit=200", "?connector=webhook"):
        assert_refused(client, "GET", f"{url}{query}", {200})
    assert_refused(client, "GET", f"{url}?tenant=acme-only", {404})
    assert_refused(client, "POST", url, {404}, body | {"tenant": "acme-only"})
    assert_refused(client, "POST", url, {403}, body | {"tenant": None})


def test_another_tenants_key_makes_no_route_with_what_is_not_its_own(
    api, acme, globex, assert_refused
):
    client = api.of(globex)
    for name in ("connection", "origin", "mapping"):
        row = acme.mappings.get() if name == "mapping" else acme.connections.get()
        body = ROUTE | {name: str(row.public_id)}
        assert_refused(client, "POST", "/api/v1/routes", {400}, body)


def test_another_tenants_event_is_not_tried(make, api, acme, globex, assert_refused):
    route, event = make.route(tenant=globex), ids(acme)["event"]
    for url in (f"routes/{route.public_id}", f"mappings/{route.mapping.public_id}"):
        body = {"event": str(event)}
        assert_refused(api.of(globex), "POST", f"/api/v1/{url}/try", {400}, body)


def test_another_tenants_key_makes_no_links(api, acme, globex, assert_refused):
    for url in ("/api/v1/connect-links", "/api/v1/connect-links?tenant=acme-only"):
        assert_refused(api.of(globex), "GET", url, {200, 404})
    connection = str(acme.connections.get().public_id)
    asked = (
        {"connector": "webhook", "tenant": "acme-only"},
        {"connector": "webhook", "connection": connection},
    )
    for body in asked:
        assert_refused(api.of(globex), "POST", "/api/v1/connect-links", {404}, body)
    asked = {"user": "u-7", "role": "admin", "tenant": "acme-only"}
    assert_refused(api.of(globex), "POST", "/api/v1/portal-links", {404}, asked)


def test_another_tenants_cursor_leads_to_nothing(make, api, acme, globex, assert_refused):
    make.event(acme)
    page = api.of(acme).get("/api/v1/events?limit=1").json()["next"]
    assert_refused(api.of(globex), "GET", page.removeprefix("https://hub.test"), {200})


def test_an_event_is_not_published_in_another_tenants_name(api, acme, globex, assert_refused):
    for body in (ORDER | {"tenant": "acme-only"}, [ORDER, ORDER | {"tenant": "acme-only"}]):
        assert_refused(api.of(globex), "POST", "/api/v1/events", {404}, body)


def test_another_tenants_key_neither_sends_lines_nor_reads_a_position(
    api, acme, globex, assert_refused
):
    client = api.of(globex)
    assert_refused(client, "GET", "/api/v1/logs?tenant=acme-only", {404})
    lines = b'{"a": 1}\n{"a": 2, "tenant": "acme-only"}'
    before = rows()
    for url, body in (("/api/v1/logs", lines), ("/api/v1/logs?tenant=acme-only", b'{"a": 1}')):
        answer = client.post(
            url, body, content_type="application/x-ndjson", HTTP_IDEMPOTENCY_KEY="key"
        )
        assert (answer.status_code, tells_of(answer, words_of(acme))) == (404, [])
    assert rows() == before


def test_another_tenants_key_switches_nothing_off_but_its_own(api, acme, globex, assert_refused):
    client, url = api.of(globex), "/api/v1/switches"
    assert_refused(client, "GET", url, {200})
    assert_refused(
        client, "POST", url, {404}, {"scope": "tenant", "tenant": "acme-only", "reason": "x"}
    )
    assert_refused(
        client,
        "POST",
        url,
        {400},
        {"scope": "route", "route": str(ids(acme)["route"]), "reason": "x"},
    )
    assert_refused(client, "POST", url, {403}, {"scope": "platform", "reason": "x"})
    assert_refused(
        client, "POST", url, {403}, {"scope": "connector", "connector": "webhook", "reason": "x"}
    )


def test_scopes_smuggled_into_a_tenants_key_open_nothing(make, api, acme, globex, assert_refused):
    text = make.api_key(globex)
    ApiKey.unscoped.update(scopes=list(SCOPES))
    assert_refused(api(text), "PUT", "/api/v1/tenants/acme-only", {403})
    assert_refused(api(text), "PUT", "/api/v1/tenants/globex", {403})
    assert_refused(api(text), "GET", "/metrics", {403})
