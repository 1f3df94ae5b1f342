"""Routes and field mappings by REST: within the key's reach, checked, audited as by staff."""

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from hub.audit import find_audit_rows
from hub.mappings.models import FieldMapping
from hub.outgoing.models import Event, Route
from hub.outgoing.models.routes import Route as RouteModel

pytestmark = pytest.mark.django_db

ROUTE = {"name": "Orders", "event_type": "order.*", "connector": "webhook", "action": "send"}
MAPPING = {"name": "Orders", "connector": "slack", "action": "post_message"}
BODY = {"channel": "'C1'", "text": "data.number"}


def post(client, url, body=None):
    return client.post(f"/api/v1/{url}", body, format="json")


def patch(client, url, body):
    return client.patch(f"/api/v1/{url}", body, format="json")


def pointers(answer):
    assert answer.status_code == 400, answer.content
    return {error["pointer"] for error in answer.json()["errors"]}


def test_a_created_route_has_a_mapping_of_its_own_and_is_read_again(make, shop, acme):
    connection = make.connection(acme)
    body = {"number": "data.number"}
    created = post(shop, "routes", ROUTE | {"connection": str(connection.public_id), "body": body})
    assert created.status_code == 201, created.content
    route = Route.unscoped.get()
    assert (route.tenant, route.connection, route.enabled) == (acme, connection, True)
    assert (route.mapping.tenant, route.mapping.current.body) == (acme, body)
    assert shop.get(created["Location"].removeprefix("https://hub.test")).json() == created.json()
    assert [row.verb for row in find_audit_rows(route)] == ["route.create"]


def test_a_platform_key_names_the_tenant_or_says_null_for_all(api, acme):
    platform = api.platform()
    assert post(platform, "routes", ROUTE).json()["code"] == "tenant-required"
    assert post(platform, "routes", ROUTE | {"tenant": "acme"}).json()["tenant"] == "acme"
    assert post(platform, "routes", ROUTE | {"tenant": None}).json()["tenant"] is None


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"name": ""}, "/name"),
        ({"event_type": "Order!"}, "/event_type"),
        ({"filter": "data.total >"}, "/filter"),
        ({"order_key": "identity('user', data.x)"}, "/order_key"),
        ({"connector": "nope"}, "/connector"),
        ({"action": "nope"}, "/action"),
        ({"origin_connector": "webhook"}, "/origin_connector"),
        ({"body": {"a": {"b/c": "nope(1)"}}}, "/body/a/b~1c"),
        ({"connector": "slack", "action": "post_message"}, "/body"),
        ({"connection": "01a21100-0000-7000-8000-000000000001"}, "/connection"),
        ({"mapping": "01a21100-0000-7000-8000-000000000001"}, "/mapping"),
        ({"retry_schedule": [5, 0.1]}, "/retry_schedule/1"),
        ({"expires_after": 0}, "/expires_after"),
        ({"id": "x"}, "/id"),
    ],
    ids=str,
)
def test_a_mistake_is_named_by_its_pointer_and_nothing_is_stored(shop, changes, pointer):
    assert pointer in pointers(post(shop, "routes", ROUTE | changes))
    assert not Route.unscoped.exists() and not FieldMapping.unscoped.exists()


def test_references_must_fit_the_action_and_each_other(make, api, shop, acme):
    slack, other = make.connection(acme, "slack"), make.connection(make.tenant())
    mapping = make.mapping(acme, "slack", "post_message")
    wrong = {"connection": str(slack.public_id), "mapping": str(mapping.public_id)}
    assert pointers(post(shop, "routes", ROUTE | wrong)) == {"/connection", "/mapping"}
    foreign = ROUTE | {"tenant": "acme", "connection": str(other.public_id)}
    assert pointers(post(api.platform(), "routes", foreign)) == {"/connection"}


def test_a_route_takes_events_of_another_system(make, shop, acme):
    slack = make.connection(acme, "slack")
    origin = {"origin_connector": "slack", "origin": str(slack.public_id)}
    created = post(shop, "routes", ROUTE | {"event_type": "slack.*"} | origin).json()
    assert (created["origin_connector"], created["origin"]["name"]) == ("slack", slack.name)
    assert Route.unscoped.get().accepts_origin(slack)


def test_omitted_fields_stay_and_a_change_is_audited(make, shop, acme):
    route = make.route(make.connection(acme), filter="data.total > `5`")
    changed = patch(shop, f"routes/{route.public_id}", {"name": "New"})
    assert (changed.json()["name"], changed.json()["filter"]) == ("New", "data.total > `5`")
    (row,) = find_audit_rows(route)
    assert (row.verb, row.before, row.after) == (
        "route.change",
        {"name": "route"},
        {"name": "New"},
    )


