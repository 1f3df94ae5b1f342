"""Staff edit the rows of a mapping in the same table as customers, and restore versions."""

import pytest

from connectors.http import Response
from hub.audit import AuditRow
from hub.mappings.models import FieldMapping
from tests.fakes import FakeHttp
from tests.hub.mappings.test_admin import MAPPINGS, page_of, staff_of
from tests.hub.outgoing.pump.test_loop import pump
from tests.hub.portal.mappings.test_editor import build_posted_rows, inputs

pytestmark = pytest.mark.django_db
ROWS = [("number", "path", "data.number"), ("customer", "path", "data.customer", "upper")]


@pytest.fixture
def root(client, make):
    client.force_login(make.user(is_staff=True, is_superuser=True))
    return client


@pytest.fixture
def mapping(make):
    connection = make.connection()
    mapping = make.mapping(connection.tenant, body={"number": "data.number"})
    make.route(connection, mapping=mapping)
    return mapping


def html_of(response):
    assert response.status_code == 200
    return response.content.decode()


def test_the_page_shows_the_rows(root, mapping):
    found = inputs(html_of(root.get(page_of(mapping))))
    assert found["row_path"] == ["number", ""] and found["row_value"] == ["data.number", ""]
    assert found["view"] == ["table"]


def test_saved_rows_become_a_version_by_the_person(root, mapping):
    root.post(page_of(mapping), build_posted_rows(*ROWS, do="save"))
    assert mapping.current.body == {"number": "data.number", "customer": "upper(data.customer)"}
    assert mapping.current.created_by.is_superuser


def test_a_new_mapping_is_made_of_rows(root, make):
    tenant = make.tenant()
    data = build_posted_rows(*ROWS, tenant=tenant.reference, target="webhook.send", do="save")
    root.post(f"{MAPPINGS}add/", data)
    assert FieldMapping.unscoped.get().current.body["customer"] == "upper(data.customer)"


def test_an_error_is_shown_at_its_row_and_nothing_is_stored(root, mapping):
    rows = build_posted_rows(ROWS[0], ("x", "path", "not a path"), do="save")
    html = html_of(root.post(page_of(mapping), rows))
    assert 'id="row-2-error"' in html and inputs(html)["row_value"] == ["data.number", "not a path"]
    assert mapping.current.number == 1


def test_buttons_change_the_draft_and_store_nothing(root, mapping):
    html = html_of(root.post(page_of(mapping), build_posted_rows(*ROWS, do="add")))
    assert inputs(html)["row_path"] == ["number", "customer", ""]
    html = html_of(root.post(page_of(mapping), build_posted_rows(*ROWS, do="remove 1")))
    assert inputs(html)["row_path"] == ["customer"]
    html = html_of(root.post(page_of(mapping), build_posted_rows(*ROWS, do="json")))
    assert "upper(data.customer)" in inputs(html)["body"][0]
    data = {"name": "x", "view": "json", "body": inputs(html)["body"][0], "do": "table"}
    html = html_of(root.post(page_of(mapping), data))
    assert inputs(html)["row_path"] == ["number", "customer", ""]
    assert mapping.current.number == 1


def test_the_example_of_an_action_becomes_rows(root):
    data = build_posted_rows(target="slack.post_message", do="example")
    html = html_of(root.post(f"{MAPPINGS}add/", data))
    assert "channel" in inputs(html)["row_path"]


def test_our_paths_are_offered_from_events_of_its_tenant(root, make, mapping):
    make.event(mapping.tenant, data={"order": {"no": "A-17"}})
    make.event(make.tenant(), data={"only_theirs": 1})
    html = html_of(root.get(page_of(mapping)))
    assert '<option value="data.order.no">A-17</option>' in html and "only_theirs" not in html


def test_a_trial_shows_the_request_beside_the_last_one(root, make, mapping):
    event = make.event(mapping.tenant)
    pump(FakeHttp(Response(200, b"")))
    data = build_posted_rows(*ROWS, do="preview", event=event.public_id)
    html = html_of(root.post(page_of(mapping), data))
    assert "Sent last time" in html and "Would be sent now" in html
    assert "POST https://example.com/hook" in html and "webhook-signature: ***" in html
    assert "&quot;customer&quot;: &quot;ANN&quot;" in html


def test_a_version_is_restored(root, make, mapping):
    make.version(mapping, {"number": "data.total"})
    page = f"{MAPPINGS}{mapping.pk}/verbs/restore/"
    assert "v1, " in html_of(root.get(page)) and "v2, " not in html_of(root.get(page))
    root.post(page, {"version": 1})
    assert (mapping.current.number, mapping.current.body) == (3, {"number": "data.number"})
    assert AuditRow.objects.filter(verb="fieldmapping.restore").count() == 1


def test_staff_of_another_tenant_restore_nothing(make, mapping):
    make.version(mapping, {"number": "data.total"})
    stranger = staff_of(make, make.tenant())
    page = f"{MAPPINGS}{mapping.pk}/verbs/restore/"
    assert stranger.post(page, {"version": 1}).status_code == 404
    assert mapping.current.number == 2


def test_a_version_of_another_mapping_is_refused(root, make, mapping):
    make.version(mapping, {"number": "data.total"})
    other = make.mapping(mapping.tenant)
    for number in range(2):
        make.version(other, {"number": f"data.number{number}"})
    page = f"{MAPPINGS}{mapping.pk}/verbs/restore/"
    assert "Select a valid choice" in html_of(root.post(page, {"version": other.current.number}))
    assert mapping.current.number == 2
