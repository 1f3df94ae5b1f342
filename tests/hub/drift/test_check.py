"""A check finds what has changed, says what breaks, and proves nothing by a failed read."""

from datetime import timedelta

import pytest

from connectors.http import Response
from hub.connections.models import Lane
from hub.drift.check import SchemaCheckContext, check_connection_objects
from hub.drift.erase import erase_drift
from hub.drift.models import DriftFinding, SchemaBaseline
from hub.notices.models import Notice
from hub.schemas.object_schemas import find_object_schema, refresh_object_schema
from tests.factories import NOON
from tests.fakes import FakeHttp
from tests.hub.drift.schema_changes import (
    BODY,
    LATER,
    RENAMED,
    change,
    check,
    describe,
    field,
    list_fields_without,
    open_findings,
    sentences,
)

pytestmark = pytest.mark.django_db


def test_the_first_read_finds_nothing(salesforce, route):
    result, http = check(salesforce, describe())
    assert (result.compared_objects, result.is_complete, len(http.requests)) == (("Lead",), True, 1)
    assert (open_findings(), SchemaBaseline.unscoped.count()) == ([], 1)


def test_what_an_editor_has_read_is_the_first_baseline(salesforce, route):
    http = FakeHttp(describe())
    refresh_object_schema(salesforce, "Lead", call=http.call, now=NOON)
    check(salesforce, describe(*list_fields_without("Title")), now=LATER)
    assert open_findings() == [("removed", "Title", "Title", "")]


@pytest.mark.parametrize(
    ("fields", "finding"),
    [
        (RENAMED, ("renamed", "Title", "Title", "Title__c")),
        (list_fields_without("Title"), ("removed", "Title", "Title", "")),
        (change("Title", type="double"), ("retyped", "Title", "text", "number")),
        (change("Email", nillable=False), ("newly_required", "Email", "", "")),
        (
            change("Rating", picklistValues=field("", values=("Cold",))["picklistValues"]),
            ("picklist_value_gone", "Rating", "Hot", "Hot"),
        ),
    ],
)
def test_a_change_is_found_with_what_it_breaks_and_noticed_once(
    salesforce, route, baseline, fields, finding
):
    for hours in (1, 2, 3):
        check(salesforce, describe(*fields), now=NOON + timedelta(hours=hours))
    assert open_findings() == [finding]
    stored = DriftFinding.unscoped.get()
    assert (stored.first_seen_at, stored.last_seen_at) == (
        NOON + timedelta(hours=1),
        NOON + timedelta(hours=3),
    )
    (broken,) = stored.breaks
    assert (broken["kind"], broken["id"], broken["mapping_name"]) == (
        "route",
        str(route.public_id),
        "mapping",
    )
    (sentence,) = sentences()
    assert Notice.unscoped.get().path == f"/t/acme/connections/{salesforce.public_id}/schema/"
    assert sentence.startswith("“Acme's CRM”: ") and "“Orders to leads”" in sentence


@pytest.mark.parametrize(
    "fields",
    [
        list(reversed(list_fields_without())),
        change("Title", label="Position", length=20, inlineHelpText="Of the person."),
        [*list_fields_without(), field("Extra__c")],
        list_fields_without("Email"),  # which nothing uses
        change("Rating", picklistValues=field("", values=("Hot",))["picklistValues"]),
    ],
)
def test_a_change_that_breaks_nothing_is_no_finding(salesforce, baseline, fields):
    check(salesforce, describe(*fields), now=LATER)
    assert (open_findings(), sentences()) == ([], [])


