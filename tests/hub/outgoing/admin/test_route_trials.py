"""A route is tried before it is saved: what would be sent, and why not."""

import json

import pytest
from django.urls import reverse

from hub.audit import AuditRow
from hub.mappings.models import MappingVersion
from hub.outgoing.models import Route
from tests.hub.outgoing.admin.routes import build_route_form, route_url, try_route_form

pytestmark = pytest.mark.django_db
ADD = "/admin/outgoing/route/add/"
EXPLODING = "join('', [data.text, data.text, data.text, data.text])"


def test_trying_shows_what_would_be_sent_and_saves_nothing(root, make):
    event = make.event(make.tenant())
    answer = try_route_form(root, ADD, event.tenant)
    assert json.loads(answer.context["tried"].dry_run.body) == {"number": "A-1001"}
    assert "It would be sent" in answer.content.decode()
    assert not Route.unscoped.exists()
    assert not MappingVersion.unscoped.exists()
    assert not AuditRow.objects.exists()


def test_trying_warns_of_a_path_that_found_nothing(root, make):
    event = make.event(make.tenant())
    answer = try_route_form(
        root, ADD, event.tenant, body='{"number": "data.numbr", "total": "data.total"}'
    )
    page = " ".join(answer.text.split())
    assert (
        "would be sent, with missing values" in page
        and "data.numbr found nothing in this event" in page
    )
    assert "It would be sent, with this body." not in page and "data.total found" not in page


def test_trying_takes_the_newest_event_of_the_routes_own_type(root, make):
    route = make.route(make.connection(), event_type="order.created")
    event = make.event(route.tenant, type="order.created", id="wanted")
    make.event(route.tenant, type="order.created.test", id="like it")
    for number in range(250):
        make.event(route.tenant, type="stock.changed", id=str(number))
    answer = try_route_form(
        root, route_url(route), route.tenant, mapping=route.mapping_id, event_type="order.created"
    )
    assert answer.context["tried"].event == "order.created wanted"
    mapping_page = reverse("admin:mappings_fieldmapping_change", args=[route.mapping_id])
    assert [shown for shown, _ in root.get(mapping_page).context["editor"].events] == [event]


def test_trying_a_saved_route_leaves_it_as_it_is(root, make):
    route = make.route(make.connection())
    make.event(route.tenant)
    try_route_form(
        root,
        route_url(route),
        route.tenant,
        name="Another",
        body='{"x": "data.total"}',
        mapping=route.mapping_id,
    )
    route.refresh_from_db()
    assert (route.name, route.mapping.versions.count()) == ("route", 1)


def test_trying_names_the_clause_that_refuses(root, make):
    event = make.event(make.tenant())
    answer = try_route_form(
        root, ADD, event.tenant, filter="data.currency == 'EUR' && data.total > `100`"
    )
    assert answer.context["tried"].dry_run.clause.clause == "data.total > `100`"
    assert "The filter rejects the event at" in answer.content.decode()


def test_trying_names_identities_that_are_missing(root, make):
    connection = make.connection(connector="slack")
    make.event(connection.tenant)
    body = '{"channel": "identity(\'channel\', data.customer)", "text": "data.number"}'
    found = (
        try_route_form(root, ADD, connection.tenant, target="slack.post_message", body=body)
        .context["tried"]
        .dry_run
    )
    assert found.missing == (("channel", "Ann"),)
    make.identity(connection, "channel", "Ann", "C1")
    found = (
        try_route_form(root, ADD, connection.tenant, target="slack.post_message", body=body)
        .context["tried"]
        .dry_run
    )
    assert (found.state, json.loads(found.body)["channel"]) == ("waiting", "C1")


def test_trying_tells_what_the_action_would_refuse(root, make):
    event = make.event(make.tenant())
    answer = try_route_form(
        root, ADD, event.tenant, target="slack.post_message", body='{"text": "data.number"}'
    )
    assert answer.context["tried"].dry_run.detail == "missing: channel"


def test_data_of_ones_own_can_be_tried(root, make):
    answer = root.post(
        ADD, build_route_form(make.tenant()) | {"_try": "1", "sample-data": '{"number": "<b>"}'}
    )
    assert json.loads(answer.context["tried"].dry_run.body) == {"number": "<b>"}
    assert "<b>&quot;" not in answer.content.decode()


def test_a_mapping_that_explodes_is_reported_and_not_evaluated(root, make):
    data = json.dumps({"text": "x" * 100_000})
    answer = root.post(
        ADD,
        build_route_form(make.tenant(), body=json.dumps({"a": EXPLODING}))
        | {"_try": "1", "sample-data": data},
    )
    assert answer.context["tried"].dry_run.reason == "mapping_failed"


def test_trying_an_invalid_form_requests_its_correction_first(root, make):
    answer = try_route_form(root, ADD, make.tenant(), body="{")
    assert "Correct the errors" in answer.context["tried"].problem


def test_the_example_of_an_action_is_a_start(root, make):
    posted = build_route_form(make.tenant(), target="slack.post_message", body="") | {
        "_example": "1"
    }
    assert "C0123456789" in root.post(ADD, posted).context["adminform"].form["body"].value()


def test_a_route_is_tried_with_events_of_its_origin_only(root, make):
    tenant = make.tenant("acme")
    pipedrive = make.connection(tenant, "pipedrive", secret={})
    make.event(tenant, "order.created", id="of-our-application")
    received = make.event(tenant, "order.created", id="of-pipedrive")
    type(received).unscoped.filter(pk=received.pk).update(origin=pipedrive)
    route_form = build_route_form(tenant, origin_connector_key="pipedrive", _try="1")
    text = root.post(ADD, route_form).content.decode()
    assert "of-pipedrive" in text and "of-our-application" not in text