def test_an_unchanged_route_is_not_audited(make, shop, acme):
    route = make.route(make.connection(acme))
    assert patch(shop, f"routes/{route.public_id}", {"name": "route"}).status_code == 200
    assert not find_audit_rows(route).exists()


def test_a_route_is_disabled_and_enabled(make, shop, acme):
    route = make.route(make.connection(acme))
    assert post(shop, f"routes/{route.public_id}/disable").json()["enabled"] is False
    assert not Route.unscoped.get().enabled
    assert post(shop, f"routes/{route.public_id}/enable").json()["enabled"] is True


def test_a_route_with_deliveries_is_not_deleted(make, shop, acme):
    sent, unused = make.delivery(make.connection(acme)).route, make.route(make.connection(acme))
    refusal = shop.delete(f"/api/v1/routes/{sent.public_id}")
    assert (refusal.status_code, refusal.json()["code"]) == (409, "wrong-state")
    assert shop.delete(f"/api/v1/routes/{unused.public_id}").status_code == 204
    assert list(Route.unscoped.all()) == [sent]


def test_a_tenants_key_reads_what_is_shared_and_changes_none_of_it(make, shop, acme):
    route = make.route(connector="webhook")
    make.mapping(acme)
    for kind, row in (("routes", route), ("mappings", route.mapping)):
        url = f"{kind}/{row.public_id}"
        assert shop.get(f"/api/v1/{url}").json()["tenant"] is None
        assert str(row.public_id) in shop.get(f"/api/v1/{kind}").content.decode()
        assert patch(shop, url, {"name": "mine"}).json()["code"] == "permission-denied"
        assert shop.delete(f"/api/v1/{url}").status_code == 403
    assert post(shop, f"routes/{route.public_id}/disable").status_code == 403
    mapping = str(route.mapping.public_id)
    assert post(shop, "routes", ROUTE | {"mapping": mapping}).status_code == 201
    changed = ROUTE | {"mapping": mapping, "body": {"a": "data.x"}}
    assert pointers(post(shop, "routes", changed)) == {"/body"}
    assert route.mapping.versions.count() == 1


def test_a_body_of_a_route_requires_the_scope_of_mappings(make, api, acme):
    client = api.of(acme, scopes=["routes:write"])
    assert post(client, "routes", ROUTE).status_code == 201
    refusal = post(client, "routes", ROUTE | {"body": {"a": "data.x"}}).json()
    assert (refusal["code"], "mappings:write" in refusal["detail"]) == ("scope-missing", True)


# --- tried ----------------------------------------------------------------------------------------


def test_a_route_is_tried_on_an_event_and_nothing_is_stored(make, shop, acme):
    route = make.route(make.connection(acme), filter="data.total > `1000`")
    event, deliveries = make.event(acme), Event.unscoped.get().deliveries.count()
    url, body = f"routes/{route.public_id}/try", {"event": str(event.public_id)}
    stored = post(shop, url, body).json()
    assert (stored["state"], stored["reason"]) == ("skipped", "filtered")
    overridden = post(shop, url, body | {"filter": "", "body": {"x": "data.number"}}).json()
    assert (overridden["state"], overridden["result"]) == ("waiting", {"x": "A-1001"})
    route.refresh_from_db()
    assert route.filter and route.mapping.versions.count() == 1
    assert Event.unscoped.get().deliveries.count() == deliveries


def test_a_mapping_is_tried_on_data_and_names_what_is_missing(make, shop, acme):
    connection = make.connection(acme, "slack")
    body = {"channel": "identity('channel', data.customer)", "text": "data.numbr"}
    mapping = make.mapping(acme, "slack", "post_message", body)
    url, data = f"mappings/{mapping.public_id}/try", {"data": {"customer": "Ann"}}
    document = post(shop, url, data).json()
    assert (document["reason"], document["missing_values"]) == (
        "identity_missing",
        [{"pointer": "/text", "path": "data.numbr"}],
    )
    assert document["missing_identities"] == [{"kind": "channel", "local_id": "Ann"}]
    make.identity(connection, "channel", "Ann", "C1")
    assert post(shop, url, data | {"body": BODY | {"channel": body["channel"]}}).json()[
        "result"
    ] == {"channel": "C1", "text": None}