@pytest.mark.parametrize(
    "answer",
    [
        Response(500, b'[{"errorCode":"UNKNOWN_EXCEPTION","message":"?"}]'),
        Response(503),
        Response(403, b'[{"errorCode":"INSUFFICIENT_ACCESS","message":"no"}]'),
        Response(404, b'[{"errorCode":"NOT_FOUND","message":"no"}]'),
        Response(401, b'[{"errorCode":"INVALID_SESSION_ID","message":"ended"}]'),
        Response(200, describe().body[:200]),
        Response(200, describe().body, is_truncated=True),
        Response(200, b"<html>Maintenance</html>"),
        Response(200, b'{"name":"Lead","label":"Lead","fields":[]}'),
        describe(field("LastName")),  # without its Id
    ],
)
def test_a_failed_read_proves_nothing(salesforce, baseline, answer):
    result, _http = check(salesforce, answer, now=LATER)
    assert (result.is_complete, open_findings()) == (False, [])
    stored = SchemaBaseline.unscoped.get()
    assert (stored.compared_at, stored.failed_at) == (NOON, LATER)
    Lane.unscoped.update(hold_reason="")  # a 401 holds the connection until its refresh
    check(salesforce, describe(*list_fields_without("Title")), now=LATER)
    assert open_findings() == [("removed", "Title", "Title", "")]


def test_a_failed_read_resolves_nothing(salesforce, baseline):
    check(salesforce, describe(*list_fields_without("Title")), now=LATER)
    check(salesforce, Response(503), now=LATER)
    assert open_findings() == [("removed", "Title", "Title", "")]


def test_fields_that_only_one_of_two_reads_misses_are_no_finding(salesforce, baseline):
    result, http = check(salesforce, describe(*list_fields_without("Title")), describe(), now=LATER)
    assert (result.is_complete, open_findings(), len(http.requests)) == (True, [], 2)
    check(salesforce, describe(*list_fields_without("Title")), Response(503), now=LATER)
    assert open_findings() == []


def test_what_is_known_to_be_gone_is_read_once(salesforce, baseline):
    check(salesforce, describe(*list_fields_without("Title")), now=LATER)
    _result, http = check(salesforce, describe(*list_fields_without("Title")), now=LATER)
    assert len(http.requests) == 1


def test_a_repaired_schema_resolves_the_finding_and_its_notice(salesforce, baseline):
    check(salesforce, describe(*RENAMED), now=NOON + timedelta(hours=1))
    check(salesforce, describe(), now=LATER)
    finding = DriftFinding.unscoped.get()
    assert (finding.state, finding.resolved_at) == ("resolved", LATER)
    assert Notice.unscoped.get().resolved_at == LATER


def test_a_repaired_mapping_resolves_the_finding(make, salesforce, route, baseline):
    check(salesforce, describe(*RENAMED), now=NOON + timedelta(hours=1))
    fields = {"LastName": "data.customer", "Title__c": "data.title"}
    make.version(route.mapping, {**BODY, "fields": fields})
    check(salesforce, describe(*RENAMED), now=LATER)
    assert open_findings() == []
    check(salesforce, describe(), now=LATER + timedelta(hours=1))
    assert open_findings() == [("renamed", "Title__c", "Title__c", "Title")]


def test_one_repaired_finding_leaves_the_notice_of_the_other(salesforce, baseline):
    check(
        salesforce, describe(*list_fields_without("Title", "Rating")), now=NOON + timedelta(hours=1)
    )
    check(salesforce, describe(*list_fields_without("Title")), now=LATER)
    assert open_findings() == [("removed", "Title", "Title", "")]
    still_open = Notice.unscoped.filter(resolved_at=None)
    assert ["“Title”" in notice.english_sentence for notice in still_open] == [True]


def test_a_finding_that_comes_back_is_a_new_one(salesforce, baseline):
    for number, fields in enumerate((RENAMED, list_fields_without(), RENAMED)):
        check(salesforce, describe(*fields), now=NOON + timedelta(hours=number + 1))
    assert DriftFinding.unscoped.count() == Notice.unscoped.count() == 2
    assert open_findings() == [("renamed", "Title", "Title", "Title__c")]


def test_a_removed_field_that_turns_out_to_be_renamed_is_the_same_finding(salesforce, baseline):
    check(salesforce, describe(*list_fields_without("Title")), now=NOON + timedelta(hours=1))
    check(salesforce, describe(*RENAMED), now=LATER)
    assert open_findings() == [("renamed", "Title", "Title", "Title__c")]
    assert DriftFinding.unscoped.count() == Notice.unscoped.count() == 1


