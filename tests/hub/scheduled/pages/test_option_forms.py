"""Options of jobs as fields, for people who do not write JSON."""

import json

import pytest
from django.http import QueryDict

from hub.scheduled.forms.option_form import open_option_form
from hub.scheduled.jobs.job_checks import find_option_errors
from hub.scheduled.models import Job
from hub.scheduled.reconciliation.declared_options import RECONCILE_OPTIONS
from tests.hub.scheduled.pages.test_portal_actions import FORM, load_page, post
from tests.tenants.door import sign_in

pytestmark = pytest.mark.django_db
RECONCILE = {
    **RECONCILE_OPTIONS.build_example(),
    "limits": {"share": 0.25, "count": 40},
    "missing": {"here": "report", "there": "create"},
    "overlap_minutes": 30,  # has no field
}
RECONCILE["fields"] = [
    {**RECONCILE["fields"][0], "type": "picklist", "values": {"placed": "New"}},
    {"name": "total", "local": "total", "remote": "Total__c", "type": "decimal", "owner": "theirs"},
]
SHIP = {"source": "api", "index": "main", "fields": {"team": "shop"}, "batch_seconds": 5}
SYNC = {"changes": ["created", "updated"], "overlap_minutes": 30, "query": {"owner_id": "7"}}
REPORT = {
    "query": {"kind": "soql", "object": "Opportunity", "time_field": "CloseDate"},
    "period": "last_month",
    "chart": {"show": False},
    "message": {"channel": "C0000ORD1"},
}
KINDS = [
    ("reconcile", "salesforce", RECONCILE),
    ("report", "salesforce", REPORT),
    ("ship", "splunk", SHIP),
    ("sync", "pipedrive", SYNC),
]


def submit(form, **changes):
    """Return the data that a browser sends of this form, with these changes."""
    data = QueryDict(mutable=True)
    rows = form.rows
    forms = [form, *([rows.management_form, *rows] if rows is not None else [])]
    for bound in [field for part in forms for field in part]:
        value = changes.get(bound.html_name.removeprefix("option-"), bound.value())
        values = value if isinstance(value, list) else [value]
        data.setlist(bound.html_name, [str(one) for one in values if one not in (None, False)])
    return data


@pytest.mark.parametrize(("kind", "connector_key", "options"), KINDS)
def test_a_form_that_is_sent_unchanged_means_the_same_options(kind, connector_key, options):
    form = open_option_form(kind, connector_key, options, None)
    form = open_option_form(kind, connector_key, options, submit(form))
    assert form.is_valid(), form.errors
    built = form.build()
    assert not find_option_errors(Job(kind=kind, connector_key=connector_key, options=built))
    assert built | options == built
    for name in ("fields", "query", "limits"):
        assert built.get(name) == options.get(name)


@pytest.mark.parametrize(("kind", "connector_key", "options"), KINDS[1:])
def test_an_empty_form_is_a_valid_job(kind, connector_key, options):
    form = open_option_form(kind, connector_key, {}, None)
    form = open_option_form(kind, connector_key, {}, submit(form))
    assert form.is_valid(), form.errors
    job = Job(kind=kind, connector_key=connector_key, options=form.build())
    assert not find_option_errors(job)


@pytest.mark.parametrize(("kind", "connector_key", "options"), KINDS)
def test_options_for_a_system_that_is_gone_are_not_valid(kind, connector_key, options):
    job = Job(kind=kind, connector_key="gone", options=options)
    assert find_option_errors(job) == {"options": "There is no such system."}


def test_rows_are_added_changed_and_left_out():
    form = open_option_form("reconcile", "salesforce", RECONCILE, None)
    changes = {
        "fields-0-name": "",
        "fields-0-local": "",
        "fields-0-remote": "",
        "fields-1-owner": "newer",
        "fields-2-name": "note",
        "fields-2-local": "note",
        "fields-2-remote": "Note__c",
    }
    form = open_option_form("reconcile", "salesforce", RECONCILE, submit(form, **changes))
    assert form.is_valid()
    rows = [(row["name"], row["owner"]) for row in form.build()["fields"]]
    assert rows == [("total", "newer"), ("note", "report")]


CONDITIONS = [
    {"field": "Number__c", "is": "not_null"},
    {"field": "Parent.Name", "is": "null"},
    {"field": "Stage", "is": "in", "value": ["Closed Won", "a, b", "5", "true"]},
    {"field": "Amount", "is": "not_equal", "value": 0},
    {"field": "Code", "is": "equal", "value": "= in 'x'"},
    {"field": "IsWon", "is": "not_in", "value": [True, 7.5]},
]


@pytest.mark.corrections(item="1.15")
def test_conditions_are_lines_and_mean_the_same_when_they_are_sent_unchanged():
    options = {**RECONCILE, "remote": {**RECONCILE["remote"], "conditions": CONDITIONS}}
    form = open_option_form("reconcile", "salesforce", options, None)
    data = submit(form)
    assert data["option-remote_conditions"].splitlines()[1] == "Parent.Name is null"
    form = open_option_form("reconcile", "salesforce", options, data)
    assert form.is_valid() and not form.has_changed()
    assert form.build()["remote"]["conditions"] == CONDITIONS