def test_a_stored_event_is_tried_with_the_scope_to_read_it_only(make, api, acme):
    route, event = make.route(make.connection(acme)), make.event(acme)
    client = api.of(acme, scopes=["routes:write"])
    refusal = post(client, f"routes/{route.public_id}/try", {"event": str(event.public_id)})
    assert "events:read" in refusal.json()["detail"]


def test_an_event_that_the_route_does_not_match_is_not_tried(make, shop, acme):
    route = make.route(make.connection(acme), event_type="stock.*")
    body = {"event": str(make.event(acme).public_id)}
    assert pointers(post(shop, f"routes/{route.public_id}/try", body)) == {"/event"}
    assert pointers(post(shop, f"routes/{route.public_id}/try", {})) == {"/event"}


# --- field mappings -------------------------------------------------------------------------------


def test_a_mapping_is_created_changed_listed_by_version_and_deleted(shop):
    created = post(shop, "mappings", MAPPING | {"body": BODY})
    assert created.status_code == 201, created.content
    mapping = FieldMapping.unscoped.get()
    url = f"/api/v1/mappings/{mapping.public_id}"
    other = BODY | {"text": "data.total"}
    changed = shop.patch(url, {"name": "New", "body": other}, format="json").json()
    assert (changed["name"], changed["version"], changed["body"]) == ("New", 2, other)
    page = shop.get(f"{url}/versions?limit=1").json()
    assert [version["number"] for version in page["items"]] == [2]
    older = shop.get(page["next"].removeprefix("https://hub.test")).json()
    assert ([version["body"] for version in older["items"]], older["next"]) == ([BODY], None)
    verbs = [row.verb for row in find_audit_rows(mapping).order_by("pk")]
    assert verbs == [f"fieldmapping.{verb}" for verb in ("create", "revise", "revise", "rename")]
    assert shop.delete(url).status_code == 204
    assert not FieldMapping.unscoped.exists()


def test_an_older_version_of_a_mapping_is_restored(make, shop, acme):
    mapping = make.mapping(acme, body={"n": "data.number"})
    make.version(mapping, {"n": "data.total"})
    url = f"mappings/{mapping.public_id}/restore"
    restored = post(shop, url, {"version": 1}).json()
    assert (restored["version"], restored["body"]) == (3, {"n": "data.number"})
    assert post(shop, url, {"version": 3}).json()["version"] == 3
    assert pointers(post(shop, url, {"version": 9})) == {"/version"}
    shared = make.mapping(None)
    assert post(shop, f"mappings/{shared.public_id}/restore", {"version": 1}).status_code == 403
    assert [row.verb for row in find_audit_rows(mapping).order_by("pk")] == [
        "fieldmapping.revise",
        "fieldmapping.restore",
    ]


def test_a_mapping_that_a_route_uses_is_not_deleted(make, shop, acme):
    route = make.route(make.connection(acme))
    refusal = shop.delete(f"/api/v1/mappings/{route.mapping.public_id}")
    assert (refusal.status_code, refusal.json()["code"]) == (409, "wrong-state")
    assert RouteModel.unscoped.exists()


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"body": {}}, "/body"),
        ({"body": {"text": ["nope(1)"]}}, "/body/text/0"),
        ({"action": "nope"}, "/action"),
        ({"connector": "signed"}, "/connector"),
    ],
    ids=str,
)
def test_a_mistake_in_a_mapping_is_named_by_its_pointer(shop, changes, pointer):
    assert pointer in pointers(post(shop, "mappings", MAPPING | {"body": BODY} | changes))
    assert not FieldMapping.unscoped.exists()


@pytest.mark.parametrize("kind", ["routes", "mappings"])
def test_lists_page_by_keyset_with_a_fixed_number_of_queries(make, shop, acme, kind):
    def queries(url):
        with CaptureQueriesContext(database) as queries:
            assert shop.get(url).status_code == 200
        return len(queries)

    make.route(connection := make.connection(acme))
    queries(f"/api/v1/{kind}")  # the key's first requests note that it was used
    few = queries(f"/api/v1/{kind}")
    rows = [make.route(connection) for _ in range(5)]
    assert queries(f"/api/v1/{kind}") == few
    first = shop.get(f"/api/v1/{kind}?limit=2").json()
    make.route(connection)
    second = shop.get(first["next"].removeprefix("https://hub.test")).json()
    newest = [row if kind == "routes" else row.mapping for row in reversed(rows)]
    listed = [item["id"] for item in first["items"] + second["items"]]
    assert listed == [str(row.public_id) for row in newest[:4]]
