"""Filters and counts of discrepancies."""

import pytest

from hub.scheduled.insight.discrepancies import (
    count_by_verdict_and_field,
    filter_discrepancies,
    readable_discrepancies,
    total_counts,
)
from hub.scheduled.models import Discrepancy

pytestmark = pytest.mark.django_db


@pytest.fixture
def salesforce(make):
    return make.connection(connector="salesforce")


def test_unresolved_discrepancies_are_counted_by_verdict_and_field(
    make, salesforce, django_assert_num_queries
):
    job = make.job(salesforce.tenant)
    for state, field in (("new", "status"), ("open", "status"), ("ignored", "status")):
        make.discrepancy(salesforce, job=job, state=state, field=field)
    make.discrepancy(salesforce, job=job, state="repairing", field="total")
    make.discrepancy(salesforce, job=job, state="resolved", field="total")
    make.discrepancy(salesforce, job=job, verdict="missing_there", field="")
    with django_assert_num_queries(1):
        counts = count_by_verdict_and_field(Discrepancy.objects.of(salesforce.tenant))
    assert [(count.verdict, count.field, count.total) for count in counts] == [
        ("differs", "status", 3),
        ("differs", "total", 1),
        ("missing_there", "", 1),
    ]
    assert total_counts(counts) == {"new": 2, "open": 1, "repairing": 1, "ignored": 1}


def test_each_filter_selects_what_matches(make, salesforce):
    job = make.job(salesforce.tenant)
    run = make.finished_run(job)
    discrepancy = make.discrepancy(
        salesforce, job=job, run=run, record_key="B-7_x", field="total", state="open"
    )
    make.discrepancy(salesforce, record_key="B-70", verdict="ambiguous", field="")
    for filter in (
        {"job": job.public_id},
        {"run": run.public_id},
        {"verdict": "differs"},
        {"field": "total"},
        {"state": "open"},
        {"record_key": "B-7_"},
        {"discrepancies": [discrepancy.public_id]},
        {"verdict": "differs", "record_key": "B-7"},
    ):
        assert filter_discrepancies(readable_discrepancies(), filter).get() == discrepancy, filter


def test_a_filter_with_another_name_is_an_error(salesforce):
    with pytest.raises(KeyError):
        filter_discrepancies(readable_discrepancies(), {"tenant__name": "x"})