@pytest.mark.corrections(item="1.15")
@pytest.mark.parametrize("line", ["Stage", "Stage is null 5", "Stage in", "= 5", "Stagein Won"])
def test_a_line_that_is_no_condition_is_shown(line):
    data = submit(open_option_form("reconcile", "salesforce", RECONCILE, None))
    data["option-local_conditions"] = line
    form = open_option_form("reconcile", "salesforce", RECONCILE, data)
    assert not form.is_valid() and line in str(form.errors["local_conditions"])


@pytest.mark.corrections(item="1.15")
def test_a_value_of_many_brackets_is_a_text():
    data = submit(open_option_form("reconcile", "salesforce", RECONCILE, None))
    data["option-local_conditions"] = "Stage = " + "[" * 15_000
    form = open_option_form("reconcile", "salesforce", RECONCILE, data)
    assert form.is_valid()
    assert form.build()["local"]["conditions"][0]["value"] == "[" * 15_000


def test_a_share_that_programs_stored_as_a_whole_number_stays_the_same():
    options = {**RECONCILE, "limits": {"share": 1}}
    form = open_option_form("reconcile", "salesforce", options, None)
    data = submit(form, limits_count="40")
    assert data["option-limits_share"] == "100"
    form = open_option_form("reconcile", "salesforce", options, data)
    assert form.is_valid() and form.build()["limits"] == {"share": 1, "count": 40}


def test_a_sync_of_no_changes_is_refused():
    form = open_option_form("sync", "pipedrive", SYNC, None)
    form = open_option_form("sync", "pipedrive", SYNC, submit(form, changes=[]))
    assert not form.is_valid() and set(form.errors) == {"changes"}


def test_a_row_with_a_gap_says_what_is_missing():
    form = open_option_form("reconcile", "salesforce", RECONCILE, None)
    data = submit(form, **{"fields-2-name": "note"})
    form = open_option_form("reconcile", "salesforce", RECONCILE, data)
    assert not form.is_valid()
    assert set(form.rows[2].errors) == {"local", "remote"}


# --- on the pages ---------------------------------------------------------------------------------


@pytest.fixture
def browser(client, make):
    tenant = make.tenant("acme", time_zone="Europe/Berlin")
    make.membership(tenant, make.user("ann@acme.test"), "owner")
    for connector in ("salesforce", "splunk"):
        make.connection(tenant, connector)
    sign_in(client, "ann@acme.test")
    return client


def data_of(kind, connector_key, options=(), **changes):
    form = open_option_form(kind, connector_key, dict(options), None)
    job = FORM | {"kind": kind, "connector_key": connector_key, "cron": "0 2 * * *"}
    return job | dict(submit(form, **changes).lists())


def test_a_person_chooses_kind_and_system_and_then_fills_in_fields(browser):
    assert "Fill in a form" in load_page(browser, "jobs/add")
    path = "jobs/add?kind=ship&connector_key=splunk"
    text = load_page(browser, path)
    assert "Source type" in text and "Log shipping · Splunk" in text
    assert "The job has been added." in post(browser, path, data_of("ship", "splunk", index="main"))
    job = Job.unscoped.get()
    assert (job.kind, job.options) == ("ship", {"source": "api", "index": "main"})


def test_a_reconciliation_is_made_of_a_table_of_fields(browser):
    path = "jobs/add?kind=reconcile&connector_key=salesforce"
    assert "Compared fields" in load_page(browser, path)
    data = data_of("reconcile", "salesforce", RECONCILE)
    assert "The job has been added." in post(browser, path, data)
    assert Job.unscoped.get().options["fields"][1]["name"] == "total"


def test_an_invalid_option_is_shown_at_its_field(browser):
    path = "jobs/add?kind=reconcile&connector_key=salesforce"
    data = data_of("reconcile", "salesforce", RECONCILE, match_local="a b")
    text = post(browser, path, data)
    assert "The job has been added." not in text
    assert 'aria-invalid="true"' in text


def test_an_expert_may_change_the_json_instead_and_not_both(browser, make):
    post(browser, "jobs/add?kind=ship&connector_key=splunk", data_of("ship", "splunk"))
    job = Job.unscoped.get()
    path = f"jobs/{job.public_id}/change"
    options = json.dumps({"source": "audit"})
    data = data_of("ship", "splunk", job.options) | {"options": options}
    assert "The job has been changed." in post(browser, path, data)
    job.refresh_from_db()
    assert job.options == {"source": "audit"}
    data = data_of("ship", "splunk", job.options, index="main") | {"options": "{}"}
    assert "not both" in post(browser, path, data)


def test_staff_fill_in_the_same_fields(client, make):
    client.force_login(make.user("staff@hub.test", is_staff=True, is_superuser=True))
    path = "/admin/scheduled/job/new/?kind=ship&connector_key=splunk"
    page = client.get(path)
    assert "Source type" in page.content.decode()
    data = data_of("ship", "splunk", index="main") | {"owner": "", "priority": "0"}
    client.post(path, data)
    assert Job.unscoped.get().options == {"source": "api", "index": "main"}
