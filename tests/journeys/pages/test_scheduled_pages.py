"""The pages of jobs, runs and the night in a real browser, of staff and of customers: axe objects
to nothing, nothing is too wide, and nothing breaks.
"""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from hub.db.clock import clock
from hub.scheduled.models import RunLogEntry
from tests.hub.scheduled.night.builders import create_job, create_run, create_schedule
from tests.journeys.axe import WCAG, assert_accessible

pytestmark = [pytest.mark.desk, pytest.mark.django_db]
DAY = timedelta(days=1)


@pytest.fixture
def acme(make):
    tenant = make.tenant("acme", name="Acme Teas", time_zone="Europe/Berlin")
    make.connection(tenant, "salesforce", name="Acme's Salesforce")
    return tenant


@pytest.fixture
def scheduled(make, acme):
    """A job with a coming night and a past one, and runs of each state."""
    now = clock().replace(second=0, microsecond=0)
    slot_at = now + timedelta(hours=2)
    job = create_job(None, cron=f"{slot_at.minute} {slot_at.hour} * * *", deadline_minutes=250)
    for number in range(12):
        tenant = acme if number == 0 else make.tenant(f"night-{number}")
        calls = {f"salesforce|account|00D{number}|": 400 * number + 7, "app|app||requests": 300}
        seconds = 400 if number < 11 else 20_000
        create_run(
            job,
            tenant,
            slot_at=slot_at - DAY,
            seconds=seconds,
            calls=calls,
            expected_seconds=300,
            expected_calls={"salesforce": 300},
        )
        create_schedule(job, tenant, next_slot_at=slot_at, time_zone=tenant.time_zone)
    own = create_job(acme, name="Monday's sales", kind="report", cron="0 9 * * mon")
    schedule = create_schedule(own, acme, next_slot_at=slot_at, time_zone="Europe/Berlin")
    states = ("waiting", "blocked", "failed", "skipped", "cancelled")
    for hours, state in enumerate(states):
        reason = "not_connected" if state == "blocked" else ""
        slot = now - timedelta(hours=hours)
        create_run(own, acme, slot_at=slot, state=state, reason=reason)
    running = create_run(
        own,
        acme,
        slot_at=now - timedelta(minutes=3),
        state="running",
        finished_at=None,
        done_count=1_200,
        expected_count=9_000,
        calls={"salesforce|calls||": 12},
    )
    for level in ("info", "warning", "error"):
        RunLogEntry.unscoped.create(
            run=running, at=now, level=level, kind="page_read", parameters={"records": 200}
        )
    return own, running, schedule


def test_staff_see_jobs_runs_and_the_night(browser, make, scheduled):
    job, run, schedule = scheduled
    client = Client()
    client.force_login(make.staff(is_superuser=True))
    names = ("job", "run", "jobschedule")
    night = reverse("admin:scheduled_run_night")
    urls = [
        *(reverse(f"admin:scheduled_{name}_changelist") for name in names),
        *(
            reverse(f"admin:scheduled_{name}_change", args=[row.pk])
            for name, row in zip(names, (job, run, schedule), strict=True)
        ),
        reverse("admin:scheduled_job_new"),
        reverse("admin:scheduled_job_new") + "?kind=reconcile&connector_key=salesforce",
        reverse("admin:scheduled_job_edit", args=[job.pk]),
        night,
        f"{night}?night=last",
    ]
    assert_accessible(browser, client, *urls, rules=WCAG)


def test_customers_see_their_jobs_and_runs(browser, make, acme, scheduled):
    job, run, _schedule = scheduled
    client = Client()
    client.force_login(make.membership(acme, make.user(name="Ann"), role="owner").user)
    here = "/t/acme/"
    urls = [
        f"{here}jobs/",
        f"{here}jobs/add",
        f"{here}jobs/add?kind=reconcile&connector_key=salesforce",
        f"{here}jobs/{job.public_id}/",
        f"{here}jobs/{job.public_id}/change",
        f"{here}runs/",
        f"{here}runs/night/",
        f"{here}runs/?state=finished&job={job.public_id}",
        f"{here}runs/{run.public_id}/",
    ]
    assert_accessible(browser, client, *urls)


def test_an_empty_schedule_names_the_next_step(browser, make):
    new = make.tenant("new", name="New Teas")
    client = Client()
    client.force_login(make.membership(new, make.user(name="Ann"), role="owner").user)
    assert_accessible(browser, client, "/t/new/jobs/", "/t/new/jobs/add", "/t/new/runs/")
    assert_accessible(browser, client, "/t/new/runs/night/")
