"""Staff see what a route reads of events, and what breaks with a removed object."""

import pytest

from hub.drift.models import DriftFinding
from tests.hub.drift.schema_changes import (
    check,
    describe,
    list_fields_without,
    listing,
    make_route_of_new_leads,
    refuse,
)
from tests.markup import normalize_markup

pytestmark = pytest.mark.django_db

FINDINGS = "/admin/drift/driftfinding/"


@pytest.fixture
def root(client, make):
    client.force_login(make.user(is_staff=True, is_superuser=True))
    return client


@pytest.fixture
def create_finding(make, acme, salesforce, route):
    make_route_of_new_leads(make, acme)
    check(salesforce, describe())


def show(browser, finding):
    answer = browser.get(f"{FINDINGS}{finding.pk}/change/")
    assert answer.status_code == 200
    return normalize_markup(answer.content.decode())


def test_the_page_of_a_finding_says_what_reads_the_field_and_what_writes_it(
    root, create_finding, salesforce
):
    check(salesforce, describe(*list_fields_without("Title")))
    page = show(root, DriftFinding.unscoped.get())
    assert "New leads" in page and "reads data.record.Title (mapping) from Salesforce" in page
    assert "Orders to leads" in page and "writes to Salesforce" in page


def test_a_removed_object_is_listed_under_its_own_name(root, create_finding, salesforce):
    check(salesforce, refuse(404, "NOT_FOUND"), listing("Account"))
    finding = DriftFinding.unscoped.get()
    assert str(finding) == "Lead"
    page = show(root, finding)
    assert "The object was removed" in page and "<dt>Field</dt>" not in page
    assert "reads data.record.Title (mapping) from Salesforce" in page
    listed = normalize_markup(root.get(f"{FINDINGS}?change=object_removed").content.decode())
    assert "Object removed" in listed or "The object was removed" in listed
