"""The result, the certificate and the nights of a reconciliation."""

import hashlib
import json
from datetime import timedelta

import pytest
from django.utils import translation

from hub.scheduled.insight.certificates import (
    build_certificate,
    build_certificate_file,
    format_certificate,
)
from hub.scheduled.insight.run_results import list_nights, read_result
from tests.scheduled_factories import NIGHT, RESULT

pytestmark = pytest.mark.django_db


@pytest.fixture
def job(make):
    return make.job(make.tenant("acme", time_zone="Europe/Berlin"))


def test_a_certificate_states_the_counts_in_the_tenants_time(make, job):
    certificate = build_certificate(make.finished_run(job))
    assert certificate["statement"] == "9,996 of 10,000 equal at 02:14"
    assert certificate["verdicts"]["differs"] == 3 and certificate["verdicts"]["ambiguous"] == 0
    text = format_certificate(certificate)
    assert "9,996 of 10,000 equal at 02:14" in text and certificate["digest"] in text


def test_the_digest_of_a_certificate_covers_all_other_entries(make, job):
    certificate = build_certificate(make.finished_run(job))
    digest = certificate.pop("digest")
    text = json.dumps(certificate, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    assert hashlib.sha256(text.encode()).hexdigest() == digest


def test_a_certificate_is_the_same_in_every_language_and_its_text_is_the_readers(make, job):
    run = make.finished_run(job)
    certificate = build_certificate(run)
    with translation.override("de"):
        assert build_certificate(run) == certificate
        text = build_certificate_file(run, "txt").content
    assert "9.996 von 10.000 gleich um 02:14" in text and certificate["digest"] in text


def test_a_run_that_did_not_compare_has_no_certificate(make, job):
    assert build_certificate(make.run(job)) is None
    report = make.job(job.tenant, kind="report")
    assert build_certificate(make.finished_run(report)) is None


@pytest.mark.parametrize(
    ("changes", "is_equal"),
    [
        ({"equal": 10_000}, True),
        ({}, False),
        ({"equal": 10_000, "read": "incremental"}, False),
        ({"equal": 10_000, "is_complete": False}, False),
    ],
)
def test_only_a_full_and_complete_read_shows_that_all_is_equal(make, job, changes, is_equal):
    assert read_result(make.finished_run(job, result=RESULT | changes)).is_equal is is_equal


def test_the_nights_are_the_last_runs_that_compared(make, job, django_assert_num_queries):
    make.run(job, at=NIGHT + timedelta(days=20))
    make.finished_run(make.job(job.tenant), at=NIGHT)
    runs = [make.finished_run(job, at=NIGHT + timedelta(days=day)) for day in range(16)]
    with django_assert_num_queries(1):
        nights = list_nights(job, job.tenant)
    assert [night.run for night in nights] == runs[2:]
    assert list(nights[0].numbers) == [3, 1, 0, 0]
