"""An object that is gone is one finding; it resolves when the object is back."""

from datetime import timedelta

import pytest

from connectors.http import Response
from hub.drift.models import DriftFinding, SchemaBaseline
from hub.notices.models import Notice
from hub.schemas.object_schemas import refresh_object_schema
from tests.factories import NOON
from tests.fakes import FakeHttp
from tests.hub.drift.schema_changes import (
    LATER,
    check,
    describe,
    list_fields_without,
    listing,
    make_route_of_new_leads,
    open_findings,
    refuse,
    sentences,
)

pytestmark = pytest.mark.django_db

# --- objects that are gone ------------------------------------------------------------------------

GONE = refuse(404, "NOT_FOUND")
REMOVED = ("object_removed", "", "", "")


def test_an_object_that_is_gone_is_one_finding_that_names_all_it_breaks(
    make, acme, salesforce, route, baseline
):
    query = {"object": "Lead", "fields": "Email"}
    make.job(
        acme, name="Nightly leads", options={"remote": {"collection": "records", "query": query}}
    )
    make_route_of_new_leads(make, acme)
    check(salesforce, describe(*list_fields_without("Title")), now=NOON + timedelta(hours=1))
    result, http = check(salesforce, GONE, listing("Account"), now=LATER)
    assert (result.compared_objects, result.is_complete) == (("Lead",), True)
    assert [request.url.rpartition("/")[2] for request in http.requests] == ["describe", "sobjects"]
    assert open_findings() == [REMOVED]
    finding = DriftFinding.unscoped.get(resolved_at=None)
    assert (finding.title, finding.state) == ("Lead", "open")
    assert [entry["name"] for entry in finding.breaks] == [
        "Orders to leads",
        "New leads",
        "Nightly leads",
    ]
    assert "“Orders to leads”, “New leads”, “Nightly leads”" in sentences()[-1]
    assert "The object Lead was removed" in sentences()[-1]


def test_an_object_that_is_back_resolves_its_finding_and_is_compared_with_what_it_was(
    salesforce, baseline
):
    for hours in (1, 2):
        check(salesforce, GONE, listing("Account"), now=NOON + timedelta(hours=hours))
    assert (open_findings(), Notice.unscoped.count()) == ([REMOVED], 1)
    check(salesforce, describe(), now=LATER)
    assert (open_findings(), Notice.unscoped.get().resolved_at) == ([], LATER)
    check(salesforce, GONE, listing("Account"), now=LATER + timedelta(hours=1))
    check(salesforce, describe(*list_fields_without("Title")), now=LATER + timedelta(hours=2))
    assert open_findings() == [("removed", "Title", "Title", "")]


def test_what_an_editor_has_read_shows_that_an_object_was_there(salesforce, route):
    refresh_object_schema(salesforce, "Lead", call=FakeHttp(describe()).call, now=NOON)
    check(salesforce, refuse(400, "INVALID_TYPE"), listing("Account"), now=LATER)
    assert open_findings() == [REMOVED]


@pytest.mark.parametrize(
    "answers",
    [
        (GONE, listing("Account", "LEAD")),
        (GONE, listing("Account", "-Lead")),
        (GONE, Response(503)),
        (GONE, refuse(403, "REQUEST_LIMIT_EXCEEDED")),
        (GONE, refuse(401, "INVALID_SESSION_ID")),
        (GONE, Response(200, b'{"sobjects": []}')),
        (GONE, Response(200, listing("Account").body, is_truncated=True)),
        (refuse(404, "API_VERSION_GONE"), listing("Account")),
        (Response(404, b"<html>"), listing("Account")),
        (refuse(403, "INSUFFICIENT_ACCESS"), listing("Account")),
        (Response(503), listing("Account")),
    ],
)
def test_an_object_is_gone_only_if_its_system_says_so_twice(salesforce, baseline, answers):
    result, _http = check(salesforce, *answers, now=LATER)
    assert (len(result.failures), open_findings(), sentences()) == (1, [], [])
    stored = SchemaBaseline.unscoped.get()
    assert (stored.compared_at, stored.failed_at) == (NOON, LATER)


def test_an_object_that_never_was_there_is_not_gone(salesforce, route):
    result, http = check(salesforce, GONE, listing("Account"))
    assert (len(result.failures), len(http.requests), open_findings()) == (1, 1, [])
