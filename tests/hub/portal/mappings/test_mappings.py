"""The list of mappings, the page of one, a copy of a platform mapping, versions and restoring."""

import pytest

from hub.audit import Actor, ActorContext, AuditRow
from hub.mappings.mapping_actions import change_mapping
from hub.mappings.models import FieldMapping
from hub.outgoing.subscriptions.requested_actions import get_or_create_action_route
from tests.factories import NOON
from tests.hub.portal.query_counts import count_queries
from tests.markup import normalize_markup

pytestmark = pytest.mark.django_db
LIST = "/t/acme/mappings/"


def page_of(mapping, rest=""):
    return f"{LIST}{mapping.public_id}/{rest}"


def text(response):
    assert response.status_code == 200
    return normalize_markup(response.content.decode())


@pytest.fixture
def mapping(make, acme):
    mapping = make.mapping(acme, "slack", "post_message", {"channel": "'C1'", "text": "data.text"})
    FieldMapping.unscoped.filter(pk=mapping.pk).update(name="Orders to Slack")
    make.route(make.connection(acme, "slack"), mapping=mapping, name="New orders")
    return mapping


@pytest.fixture
def shared(make, acme):
    mapping = make.mapping(None, "slack", "post_message", {"channel": "'C1'", "text": "data.text"})
    make.route(make.connection(acme, "slack"), mapping=mapping, name="Shared orders")
    return mapping


def test_the_list_shows_each_mapping_with_its_routes(member, mapping):
    html = text(member.get(LIST))
    assert "Orders to Slack" in html and "Slack: Post a message to a channel" in html
    assert "New orders" in html and ">v1<" in html


def test_a_platform_mapping_is_listed_only_if_a_route_of_the_tenant_uses_it(make, member, shared):
    unused = make.mapping(None, "slack", "post_message", {"text": "'x'"})
    html = text(member.get(LIST))
    assert page_of(shared) in html and page_of(unused) not in html
    assert member.get(page_of(unused)).status_code == 404


def test_a_mapping_that_only_passes_on_the_input_of_an_action_is_not_listed(
    make, member, acme, mapping
):
    connection = make.connection(acme, "slack")
    action = connection.connector.action("post_message")
    route = get_or_create_action_route(connection, action, ActorContext.system(), now=NOON)
    html = text(member.get(LIST))
    assert page_of(mapping) in html and page_of(route.mapping) not in html
    assert member.get(page_of(route.mapping)).status_code == 200


def test_mappings_of_other_tenants_do_not_exist(stranger, admin, make, globex, mapping):
    other = make.mapping(globex, "slack", "post_message", {"text": "'x'"})
    for rest in ("", "edit", "versions/"):
        assert admin.get(page_of(other, rest)).status_code == 404
        assert stranger.get(page_of(mapping, rest)).status_code == 404
    for rest in ("copy", "restore", "edit"):
        assert admin.post(page_of(other, rest), {"version": 1}).status_code == 404


def test_its_page_shows_rows_and_routes_and_how_to_change_it(admin, member, mapping):
    html = text(admin.get(page_of(mapping)))
    assert "C1" in html and "data.text" in html and "New orders" in html
    assert page_of(mapping, "edit") in html
    assert page_of(mapping, "edit") not in text(member.get(page_of(mapping)))


def test_members_change_nothing(member, mapping):
    assert member.get(page_of(mapping, "edit")).status_code == 403
    for rest in ("edit", "copy", "restore"):
        assert member.post(page_of(mapping, rest), {"version": 1}).status_code == 403


# --- copies ---------------------------------------------------------------------------------------


def test_a_platform_mapping_is_read_only_and_says_how_to_get_an_own_one(admin, shared):
    html = text(admin.get(page_of(shared)))
    assert "Our team has set up this mapping for all organisations" in html
    assert page_of(shared, "edit") not in html and page_of(shared, "copy") in html
    assert admin.get(page_of(shared, "edit")).status_code == 403


@pytest.mark.corrections(item="3.9")
def test_a_copy_is_offered_only_where_a_route_of_the_tenant_can_use_it(make, admin, acme):
    mapping = make.mapping(None, "slack", "post_message", {"channel": "'C1'", "text": "data.text"})
    make.connection(acme, "slack")
    make.route(connector="slack", mapping=mapping, name="All")
    html = text(admin.get(page_of(mapping)))
    assert page_of(mapping, "copy") not in html and "Copy it to" not in html
    assert "Ask our team for a route of your own." in html


