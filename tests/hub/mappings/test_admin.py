"""The pages of field mappings and identities."""

from collections import Counter
from time import process_time

import pytest
from django.contrib.auth.models import Permission
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext

from hub.audit import find_audit_rows
from hub.mappings.forms import list_function_help
from hub.mappings.models import FieldMapping, Identity, MappingVersion
from hub.mappings.rows.version_changes import list_changed_versions
from hub.mappings.versions import save_mapping_version
from hub.queue import WakeUp
from tests.factories import NOON

pytestmark = pytest.mark.django_db

MAPPINGS = "/admin/mappings/fieldmapping/"
IDENTITIES = "/admin/mappings/identity/"
MARKER = "<img src=x onerror=alert(1)>"


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


def page_of(mapping):
    return f"{MAPPINGS}{mapping.pk}/change/"


def save(client, mapping, name, body, **more):
    data = {"name": name, "body": body, "do": "save"} | more
    return client.post(page_of(mapping), data)


def test_a_mapping_is_made_with_its_first_version(root, make):
    tenant = make.tenant()
    data = {
        "name": "Orders",
        "tenant": tenant.reference,
        "target": "webhook.send",
        "body": '{"n": "data.number"}',
        "do": "save",
    }
    root.post(f"{MAPPINGS}add/", data)
    mapping = FieldMapping.unscoped.get()
    assert (mapping.tenant, mapping.action, mapping.current.body) == (
        tenant,
        "send",
        {"n": "data.number"},
    )


def test_large_versions_are_compared_in_no_time(make):
    mapping = make.mapping(make.tenant())
    for part in ("order.customer.value", "order.client.values"):
        body = {f"Field_{number}__c": f"data.{part}_{number * 7}" for number in range(500)}
        make.version(mapping, body)
    started_at = process_time()
    changes = list_changed_versions(mapping, limit=2)
    assert process_time() - started_at < 2  # seconds; by letters it takes ten times as long
    kinds = Counter(kind for _path, kind, *_texts in changes[0].row_texts)
    assert kinds == {"changed": 500}


def test_a_changed_text_is_a_new_version_with_who_and_rings(root, make):
    mapping = make.mapping(make.tenant())
    save(root, mapping, "mapping", '{"n": "data.total"}')
    assert (mapping.current.number, mapping.current.created_by.is_superuser) == (2, True)
    assert WakeUp.objects.filter(name="drain").exists()


def test_whose_a_mapping_is_and_what_for_stays(root, make):
    mapping = make.mapping(make.tenant())
    save(root, mapping, "x", "{}", tenant="", target="slack.post_message")
    mapping.refresh_from_db()
    assert (mapping.tenant is None, mapping.connector_key, mapping.name) == (False, "webhook", "x")


def test_a_mistake_in_a_mapping_names_its_place(root, make):
    answer = save(root, make.mapping(make.tenant()), "x", '{"a": {"b": "data."}}')
    assert "/a/b" in answer.context["draft"].problem
    assert 'role="alert"' in answer.content.decode()
    assert MappingVersion.unscoped.count() == 1


def test_a_mapping_can_be_tried_on_a_real_event(root, make):
    mapping = make.mapping(tenant := make.tenant())
    event = make.event(tenant)
    make.event(tenant, data={"customer": "Eve"})
    posted = {"body": '{"who": "data.customer"}', "do": "preview", "event": event.public_id}
    answer = root.post(page_of(mapping), posted)
    assert '"who": "Ann"' in answer.context["preview"].dry_run.body
    assert MappingVersion.unscoped.count() == 1


def test_a_mapping_can_be_tried_on_own_data(root, make):
    mapping = make.mapping(make.tenant())
    posted = {"body": '{"who": "data.customer"}', "sample-data": '{"customer": "Bob"}'}
    answer = root.post(page_of(mapping), posted | {"do": "preview"})
    assert '"who": "Bob"' in answer.context["preview"].dry_run.body
    answer = root.post(page_of(mapping), posted | {"sample-data": "{"})
    assert "This is not JSON." in answer.content.decode()


