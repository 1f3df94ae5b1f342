"""What staff do to a route or a mapping by a form, a key does by REST, audited the same."""

import json
from dataclasses import dataclass
from typing import Any

import pytest
from django.urls import reverse

from hub.audit import AuditRow
from hub.mappings.models import FieldMapping
from hub.outgoing.models import Route
from tests.hub.mappings.compilations import compiling
from tests.tenants.door import reauthenticate

pytestmark = pytest.mark.django_db

BODY = {"number": "data.number"}
OTHER = {"total": "data.total"}
CREATED = {"name": "Orders", "event_type": "order.*", "filter": "data.total > `5`"}
GENERATED = {"mapping", "connection"}  # ids, which differ from one call to the next


@dataclass
class EntryPoints:
    """The two ways to change routes and mappings, each as somebody who may."""

    staff_client: Any
    rest_client: Any

    def page(self, kind, row=None, verb="change", **data):
        app = "outgoing" if kind == "route" else "mappings"
        name = f"admin:{app}_{'route' if kind == 'route' else 'fieldmapping'}_{verb}"
        return self.staff_client.post(reverse(name, args=[row.pk] if row else []), data)

    def route_form(self, route=None, *, body=BODY, **changes):
        data = {"tenant": "acme", "target": "webhook.send", "body": json.dumps(body)}
        if route is None:
            return self.page("route", verb="add", **data | {"enabled": "on"} | changes)
        stored = {
            "name": route.name,
            "enabled": "on",
            "event_type": route.event_type,
            "connection": route.connection_id,
            "mapping": route.mapping_id,
        }
        return self.page("route", route, **data | stored | changes)

    def mapping_form(self, mapping=None, *, body=BODY, **changes):
        data = {"tenant": "acme", "target": "webhook.send", "name": "mapping", "do": "save"}
        form = data | {"body": json.dumps(body)} | changes
        return self.page("mapping", mapping, "change" if mapping else "add", **form)

    def rest(self, method, url, body=None):
        return getattr(self.rest_client, method)(f"/api/v1/{url}", body, format="json")


@pytest.fixture
def acme(make):
    return make.tenant("acme")


@pytest.fixture
def entry_points(client, make, api, acme):
    client.force_login(make.staff(is_superuser=True))
    reauthenticate(client)
    return EntryPoints(client, api.of(acme))


WEBHOOK = {"connector": "webhook", "action": "send"}
# Of each action: how staff and how a key perform it on a route, or on its mapping.
ACTIONS = {
    "create a route": (
        lambda by, route: by.route_form(**CREATED),
        lambda by, route: by.rest("post", "routes", CREATED | WEBHOOK | {"body": BODY}),
    ),
    "change a route": (
        lambda by, route: by.route_form(route, filter="data.total > `5`"),
        lambda by, route: by.rest(
            "patch", f"routes/{route.public_id}", {"filter": "data.total > `5`"}
        ),
    ),
    "disable a route": (
        lambda by, route: by.route_form(route, enabled=""),
        lambda by, route: by.rest("post", f"routes/{route.public_id}/disable"),
    ),
    "revise the mapping of a route": (
        lambda by, route: by.route_form(route, body=OTHER),
        lambda by, route: by.rest("patch", f"routes/{route.public_id}", {"body": OTHER}),
    ),
    "delete a route": (
        lambda by, route: by.page("route", route, "delete", post="yes"),
        lambda by, route: by.rest("delete", f"routes/{route.public_id}"),
    ),
    "create a mapping": (
        lambda by, route: by.mapping_form(name="New"),
        lambda by, route: by.rest("post", "mappings", WEBHOOK | {"name": "New", "body": BODY}),
    ),
    "rename and revise a mapping": (
        lambda by, route: by.mapping_form(route.mapping, name="New", body=OTHER),
        lambda by, route: by.rest(
            "patch", f"mappings/{route.mapping.public_id}", {"name": "New", "body": OTHER}
        ),
    ),
}


def observe(last):
    """What an action left: the newest rows without their ids, and what was audited."""
    route, mapping = Route.unscoped.order_by("pk").last(), FieldMapping.unscoped.latest("pk")
    columns = ("tenant", "name", "enabled", "event_type", "filter", "connector_key", "action")
    rows = AuditRow.objects.filter(pk__gt=last).order_by("pk")
    return {
        "route": route and [getattr(route, column) for column in columns],
        "mapping": (mapping.name, mapping.tenant, mapping.current.body, mapping.current.number),
        "audit": [
            (row.verb, without_generated(row.before), without_generated(row.after)) for row in rows
        ],
    }


def without_generated(values):
    return {key: value for key, value in (values or {}).items() if key not in GENERATED}


@pytest.mark.parametrize("action", ACTIONS)
def test_staff_and_keys_do_and_audit_the_same(action, entry_points, make, acme):
    observed = []
    for perform in ACTIONS[action]:
        connection = make.connection(acme)
        route = make.route(connection, body=BODY)
        newest = AuditRow.objects.order_by("-pk").values_list("pk", flat=True).first()
        response = perform(entry_points, route)
        assert response.status_code < 400, response.content
        observed.append(observe(newest or 0))
    assert observed[0] == observed[1]
    assert observed[0]["audit"]


SAVES = {  # with a body and a filter that were not compiled before
    "staff create a route": lambda by, route, body, filter: by.route_form(
        body=body, **CREATED | {"filter": filter}
    ),
    "staff change a route": lambda by, route, body, filter: by.route_form(
        route, body=body, filter=filter
    ),
    "staff create a mapping": lambda by, route, body, filter: by.mapping_form(
        name="New", body=body
    ),
    "staff change a mapping": lambda by, route, body, filter: by.mapping_form(
        route.mapping, body=body
    ),
    "a key creates a route": lambda by, route, body, filter: by.rest(
        "post", "routes", CREATED | WEBHOOK | {"body": body, "filter": filter}
    ),
    "a key changes a route": lambda by, route, body, filter: by.rest(
        "patch", f"routes/{route.public_id}", {"body": body, "filter": filter}
    ),
    "a key changes a mapping": lambda by, route, body, filter: by.rest(
        "patch", f"mappings/{route.mapping.public_id}", {"body": body}
    ),
}


@pytest.mark.corrections(item="3.5")
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_valid", [True, False], ids=["valid", "invalid"])
@pytest.mark.parametrize("save", SAVES)
def test_nothing_compiles_while_a_transaction_keeps_others_from_writing(
    entry_points, make, acme, save, is_valid
):
    route = make.route(make.connection(acme), body=BODY)
    name = f"by_{list(SAVES).index(save)}_{is_valid}"
    body = {"number": f"data.{name}" if is_valid else f"data.{name} ||"}
    with compiling() as in_transaction:
        response = SAVES[save](entry_points, route, body, f"data.{name}")
    is_saved = FieldMapping.unscoped.latest("pk").current.body == body
    assert is_saved == is_valid, response.content
    assert in_transaction and not any(in_transaction)


def test_a_change_by_a_key_leaves_the_other_fields_as_they_are(entry_points, make, acme):
    route = make.route(make.connection(acme), body=BODY)
    entry_points.rest("patch", f"routes/{route.public_id}", {"filter": "data.total > `7`"})
    entry_points.rest("patch", f"routes/{route.public_id}", {"name": "Other"})
    route.refresh_from_db()
    assert (route.name, route.filter) == ("Other", "data.total > `7`")


def test_a_form_that_is_saved_unchanged_is_not_audited(entry_points, make, acme):
    route = make.route(make.connection(acme), body=BODY)
    assert entry_points.route_form(route).status_code == 302
    assert not AuditRow.objects.exists()
