"""The pages of log shipping: what waits, what was lost, and what stopped it."""

from datetime import timedelta

import pytest
from django.urls import reverse

from hub.db.clock import clock
from hub.scheduled.models import Log, LogPosition
from tests.hub.portal.query_counts import count_queries
from tests.hub.scheduled.logs import entries, store_lines
from tests.scheduled_factories import NIGHT

pytestmark = pytest.mark.django_db

PAGE = "/t/acme/logs/"


@pytest.fixture
def acme(make):
    tenant = make.tenant("acme")
    make.membership(tenant, make.user("ann@acme.test"), "owner")
    return tenant


@pytest.fixture
def job(make, acme):
    make.connection(acme, "splunk", name="Our Splunk")
    return make.job(acme, kind="ship", connector="splunk", name="Logs")


def load_page(browser, url=PAGE):
    answer = browser.get(url)
    assert answer.status_code == 200, answer
    return " ".join(answer.content.decode().split())


def test_without_splunk_the_page_names_the_next_step(browser):
    assert "No system takes your logs yet" in load_page(browser)


def test_what_waits_is_shown_with_its_lag(browser, acme, job):
    store_lines(acme, *entries(3), now=clock() - timedelta(minutes=12))
    text = load_page(browser)
    assert "In progress" in text and "12 minutes" in text
    assert "Sent to the API" in text


def test_lines_that_wait_for_long_are_late(browser, acme, job):
    store_lines(acme, *entries(3), now=clock() - timedelta(hours=2))
    text = load_page(browser)
    assert "Late" in text and "more than 30 minutes" in text and "2 hours" in text


def test_lines_that_no_job_ships_are_named(make, browser, acme):
    store_lines(acme, *entries(1))
    assert "no job ships them" in load_page(browser)


def test_an_error_is_named_with_what_to_do(make, browser, acme, job):
    store_lines(acme, *entries(1))
    run = make.run(job, state="failed", reason="log_lines_refused", detail="index missing")
    text = load_page(browser)
    assert "Stopped" in text and "refuses many log lines" in text and "index missing" in text
    assert f"/t/acme/runs/{run.public_id}/" in text
    make.run(job, at=NIGHT + timedelta(hours=1), state="finished")
    assert "Stopped" not in load_page(browser)


def test_what_was_dropped_or_rejected_is_counted(browser, acme, job):
    log = Log.unscoped.create(tenant=acme, next_line=1_000)
    LogPosition.unscoped.create(
        tenant=acme, log=log, shipped_line=1_000, dropped_count=12, rejected_count=3
    )
    text = load_page(browser)
    assert "Up to date" in text and ">12<" in text and ">3<" in text and ">985<" in text


def test_the_part_that_changes_is_sent_only_if_it_did(browser, acme, job):
    first = browser.get(f"{PAGE}live")
    assert first.status_code == 200 and "<html" not in first.content.decode()
    again = browser.get(f"{PAGE}live", headers={"if-none-match": first.headers["ETag"]})
    assert again.status_code == 304


def test_the_page_takes_the_same_statements_for_many_runs(make, browser, acme, job):
    store_lines(acme, *entries(1))
    make.run(job)
    few = count_queries(browser, PAGE)
    for hour in range(12):
        make.run(job, at=NIGHT + timedelta(hours=hour + 1))
    store_lines(acme, *entries(1), source="audit")
    assert count_queries(browser, PAGE) == few


@pytest.fixture
def staff(make, client):
    client.force_login(make.staff(is_superuser=True))
    return client


def test_staff_see_the_logs_of_all_tenants(make, staff, acme, job, django_assert_max_num_queries):
    store_lines(acme, *entries(3), now=clock() - timedelta(minutes=12))
    for _ in range(5):
        store_lines(make.tenant(), *entries(2))
    with django_assert_max_num_queries(8):
        text = load_page(staff, "/admin/scheduled/logposition/")
    assert "12 min" in text
    position = LogPosition.unscoped.get(tenant=acme)
    text = load_page(staff, reverse("admin:scheduled_logposition_change", args=[position.pk]))
    assert "Log shipping of Acme" in text and "In progress" in text
