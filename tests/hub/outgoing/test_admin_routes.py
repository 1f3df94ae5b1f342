"""The pages of routes: each mistake beside its field, tried before it is saved, and only within
one's reach.
"""

import json

import pytest
from django.contrib.auth.models import Permission
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from hub.audit import AuditRow
from hub.mappings.models import FieldMapping, MappingVersion
from hub.outgoing.models import Route
from hub.queue import WakeUp
from tests.factories import NOON

pytestmark = pytest.mark.django_db

LIST = "/admin/outgoing/route/"
ADD = "/admin/outgoing/route/add/"
MARKER = "<img src=x onerror=alert(1)>"
EXPLODING = "join('', [data.text, data.text, data.text, data.text])"


@pytest.fixture
def root(client, make):
    client.force_login(make.user(is_staff=True, is_superuser=True))
    return client


def staff_of(make, tenant):
    user = make.staff(tenant)
    user.user_permissions.set(Permission.objects.all())
    client = Client()
    client.force_login(user)
    return client


def page_of(route):
    return f"{LIST}{route.pk}/change/"


def said(tenant=None, **changes):
    return {
        "name": "Orders",
        "enabled": "on",
        "tenant": tenant.reference if tenant else "",
        "event_type": "order.*",
        "filter": "",
        "target": "webhook.send",
        "connection": "",
        "mapping": "",
        "body": '{"number": "data.number"}',
        "retry_schedule": "",
    } | changes


def errors_of(answer):
    return answer.context["adminform"].form.errors


def test_a_route_is_saved_with_a_mapping_of_its_own(root, make):
    connection = make.connection()
    root.post(ADD, said(connection.tenant, connection=connection.pk, retry_schedule="5, 300"))
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
        page_of(route), said(route.tenant, mapping=route.mapping_id, body='{"other": "data.total"}')
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
        page_of(route),
        said(route.tenant, mapping=route.mapping_id, body='{"b": true, "a": "data.number"}'),
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
def test_a_mistake_is_told_beside_its_field(root, make, field, value, words):
    answer = root.post(ADD, said(make.tenant()) | {field: value})
    assert words in str(errors_of(answer)[field])
    assert not Route.unscoped.exists()


def test_an_action_without_a_default_needs_a_mapping(root, make):
    answer = root.post(ADD, said(make.tenant(), target="slack.post_message", body=""))
    assert "needs a mapping" in str(errors_of(answer)["body"])


def test_a_connection_must_be_the_tenants_and_at_the_actions_system(root, make):
    tenant = make.tenant()
    mine, theirs = make.connection(tenant, "slack"), make.connection()
    assert "belongs to Slack" in str(
        errors_of(root.post(ADD, said(tenant, connection=mine.pk)))["connection"]
    )
    assert "does not belong to" in str(
        errors_of(root.post(ADD, said(tenant, connection=theirs.pk)))["connection"]
    )
    assert "Leave this empty" in str(
        errors_of(root.post(ADD, said(None, connection=theirs.pk)))["connection"]
    )


def test_a_mapping_must_fit_the_action_and_the_tenant(root, make):
    tenant = make.tenant()
    other_action, others = (
        make.mapping(tenant, "slack", "post_message"),
        make.mapping(make.tenant()),
    )
    wrong = root.post(ADD, said(tenant, mapping=other_action.pk))
    assert "is for slack.post_message" in str(errors_of(wrong)["mapping"])
    assert "does not belong" in str(
        errors_of(root.post(ADD, said(tenant, mapping=others.pk)))["mapping"]
    )
    assert "a mapping for all" in str(
        errors_of(root.post(ADD, said(None, mapping=others.pk)))["mapping"]
    )


def test_the_list_and_the_page_ask_a_fixed_number_of_questions(root, make):
    def queries(url):
        root.get(url)
        with CaptureQueriesContext(database) as seen:
            assert root.get(url).status_code == 200
        return len(seen)

    route = make.route(connection := make.connection())
    make.event(connection.tenant)
    few = queries(LIST), queries(page_of(route))
    for _ in range(15):
        make.route(connection)
        make.event(connection.tenant)
    assert (queries(LIST), queries(page_of(route))) == few
    assert max(few) <= 17


def test_a_route_that_has_sent_is_switched_off_and_not_deleted(root, make):
    delivery = make.delivery()
    assert root.post(f"{LIST}{delivery.route_id}/delete/", {"post": "yes"}).status_code == 403


