"""The pages of routes: each mistake beside its field, tried before it is saved, and only within
one's reach.
"""

import json

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from hub.audit import AuditRow
from hub.mappings.models import FieldMapping, MappingVersion
from hub.outgoing.models import Route
from hub.queue import WakeUp
from tests.factories import NOON
from tests.hub.outgoing.admin.routes import build_route_form, errors_of, route_url

pytestmark = pytest.mark.django_db

LIST = "/admin/outgoing/route/"
ADD = "/admin/outgoing/route/add/"
MARKER = "<img src=x onerror=alert(1)>"


def test_a_route_is_saved_with_a_mapping_of_its_own(root, make):
    connection = make.connection()
    root.post(
        ADD, build_route_form(connection.tenant, connection=connection.pk, retry_schedule="5, 300")
    )
    route = Route.unscoped.get()
    assert (route.connector_key, route.action, route.connection, route.retry_schedule) == (
        "webhook",
        "send",
        connection,
        [5, 300],
    )
    assert route.mapping.current.body == {"number": "data.number"}
    assert route.mapping.tenant == connection.tenant


def test_a_changed_mapping_is_a_new_version_and_rings(root, make):
    route = make.route(make.connection())
    root.post(
        route_url(route),
        build_route_form(route.tenant, mapping=route.mapping_id, body='{"other": "data.total"}'),
    )
    version = route.mapping.current
    assert (version.number, version.body) == (2, {"other": "data.total"})
    assert WakeUp.objects.get(name="drain").requested_at
    assert AuditRow.objects.filter(verb__in=("fieldmapping.revise", "route.change")).count() == 2
    route.refresh_from_db()
    assert route.changed_at > NOON


def test_a_mapping_that_says_the_same_makes_no_version(root, make):
    route = make.route(make.connection(), body={"a": "data.number", "b": True})
    root.post(
        route_url(route),
        build_route_form(
            route.tenant, mapping=route.mapping_id, body='{"b": true, "a": "data.number"}'
        ),
    )
    assert MappingVersion.unscoped.count() == 1


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("name", "", "required"),
        ("name", "x" * 201, "at most 200"),
        ("name", "a\0b", "Null characters"),
        ("tenant", "nobody", "No tenant has this reference."),
        ("event_type", "Order!", "such as order.*"),
        ("filter", "data.total >", "The filter is incomplete."),
        ("filter", "x" * 501, "longer than 500 characters"),
        ("filter", "identity('user', data.x)", "calls identity()"),
        ("filter", "a\0", "Null characters"),
        ("target", "webhook.post_message", "Select a valid choice"),
        ("connection", "999999", "Select a valid choice"),
        ("connection", "9" * 30, "Select a valid choice"),
        ("mapping", "999999", "Select a valid choice"),
        ("body", "{", "This is not JSON."),
        ("body", "[]", "but not an object"),
        ("body", '{"a": "nope(1)"}', "/a"),
        ("body", '{"a": "b", "a": "c"}', "occurs twice"),
        ("body", '{"a": "\'\\u0000\'"}', "NUL"),
        ("body", json.dumps({"a": "b." * 300 + "c"}), "longer than 500"),
        ("retry_schedule", "5, soon", "not a number of seconds"),
        ("retry_schedule", "5, 9999999", "not a number of seconds"),
        ("retry_schedule", "1 " * 40, "At most 30"),
    ],
    ids=lambda value: str(value)[:20].replace("\0", "NUL"),
)
def test_an_error_is_shown_beside_its_field(root, make, field, value, words):
    answer = root.post(ADD, build_route_form(make.tenant()) | {field: value})
    assert words in str(errors_of(answer)[field])
    assert not Route.unscoped.exists()


def test_an_action_without_a_default_needs_a_mapping(root, make):
    answer = root.post(ADD, build_route_form(make.tenant(), target="slack.post_message", body=""))
    assert "needs a mapping" in str(errors_of(answer)["body"])


def test_a_connection_must_be_the_tenants_and_at_the_actions_system(root, make):
    tenant = make.tenant()
    connection, theirs = make.connection(tenant, "slack"), make.connection()
    assert "belongs to Slack" in str(
        errors_of(root.post(ADD, build_route_form(tenant, connection=connection.pk)))["connection"]
    )
    assert "does not belong to" in str(
        errors_of(root.post(ADD, build_route_form(tenant, connection=theirs.pk)))["connection"]
    )
    assert "Leave this empty" in str(
        errors_of(root.post(ADD, build_route_form(None, connection=theirs.pk)))["connection"]
    )


def test_a_mapping_must_fit_the_action_and_the_tenant(root, make):
    tenant = make.tenant()
    other_action, others = (
        make.mapping(tenant, "slack", "post_message"),
        make.mapping(make.tenant()),
    )
    wrong = root.post(ADD, build_route_form(tenant, mapping=other_action.pk))
    assert "is for slack.post_message" in str(errors_of(wrong)["mapping"])
    assert "does not belong" in str(
        errors_of(root.post(ADD, build_route_form(tenant, mapping=others.pk)))["mapping"]
    )
    assert "a mapping for all" in str(
        errors_of(root.post(ADD, build_route_form(None, mapping=others.pk)))["mapping"]
    )


def test_the_list_and_the_page_ask_a_fixed_number_of_questions(root, make):
    def queries(url):
        root.get(url)
        with CaptureQueriesContext(database) as queries:
            assert root.get(url).status_code == 200
        return len(queries)

    route = make.route(connection := make.connection())
    make.event(connection.tenant)
    few = queries(LIST), queries(route_url(route))
    for _ in range(15):
        make.route(connection)
        make.event(connection.tenant)
    assert (queries(LIST), queries(route_url(route))) == few
    assert max(few) <= 17


def test_a_route_that_has_sent_is_switched_off_and_not_deleted(root, make):
    delivery = make.delivery()
    assert root.post(f"{LIST}{delivery.route_id}/delete/", {"post": "yes"}).status_code == 403


def test_names_are_escaped(root, make):
    route = make.route(make.connection(name=MARKER), name=MARKER)
    FieldMapping.unscoped.update(name=MARKER)
    for url in (LIST, route_url(route)):
        assert MARKER not in root.get(url).content.decode()