def test_a_platform_mapping_is_tried_on_the_events_of_every_tenant_that_is_visible(root, make):
    mapping = make.mapping(None)
    event = make.event(make.tenant("acme", name="Acme"), data={"customer": "Ann"})
    make.event(make.tenant("globex", name="Globex"), data={"customer": "Eve"})
    posted = {"body": '{"who": "data.customer"}', "do": "preview", "event": event.public_id}
    answer = root.post(page_of(mapping), posted)
    assert '"who": "Ann"' in answer.context["preview"].dry_run.body
    assert "· Acme</option>" in answer.text and "· Globex</option>" in answer.text


def test_what_another_person_saved_meanwhile_is_replaced_only_on_purpose(root, make):
    mapping = make.mapping(make.tenant())
    shown = root.get(page_of(mapping)).context["version"]
    make.version(mapping, {"n": "'by another person'"})
    answer = save(root, mapping, "x", '{"n": "data.total"}', version=shown)
    assert "Version 2 was stored meanwhile" in answer.text and mapping.current.number == 2
    save(root, mapping, "x", '{"n": "data.total"}', version=answer.context["version"])
    assert mapping.current.body == {"n": "data.total"}


@pytest.mark.parametrize(("field", "value"), [("tenant", "no-such"), ("target", "no.such")])
def test_a_new_mapping_with_an_error_is_not_stored_and_not_lost(root, make, field, value):
    data = {"name": "Mine", "tenant": make.tenant().reference, "target": "webhook.send"}
    data |= {"body": '{"n": "data.number"}', "do": "save"} | {field: value}
    answer = root.post(f"{MAPPINGS}add/", data)
    assert field in answer.context["form"].errors and 'value="Mine"' in answer.text
    assert not FieldMapping.unscoped.exists()


def test_versions_are_shown_with_what_changed_and_the_routes_that_use_them(root, make):
    route = make.route(make.connection(), name="The route")
    save_mapping_version(route.mapping, {"number": "data.total"}, user=None, now=NOON)
    html = root.get(page_of(route.mapping)).content.decode()
    assert "The route" in html
    assert "<code>data.total</code>" in html and "Changes of version 2" in html
    assert "&quot;number&quot;: &quot;data.total&quot;" in html  # as JSON, too


def test_true_is_not_one_and_the_order_of_keys_says_nothing(make):
    mapping = make.mapping(body={"a": True, "b": None})
    assert save_mapping_version(mapping, {"b": None, "a": True}, user=None, now=NOON) is None
    assert save_mapping_version(mapping, {"a": 1, "b": None}, user=None, now=NOON).number == 2


def test_the_manual_tells_of_every_function_of_ours():
    assert {"identity", "money", "format_date", "default"} <= {
        name for name, _ in list_function_help()
    }


def test_lists_ask_a_fixed_number_of_questions(root, make):
    def queries(url):
        root.get(url)
        with CaptureQueriesContext(database) as queries:
            assert root.get(url).status_code == 200
        return len(queries)

    connection = make.connection()
    mapping = make.mapping(connection.tenant)
    make.identity(connection, "user", "0", "0")
    few = [queries(url) for url in (MAPPINGS, IDENTITIES, page_of(mapping))]
    for number in range(1, 15):
        make.mapping(connection.tenant)
        make.version(mapping, {"n": number})
        make.identity(connection, "user", str(number), str(number))
    assert [queries(url) for url in (MAPPINGS, IDENTITIES, page_of(mapping))] == few


def test_strangers_find_no_mapping(make):
    mapping = make.mapping(make.tenant())
    stranger = staff_of(make, make.tenant())
    assert stranger.get(page_of(mapping)).status_code == 404
    assert (
        stranger.post(page_of(mapping), {"name": "x", "body": "{}", "do": "save"}).status_code
        == 404
    )


def test_a_mapping_for_all_is_read_and_not_changed_by_a_tenants_staff(make):
    mapping = make.mapping(None)
    mine = staff_of(make, make.tenant())
    page = mine.get(page_of(mapping)).text
    assert "<code>number</code>" in page and 'id="editor"' not in page
    assert save(mine, mapping, "x", "{}").status_code == 403


# --- identities -----------------------------------------------------------------------------------


def test_an_identity_is_added_and_rings(root, make):
    connection = make.connection()
    root.post(
        f"{IDENTITIES}add/",
        {"connection": connection.pk, "kind": "user", "local_id": "7", "remote_id": "U7"},
    )
    assert Identity.unscoped.get().remote_id == "U7"
    assert WakeUp.objects.filter(name="drain").exists()