def test_names_are_escaped(root, make):
    route = make.route(make.connection(name=MARKER), name=MARKER)
    FieldMapping.unscoped.update(name=MARKER)
    for url in (LIST, page_of(route)):
        assert MARKER not in root.get(url).content.decode()


# --- tried before it is saved ---------------------------------------------------------------------


def tried(client, url, tenant, **changes):
    return client.post(url, said(tenant, **changes) | {"_try": "1"})


def test_trying_shows_what_would_be_sent_and_saves_nothing(root, make):
    event = make.event(make.tenant())
    answer = tried(root, ADD, event.tenant)
    assert json.loads(answer.context["tried"].dry_run.body) == {"number": "A-1001"}
    assert "It would be sent" in answer.content.decode()
    assert not Route.unscoped.exists()
    assert not MappingVersion.unscoped.exists()
    assert not AuditRow.objects.exists()


def test_trying_warns_of_a_path_that_found_nothing(root, make):
    event = make.event(make.tenant())
    answer = tried(root, ADD, event.tenant, body='{"number": "data.numbr", "total": "data.total"}')
    page = " ".join(answer.text.split())
    assert (
        "would be sent, with missing values" in page
        and "data.numbr</code> found nothing in this event" in page
    )
    assert "It would be sent, with this body." not in page and "data.total</code> found" not in page


def test_trying_takes_the_newest_event_of_the_routes_own_type(root, make):
    route = make.route(make.connection(), event_type="order.created")
    wanted = make.event(route.tenant, type="order.created", id="wanted")
    make.event(route.tenant, type="order.created.test", id="like it")
    for number in range(250):
        make.event(route.tenant, type="stock.changed", id=str(number))
    answer = tried(
        root, page_of(route), route.tenant, mapping=route.mapping_id, event_type="order.created"
    )
    assert answer.context["tried"].event == "order.created wanted"
    mapping_page = reverse("admin:mappings_fieldmapping_change", args=[route.mapping_id])
    assert list(root.get(mapping_page).context["sample"].events.values()) == [wanted]


def test_trying_a_saved_route_leaves_it_as_it_is(root, make):
    route = make.route(make.connection())
    make.event(route.tenant)
    tried(
        root,
        page_of(route),
        route.tenant,
        name="Another",
        body='{"x": "data.total"}',
        mapping=route.mapping_id,
    )
    route.refresh_from_db()
    assert (route.name, route.mapping.versions.count()) == ("route", 1)


def test_trying_names_the_clause_that_refuses(root, make):
    event = make.event(make.tenant())
    answer = tried(root, ADD, event.tenant, filter="data.currency == 'EUR' && data.total > `100`")
    assert answer.context["tried"].dry_run.clause.clause == "data.total > `100`"
    assert "The filter rejects the event at" in answer.content.decode()


def test_trying_names_identities_that_are_missing(root, make):
    connection = make.connection(connector="slack")
    make.event(connection.tenant)
    body = '{"channel": "identity(\'channel\', data.customer)", "text": "data.number"}'
    found = (
        tried(root, ADD, connection.tenant, target="slack.post_message", body=body)
        .context["tried"]
        .dry_run
    )
    assert found.missing == (("channel", "Ann"),)
    make.identity(connection, "channel", "Ann", "C1")
    found = (
        tried(root, ADD, connection.tenant, target="slack.post_message", body=body)
        .context["tried"]
        .dry_run
    )
    assert (found.state, json.loads(found.body)["channel"]) == ("waiting", "C1")


def test_trying_tells_what_the_action_would_refuse(root, make):
    event = make.event(make.tenant())
    answer = tried(
        root, ADD, event.tenant, target="slack.post_message", body='{"text": "data.number"}'
    )
    assert answer.context["tried"].dry_run.detail == "missing: channel"


def test_data_of_ones_own_can_be_tried(root, make):
    answer = root.post(ADD, said(make.tenant()) | {"_try": "1", "sample-data": '{"number": "<b>"}'})
    assert json.loads(answer.context["tried"].dry_run.body) == {"number": "<b>"}
    assert "<b>&quot;" not in answer.content.decode()


def test_a_mapping_that_explodes_is_told_and_not_worked_out(root, make):
    data = json.dumps({"text": "x" * 100_000})
    answer = root.post(
        ADD,
        said(make.tenant(), body=json.dumps({"a": EXPLODING})) | {"_try": "1", "sample-data": data},
    )
    assert answer.context["tried"].dry_run.reason == "mapping_failed"


