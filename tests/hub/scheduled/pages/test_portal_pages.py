"""The customers' pages of jobs and runs."""

import uuid
from datetime import timedelta

import pytest

from hub.db.clock import clock
from hub.scheduled.models import Run, RunLogEntry
from tests.hub.portal.query_counts import count_queries
from tests.hub.scheduled.night.builders import create_job, create_run, create_schedule

pytestmark = pytest.mark.django_db


@pytest.fixture
def job(acme):
    job = create_job(acme, cron="30 2 * * *")
    create_schedule(job, acme, next_slot_at=clock(), time_zone="Europe/Berlin")
    return job


def load_page(browser, path):
    answer = browser.get(f"/t/acme/{path}")
    assert answer.status_code == 200, answer
    return " ".join(answer.content.decode().split())


def test_a_job_is_listed_with_its_schedule_in_words_and_three_times(browser, job):
    text = load_page(browser, "jobs/")
    assert "Nightly orders" in text and "Every day at 02:30" in text
    assert text.count(" 02:30 CE") == 3


def test_without_jobs_the_next_step_is_named(browser):
    assert "No job yet" in load_page(browser, "jobs/")
    assert "No run yet" in load_page(browser, "runs/")


def test_a_job_of_all_tenants_is_shown_to_those_who_connected_its_system(browser, acme):
    job = create_job(None, name="For everybody")
    assert "Salesforce is not connected" in load_page(browser, "jobs/")
    assert "for all organisations" in load_page(browser, f"jobs/{job.public_id}/")


def test_a_disabled_job_has_no_next_times(browser, job):
    job.is_enabled = False
    job.save()
    assert "it does not run" in load_page(browser, "jobs/")


def test_runs_are_filtered_by_state_and_job(browser, acme, job):
    create_run(job, acme)
    other = create_job(acme, name="Monday's report")
    create_run(other, acme, state="failed", reason="too_old")
    assert "Monday&#x27;s report" in load_page(browser, "runs/?state=failed")
    assert "Nightly orders" not in load_page(browser, "runs/?state=failed")
    assert "Runs of Nightly orders" in load_page(browser, f"runs/?job={job.public_id}")
    assert "No run matches" in load_page(browser, f"runs/?job={job.public_id}&state=failed")


@pytest.mark.parametrize("query", ["job=x", "state=nonsense", "job=%00", "after=x"])
def test_filters_that_mean_nothing_hide_no_run(browser, acme, job, query):
    run = create_run(job, acme)
    assert f"runs/{run.public_id}/" in load_page(browser, f"runs/?{query}")


def test_what_follows_a_run_that_never_was_is_nothing(browser, acme, job):
    run = create_run(job, acme)
    assert f"runs/{run.public_id}/" not in load_page(browser, f"runs/?after={uuid.UUID(int=7)}")


def running(job, acme, **values):
    now = clock()
    run = create_run(
        job,
        acme,
        slot_at=now - timedelta(minutes=1),
        state="running",
        finished_at=None,
        done_count=300,
        expected_count=1_000,
        calls={"salesforce|account|00D|": 7},
        **values,
    )
    RunLogEntry.unscoped.create(
        run=run, at=now, level="warning", kind="page_failed", parameters={"attempts": 1_200}
    )
    return run


def test_a_running_run_shows_progress_rate_estimate_calls_and_log(browser, acme, job):
    run = running(job, acme)
    text = load_page(browser, f"runs/{run.public_id}/")
    for part in ("300 of 1,000 records", "5.0 a second", "about 2 minutes left", "Page failed"):
        assert part in text, part
    assert "attempts: 1,200" in text and 'hx-trigger="every 2s"' in text
    assert "Salesforce" in text and ">7<" in text


def test_the_progress_is_not_sent_again_unless_it_changed(browser, acme, job):
    run = running(job, acme, expected_seconds=60)
    url = f"/t/acme/runs/{run.public_id}/live"
    Run.unscoped.filter(pk=run.pk).update(started_at=None)
    etag = browser.get(url)["ETag"]
    assert browser.get(url, headers={"if-none-match": etag}).status_code == 304


def test_the_page_is_loaded_again_when_the_run_has_ended(browser, acme, job):
    run = create_run(job, acme, result={"compared": 12_000})
    assert browser.get(f"/t/acme/runs/{run.public_id}/live")["HX-Refresh"] == "true"
    text = load_page(browser, f"runs/{run.public_id}/")
    assert "12,000" in text and "hx-trigger" not in text.split("<h1>")[1]


def test_the_last_day_is_shown_beside_its_plan(browser, make, acme, job):
    slot_at = clock() - timedelta(hours=3)
    create_run(
        job,
        acme,
        slot_at=slot_at,
        seconds=600,
        calls={"salesforce|calls||": 600},
        expected_seconds=540,
        expected_calls={"salesforce": 540},
    )
    other = make.tenant("other", name="Somebody else")
    create_run(create_job(other, name="Another's job"), other, slot_at=slot_at)
    text = load_page(browser, "runs/night/")
    assert "Nightly orders" in text and "600 calls in all" in text
    assert "Another&#x27;s job" not in text and "Somebody else" not in text


def test_a_day_without_runs_names_the_next_step(browser):
    assert "No run was due" in load_page(browser, "runs/night/")


def test_another_tenants_run_and_job_are_not_found(browser, make):
    other = make.tenant("other")
    job = create_job(other)
    run = create_run(job, other)
    for path in (f"jobs/{job.public_id}/", f"runs/{run.public_id}/", f"runs/{run.public_id}/live"):
        assert browser.get(f"/t/acme/{path}").status_code == 404


def test_runs_of_others_of_a_job_of_all_tenants_are_not_shown(browser, make, acme):
    job = create_job(None, name="For everybody")
    run = create_run(job, make.tenant("other"), state="failed")
    assert str(run.public_id) not in load_page(browser, f"jobs/{job.public_id}/")
    assert str(run.public_id) not in load_page(browser, "jobs/")
    assert "No run yet" in load_page(browser, "runs/")


def test_lists_take_the_same_statements_for_sixty_rows(browser, acme, job):
    create_run(job, acme)
    before = count_queries(browser, "/t/acme/jobs/"), count_queries(browser, "/t/acme/runs/")
    for number in range(60):
        other = create_job(acme, name=f"job {number}")
        create_schedule(other, acme, next_slot_at=clock())
        create_run(other, acme)
    assert (
        count_queries(browser, "/t/acme/jobs/"),
        count_queries(browser, "/t/acme/runs/"),
    ) == before
    assert "Older" in load_page(browser, "jobs/") and "Older" in load_page(browser, "runs/")
