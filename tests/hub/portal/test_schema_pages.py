"""Customers see which fields have changed, what that breaks, and have them compared now."""

import pytest

from hub.connections.models import Connection
from hub.drift.models import DriftFinding
from hub.schemas.models import ObjectSchema
from tests.factories import MINUTE, NOON
from tests.hub.drift.schema_changes import (
    BODY,
    check,
    describe,
    list_fields_without,
    listing,
    make_route_of_new_leads,
    refuse,
)
from tests.hub.portal.query_counts import count_queries
from tests.markup import normalize_markup

pytestmark = pytest.mark.django_db


@pytest.fixture
def salesforce(make, acme):
    return make.connection(acme, "salesforce", name="CRM")


@pytest.fixture
def route(make, salesforce):
    return make.route(salesforce, action="create", body=BODY, name="Orders to leads")


def url_of(connection, rest="schema/"):
    return f"/t/acme/connections/{connection.public_id}/{rest}"


def text_of(browser, url):
    answer = browser.get(url)
    assert answer.status_code == 200
    return normalize_markup(answer.content.decode())


def test_a_change_is_shown_with_what_it_breaks_and_what_to_do(owner, salesforce, route):
    check(salesforce, describe())
    check(salesforce, describe(*list_fields_without("Title")))
    text = text_of(owner, url_of(salesforce))
    assert "The field was removed" in text and "Orders to leads" in text
    assert f"/t/acme/mappings/{route.mapping.public_id}/" in text
    assert "1 change will break something" in text_of(owner, url_of(salesforce, ""))


def test_what_a_route_reads_of_events_and_a_removed_object_are_shown(owner, make, acme, salesforce):
    make_route_of_new_leads(make, acme)
    check(salesforce, describe())
    check(salesforce, describe(*list_fields_without("Title")))
    text = text_of(owner, url_of(salesforce))
    assert "New leads" in text and "reads data.record.Title (mapping) from Salesforce" in text
    check(salesforce, refuse(404, "NOT_FOUND"), listing("Account"))
    text = text_of(owner, url_of(salesforce))
    assert "Object removed" in text and "The object was removed" in text


def test_resolved_changes_are_shown_apart(owner, make, salesforce):
    make.drift_finding(salesforce, field_label="Gone field", resolved_at=NOON)
    assert "Gone field" not in text_of(owner, url_of(salesforce))
    assert "Gone field" in text_of(owner, url_of(salesforce, "schema/?state=resolved"))


def test_objects_in_use_lead_to_their_fields(owner, salesforce, route):
    assert "not yet" in text_of(owner, url_of(salesforce))
    check(salesforce, describe())
    text = text_of(owner, url_of(salesforce, "schema/?object=Lead"))
    assert "Fields of Lead" in text and "LastName" in text and "2 values" in text


@pytest.mark.parametrize("object", ["Nothing", "%00", "<b>", ""])
def test_an_unknown_object_has_no_fields(owner, salesforce, object):
    assert "Fields of" not in text_of(owner, url_of(salesforce, f"schema/?object={object}"))


def test_a_page_without_changes_says_so_and_leads_on(owner, salesforce):
    text = text_of(owner, url_of(salesforce))
    assert "No change is known that would break something." in text
    assert "Open the catalogue" in text


def test_a_system_without_a_schema_says_so(owner, make, acme):
    slack = make.connection(acme, "slack")
    assert "Slack has no schema to compare" in text_of(owner, url_of(slack))
    assert "Schema and drift" not in text_of(owner, url_of(slack, ""))


def test_a_stopped_connection_is_not_checked(owner, salesforce, route):
    Connection.unscoped.update(state="paused")
    answer = owner.post(url_of(salesforce, "schema/check"), follow=True)
    assert "the connection sends no requests" in answer.content.decode()
    assert not ObjectSchema.unscoped.exists()


def test_nothing_in_use_is_nothing_to_check(owner, salesforce):
    answer = owner.post(url_of(salesforce, "schema/check"), follow=True)
    assert "There is nothing to check" in answer.content.decode()


def test_many_changes_have_pages_and_cost_no_more_statements(owner, make, salesforce, route):
    make.drift_finding(salesforce)
    few = count_queries(owner, url_of(salesforce))
    for number in range(60):
        make.drift_finding(salesforce, at=NOON + number * MINUTE)
        make.route(salesforce, action="create", body=BODY, name=f"Route {number}")
    assert count_queries(owner, url_of(salesforce)) == few
    oldest = DriftFinding.unscoped.order_by("pk").first()
    seen, url = 0, url_of(salesforce)
    while url:
        answer = owner.get(url)
        seen += len(answer.context["findings"])
        url = (
            url_of(salesforce, f"schema/{answer.context['older']}")
            if answer.context["older"]
            else ""
        )
    assert (seen, answer.context["findings"][-1]["row"]) == (61, oldest)