def test_only_objects_that_are_used_are_read(make, acme, salesforce, route):
    body = {"object": "'Contact'", "fields": {"LastName": "data.customer"}}
    make.route(salesforce, action="create", body=body)
    result, http = check(salesforce, describe(name="Contact"), describe(), patience=None)
    assert sorted(result.compared_objects) == ["Contact", "Lead"]
    assert sorted(request.url.split("/")[-2] for request in http.requests) == ["Contact", "Lead"]


def test_an_object_that_nothing_uses_any_more_is_forgotten(salesforce, route, baseline):
    check(salesforce, describe(*list_fields_without("Title")), now=NOON + timedelta(hours=1))
    route.delete()
    _result, http = check(salesforce, describe(), now=LATER)
    assert (http.requests, open_findings()) == ([], [])
    assert not SchemaBaseline.unscoped.exists()


def test_a_disabled_route_is_named_and_noticed_when_it_is_enabled(salesforce, route, baseline):
    type(route).unscoped.update(enabled=False)
    check(salesforce, describe(*list_fields_without("Title")), now=NOON + timedelta(hours=1))
    assert (len(open_findings()), sentences()) == (1, [])
    type(route).unscoped.update(enabled=True)
    check(salesforce, describe(*list_fields_without("Title")), now=LATER)
    assert len(sentences()) == 1


def test_a_reconciliation_is_named_by_the_finding(make, acme, salesforce):
    options = {
        "remote": {"collection": "records", "query": {"object": "Lead", "fields": "Title"}},
        "fields": [{"name": "t", "local": "t", "remote": "Title"}],
    }
    job = make.job(acme, name="Nightly leads", options=options)
    check(salesforce, describe())
    check(salesforce, describe(*list_fields_without("Title")), now=LATER)
    (broken,) = DriftFinding.unscoped.get().breaks
    assert broken == {
        "kind": "job",
        "id": str(job.public_id),
        "name": "Nightly leads",
        "job_kind": "reconcile",
        "is_enabled": True,
        "is_source": False,
        "reads": [],
    }


def test_a_spent_quota_leaves_the_rest_for_later(make, salesforce, route):
    make.route(salesforce, action="create", body={**BODY, "object": "'Account'"})
    refusal = Response(403, b'[{"errorCode":"REQUEST_LIMIT_EXCEEDED","message":"TotalRequests"}]')
    result, http = check(salesforce, refusal)
    assert (len(result.failures), len(result.unread_objects), len(http.requests)) == (1, 1, 1)


def test_a_late_check_reads_nothing(salesforce, route):
    result, http = check(salesforce, describe(), is_late=lambda: True)
    assert (result.unread_objects, http.requests) == (("Lead",), [])


def test_of_two_checks_at_once_one_is_stored(salesforce, baseline):
    def respond(request):
        http = FakeHttp(describe(*list_fields_without("Title")))
        if not open_findings():
            check_connection_objects(salesforce, SchemaCheckContext(http.call, lambda: LATER))
        return describe()

    http = FakeHttp(respond)
    check_connection_objects(salesforce, SchemaCheckContext(http.call, lambda: LATER))
    assert open_findings() == [("removed", "Title", "Title", "")]


def test_another_tenants_connection_is_not_touched(make, salesforce, baseline):
    other = make.connection(make.tenant("other"), "salesforce")
    check(salesforce, describe(*list_fields_without("Title")), now=LATER)
    assert not DriftFinding.objects.of(other.tenant).exists()
    assert DriftFinding.objects.of(salesforce.tenant).count() == 1


def test_erasing_the_data_of_a_connection_deletes_findings_and_baselines(salesforce, baseline):
    check(salesforce, describe(*list_fields_without("Title")), now=LATER)
    erase_drift(salesforce, now=LATER)
    assert not DriftFinding.unscoped.exists() and not SchemaBaseline.unscoped.exists()
    assert find_object_schema(salesforce, "Lead") is not None