def test_trying_what_does_not_stand_yet_asks_to_mend_it_first(root, make):
    answer = tried(root, ADD, make.tenant(), body="{")
    assert "Correct the errors" in answer.context["tried"].problem


def test_the_example_of_an_action_is_a_start(root, make):
    posted = said(make.tenant(), target="slack.post_message", body="") | {"_example": "1"}
    assert "C0123456789" in root.post(ADD, posted).context["adminform"].form["body"].value()


# --- within one's reach ---------------------------------------------------------------------------


def test_only_the_platform_makes_a_route_for_all(root, make):
    mine = staff_of(make, make.tenant())
    assert "required" in str(errors_of(mine.post(ADD, said(None)))["tenant"])
    root.post(ADD, said(None))
    assert Route.unscoped.get().tenant is None


def test_staff_can_read_a_route_for_all_and_not_change_it(make):
    route = make.route(connector="webhook")
    mine = staff_of(make, make.tenant())
    assert mine.get(page_of(route)).status_code == 200
    assert mine.post(page_of(route), said(None)).status_code == 403
    assert tried(mine, page_of(route), None).status_code == 403


def test_staff_cannot_change_what_a_shared_mapping_says(make):
    mapping = make.mapping(None, body={"a": "data.number"})
    tenant = make.tenant()
    answer = staff_of(make, tenant).post(
        ADD, said(tenant, mapping=mapping.pk, body='{"a": "data.total"}')
    )
    assert "applies to all tenants" in str(errors_of(answer)["body"])
    assert mapping.versions.count() == 1


def test_strangers_neither_see_nor_try_nor_change_a_route(make):
    route = make.route(make.connection())
    event = make.event(route.tenant, id="their-secret-order")
    stranger = staff_of(make, own := make.tenant())
    assert stranger.get(page_of(route)).status_code == 404
    assert tried(stranger, page_of(route), own).status_code == 404
    answer = stranger.post(ADD, said(own) | {"_try": "1", "sample-event": event.pk})
    assert "Select a valid choice" in str(answer.context["sample"].errors["event"])
    assert "their-secret-order" not in answer.content.decode()
    mine = stranger.post(ADD, said(own, connection=route.connection_id, mapping=route.mapping_id))
    assert {"connection", "mapping"} <= errors_of(mine).keys()


def test_a_get_saves_nothing(root, make):
    root.get(ADD, said(make.tenant()) | {"_try": "1", "_save": "1"})
    assert not Route.unscoped.exists()


def test_a_route_takes_events_of_another_system(root, make):
    tenant = make.tenant("acme")
    make.connection(tenant)
    pipedrive = make.connection(tenant, "pipedrive", secret={}, name="Acme's Pipedrive")
    made = said(
        tenant,
        event_type="pipedrive.person.*",
        origin_connector_key="pipedrive",
        origin=str(pipedrive.pk),
    )
    assert root.post(ADD, made).status_code == 302
    route = Route.unscoped.get()
    assert (route.origin_connector_key, route.origin) == ("pipedrive", pipedrive)
    assert "Pipedrive" in root.get(LIST + "?received_from=pipedrive").content.decode()
    assert page_of(route) not in root.get(LIST + "?received_from=slack").content.decode()


def test_the_connection_that_receives_must_be_of_the_system_and_the_tenant(root, make):
    tenant = make.tenant("acme")
    pipedrive = make.connection(tenant, "pipedrive", secret={})
    strange = make.connection(make.tenant("globex"), "pipedrive", secret={})
    for origin, key, problem in (
        (pipedrive, "slack", "Select it as the system"),
        (pipedrive, "", "Select it as the system"),
        (strange, "pipedrive", "This connection is not"),
    ):
        made = said(tenant, origin_connector_key=key, origin=str(origin.pk))
        assert problem in root.post(ADD, made).content.decode()
    assert not Route.unscoped.exists()


def test_a_route_is_tried_with_events_of_its_origin_only(root, make):
    tenant = make.tenant("acme")
    pipedrive = make.connection(tenant, "pipedrive", secret={})
    make.event(tenant, "order.created", id="of-our-application")
    received = make.event(tenant, "order.created", id="of-pipedrive")
    type(received).unscoped.filter(pk=received.pk).update(origin=pipedrive)
    made = said(tenant, origin_connector_key="pipedrive", _try="1")
    text = root.post(ADD, made).content.decode()
    assert "of-pipedrive" in text and "of-our-application" not in text