def test_a_copy_is_used_by_the_chosen_own_routes(make, admin, acme, shared):
    route = shared.routes.get()
    everybodys = make.route(connector="slack", mapping=shared, name="All")
    answer = admin.post(
        page_of(shared, "copy"),
        {"name": "Ours", "routes": [str(route.public_id), str(everybodys.public_id)]},
    )
    copied = FieldMapping.objects.of(acme).get(tenant=acme)
    assert answer.url == page_of(copied)
    assert (copied.name, copied.current.body) == ("Ours", shared.current.body)
    route.refresh_from_db()
    everybodys.refresh_from_db()
    assert (route.mapping, everybodys.mapping) == (copied, shared)
    assert set(AuditRow.objects.values_list("verb", flat=True)) >= {
        "fieldmapping.create",
        "route.change",
    }


# --- versions -------------------------------------------------------------------------------------


@pytest.fixture
def changed(mapping):
    body = {"channel": "'C2'", "markdown_text": "upper(data.text)"}
    change_mapping(mapping, ActorContext.system(), body=body, now=NOON)
    return mapping


def test_versions_show_what_each_changed(member, changed):
    html = text(member.get(page_of(changed, "versions/")))
    assert "Version 2" in html and "Version 1" in html
    assert "<code>C1</code>" in html and "<code>C2</code>" in html
    assert "data.text, upper case" in html and "not filled" in html


def test_an_older_version_is_restored_as_a_new_one(admin, changed):
    html = text(admin.get(page_of(changed, "versions/")))
    assert "Restore version 1" in html and "Restore version 2" not in html
    admin.post(page_of(changed, "restore"), {"version": "1"})
    assert changed.current.number == 3
    assert changed.current.body == {"channel": "'C1'", "text": "data.text"}
    assert AuditRow.objects.filter(verb="fieldmapping.restore").exists()


def test_versions_name_who_stored_them(admin, mapping, changed):
    admin.post(page_of(changed, "restore"), {"version": "1"})
    html = text(admin.get(page_of(changed, "versions/")))
    assert "@example.com" in html and "the hub" in html
    assert "@example.com" in text(admin.get(page_of(changed)))


def test_who_changed_a_platform_mapping_is_not_shown(make, admin, shared):
    staff = make.user("secret-colleague@hub.test", is_superuser=True)
    actor = ActorContext(Actor.of_user(staff), user=staff, is_unrestricted=True)
    change_mapping(shared, actor, body={"channel": "'C2'", "text": "data.a"}, now=NOON)
    for rest in ("", "versions/"):
        assert "secret-colleague" not in text(admin.get(page_of(shared, rest)))


@pytest.mark.parametrize("version", ["", "9", "x", "99999999999"])
def test_a_version_that_does_not_exist_cannot_be_restored(admin, changed, version):
    admin.post(page_of(changed, "restore"), {"version": version})
    assert changed.current.number == 2


def test_many_versions_have_pages(make, admin, mapping):
    for number in range(25):
        make.version(mapping, {"channel": "'C1'", "text": f"'{number}'"})
    html = text(admin.get(page_of(mapping, "versions/")))
    assert "Version 26" in html and "Version 6<" not in html.replace(" ", "")
    assert "?before=7" in html
    assert "Version 1" in text(admin.get(page_of(mapping, "versions/?before=7")))


def test_the_pages_ask_the_same_number_of_questions_for_many_rows(make, admin, acme, mapping):
    pages = (LIST, page_of(mapping), page_of(mapping, "versions/"), page_of(mapping, "edit"))
    make.event(acme)
    few = [count_queries(admin, page) for page in pages]
    for number in range(20):
        make.version(mapping, {"channel": "'C1'", "text": f"'{number}'"})
        make.route(make.connection(acme, "slack"), mapping=mapping, name=f"route {number}")
        make.mapping(acme, "slack", "post_message", {"text": "'x'"})
        make.event(acme, id=f"e-{number}")
    assert [count_queries(admin, page) for page in pages] == few
