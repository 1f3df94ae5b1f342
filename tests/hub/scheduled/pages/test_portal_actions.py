"""What customers do with jobs and runs on their pages."""

import pytest

from hub.audit import AuditRow
from hub.scheduled.models import Job, JobSchedule, Run
from tests.tenants.door import sign_in

pytestmark = pytest.mark.django_db
FORM = {
    "name": "Monday's sales",
    "kind": "report",
    "connector_key": "slack",
    "connection": "",
    "cron": "0 9 * * mon",
    "window_minutes": "",
    "deadline_minutes": "",
    "catch_up": "run_late",
    "options": "{}",
}


@pytest.fixture
def acme(make):
    tenant = make.tenant("acme", time_zone="Europe/Berlin")
    make.membership(tenant, make.user("ann@acme.test"), "owner")
    make.membership(tenant, make.user("bob@acme.test"), "member")
    make.connection(tenant, "slack", name="Our Slack")
    return tenant


@pytest.fixture
def browser(client, acme):
    sign_in(client, "ann@acme.test")
    return client


@pytest.fixture
def job(make, acme):
    job = make.job(acme, connector="slack", kind="report", name="Sales", options={})
    make.job_schedule(job)
    return job


def load_page(browser, path):
    answer = browser.get(f"/t/acme/{path}")
    assert answer.status_code == 200, answer
    return " ".join(answer.content.decode().split())


def post(browser, path, data=None):
    """Post, and return the page to which it leads."""
    answer = browser.post(f"/t/acme/{path}", data or {}, follow=True)
    assert answer.status_code == 200, answer
    return " ".join(answer.content.decode().split())


def test_a_job_is_added_with_its_schedule_and_audited(browser, acme):
    assert "Add a job" in load_page(browser, "jobs/add")
    text = post(browser, "jobs/add", FORM)
    assert "The job has been added." in text and "Every Monday at 09:00" in text
    job = Job.unscoped.get()
    assert (job.tenant, job.name, job.connector_key) == (acme, "Monday's sales", "slack")
    assert JobSchedule.unscoped.get().time_zone == "Europe/Berlin"
    assert AuditRow.objects.get(verb="job.create").actor_label == "ann@acme.test"


ERRORS = {
    "cron": ({"cron": "every monday"}, "This is not a schedule"),
    "json": ({"options": "{"}, "This is not valid JSON"),
    "unstorable": ({"options": '{"title": "\\u0000"}'}, "This is not valid JSON"),
    "not an object": ({"options": "[]"}, "Enter a JSON object"),
    "options of the kind": ({"options": '{"colour": "red"}'}, "colour"),
    "window": ({"window_minutes": "0"}, "greater than or equal to 1"),
    "system": ({"connector_key": "salesforce"}, "Select a valid choice"),
    "name": ({"name": ""}, "required"),
    "hostile": ({"name": "\0", "cron": "\0"}, "Null characters"),
}


@pytest.mark.parametrize("name", ERRORS)
def test_each_error_is_shown_at_its_field_and_nothing_is_stored(browser, name):
    change, error = ERRORS[name]
    text = post(browser, "jobs/add", FORM | change)
    assert error in text, text
    assert not Job.unscoped.exists()


def test_a_connection_of_another_tenant_cannot_be_chosen(browser, make):
    other = make.connection(make.tenant("other"), "slack", name="Their Slack")
    assert "Their Slack" not in load_page(browser, "jobs/add")
    assert "Select a valid choice" in post(browser, "jobs/add", FORM | {"connection": other.pk})


def test_without_a_connected_system_the_form_names_the_next_step(make, client):
    make.membership(make.tenant("new"), make.user("cem@new.test"), "owner")
    sign_in(client, "cem@new.test")
    assert "No system is connected" in client.get("/t/new/jobs/add").content.decode()


def test_a_job_is_changed_and_keeps_its_kind_and_system(browser, job):
    form = load_page(browser, f"jobs/{job.public_id}/change")
    assert 'value="Sales"' in form and "connector_key" not in form
    changes = FORM | {"name": "Weekly sales", "kind": "ship", "window_minutes": "20"}
    assert "has been changed" in post(browser, f"jobs/{job.public_id}/change", changes)
    job.refresh_from_db()
    assert (job.name, job.kind, job.window_minutes) == ("Weekly sales", "report", 20)


def test_a_job_is_disabled_and_enabled(browser, job):
    assert "is disabled" in post(browser, f"jobs/{job.public_id}/disable")
    assert JobSchedule.unscoped.get().next_slot_at is None
    assert "is enabled" in post(browser, f"jobs/{job.public_id}/enable")
    assert JobSchedule.unscoped.get().next_slot_at is not None


def test_a_run_is_started_by_hand_once_and_cancelled(browser, job):
    text = post(browser, f"jobs/{job.public_id}/dry")
    assert "The run has been started." in text and "It changes nothing." in text
    run = Run.unscoped.get()
    assert (run.slot_at, run.is_dry, run.requested_by) == (None, True, "ann@acme.test")
    assert "waits already" in post(browser, f"jobs/{job.public_id}/start")
    assert "cancelled" in post(browser, f"runs/{run.public_id}/cancel")
    assert "has changed in the meantime" in post(browser, f"runs/{run.public_id}/cancel")


def test_a_blocked_run_continues_on_request(browser, make, job):
    run = make.run(job, state="blocked", reason="not_connected")
    assert "Continue" in load_page(browser, f"runs/{run.public_id}/")
    post(browser, f"runs/{run.public_id}/resume")
    run.refresh_from_db()
    assert run.state == "waiting"


def test_a_job_is_deleted_unless_it_runs(browser, make, job):
    run = make.run(job, state="running")
    assert "has not ended" in post(browser, f"jobs/{job.public_id}/delete")
    Run.unscoped.filter(pk=run.pk).update(state="finished")
    assert "have been deleted" in post(browser, f"jobs/{job.public_id}/delete")
    assert not Job.unscoped.exists()


def test_a_job_of_all_tenants_is_started_for_the_own_tenant_and_not_changed(browser, make, acme):
    job = make.job(None, connector="slack", kind="report", name="For everybody", options={})
    post(browser, f"jobs/{job.public_id}/start")
    assert Run.unscoped.get().tenant == acme
    for verb in ("disable", "delete", "change"):
        assert browser.post(f"/t/acme/jobs/{job.public_id}/{verb}").status_code == 403
    assert "Delete it" not in load_page(browser, f"jobs/{job.public_id}/")


def test_a_member_sees_jobs_and_changes_nothing(client, job, make):
    sign_in(client, "bob@acme.test")
    run = make.run(job)
    assert "Start now" not in load_page(client, f"jobs/{job.public_id}/")
    assert "Add a job" not in load_page(client, "jobs/")
    paths = ("jobs/add", f"jobs/{job.public_id}/change", f"jobs/{job.public_id}/start")
    for path in (*paths, f"runs/{run.public_id}/cancel"):
        assert client.post(f"/t/acme/{path}", FORM).status_code == 403


@pytest.mark.parametrize("path", ["jobs/{job}/explode", "runs/{run}/explode"])
def test_an_unknown_verb_is_not_found(browser, make, job, path):
    path = path.format(job=job.public_id, run=make.run(job).public_id)
    assert browser.post(f"/t/acme/{path}").status_code == 404