def test_a_changed_identity_is_shown_anew(root, make):
    identity = make.identity(make.connection(), "user", "7", "U7")
    data = {
        "connection": identity.connection_id,
        "kind": "user",
        "local_id": "7",
        "remote_id": "U8",
    }
    root.post(f"{IDENTITIES}{identity.pk}/change/", data)
    identity.refresh_from_db()
    assert identity.remote_id == "U8"
    assert identity.created_at == NOON < identity.updated_at


@pytest.mark.parametrize(
    ("term", "found"), [("order-7", 1), ("order", 1), ("SF-", 1), ("rder", 0), ("%", 0)]
)
def test_identities_are_found_by_how_they_begin(root, make, term, found):
    make.identity(make.connection(), "order", "order-7", "SF-9")
    assert root.get(IDENTITIES, {"q": term}).context["cl"].result_count == found


@pytest.mark.parametrize(
    ("field", "value"),
    [("kind", "k" * 61), ("local_id", "o" * 201), ("remote_id", ""), ("local_id", "a\0")]
    + [(field, "a\nb") for field in ("kind", "local_id", "remote_id", "name")],
)
def test_an_error_in_an_identity_is_shown_beside_its_field(root, make, field, value):
    data = {
        "connection": make.connection().pk,
        "kind": "user",
        "local_id": "7",
        "remote_id": "U7",
    } | {field: value}
    assert field in root.post(f"{IDENTITIES}add/", data).context["adminform"].form.errors


def save_identity(client, identity, **changes):
    data = {"connection": identity.connection_id, "kind": identity.kind, "name": ""}
    data |= {"local_id": identity.local_id, "remote_id": identity.remote_id} | changes
    return client.post(f"{IDENTITIES}{identity.pk}/change/", data)


def list_audited(connection):
    return [(row.verb, row.before, row.after) for row in find_audit_rows(connection).order_by("pk")]


def test_an_identity_that_staff_change_is_audited_as_by_portal_and_rest(root, make):
    identity = make.identity(make.connection(), "user", "7", "U7")
    save_identity(root, identity, remote_id="U8")
    after = {"kind": "user", "local_id": "7", "remote_id": "U8"}
    assert list_audited(identity.connection) == [
        ("connection.identify", {"remote_id": "U7"}, after)
    ]


def test_an_identity_with_another_key_replaces_the_old_one(root, make):
    identity = make.identity(make.connection(), "user", "7", "U7")
    save_identity(root, identity, local_id="8")
    assert list(Identity.unscoped.values_list("local_id", "remote_id")) == [("8", "U7")]
    verbs = [verb for verb, _before, _after in list_audited(identity.connection)]
    assert verbs == ["connection.forget", "connection.identify"]


def test_an_identity_that_staff_save_unchanged_is_not_audited(root, make):
    identity = make.identity(make.connection(), "user", "7", "U7")
    save_identity(root, identity)
    assert list_audited(identity.connection) == []


def test_an_identity_that_staff_delete_is_audited(root, make):
    identity = make.identity(make.connection(), "user", "7", "U7")
    root.post(f"{IDENTITIES}{identity.pk}/delete/", {"post": "yes"})
    before = {"kind": "user", "local_id": "7", "remote_id": "U7"}
    assert list_audited(identity.connection) == [("connection.forget", before, None)]
    assert not Identity.unscoped.exists()


def test_strangers_cannot_put_an_identity_on_a_connection(make):
    connection = make.connection()
    data = {"connection": connection.pk, "kind": "user", "local_id": "7", "remote_id": "U7"}
    answer = staff_of(make, make.tenant()).post(f"{IDENTITIES}add/", data)
    assert "connection" in answer.context["adminform"].form.errors


def test_texts_of_identities_and_mappings_are_escaped(root, make):
    make.identity(make.connection(name=MARKER), "user", MARKER, MARKER)
    mapping = make.mapping(make.tenant(name=MARKER), body={"a": f"'{MARKER}'"})
    for url in (IDENTITIES, MAPPINGS, page_of(mapping)):
        assert MARKER not in root.get(url).content.decode()
