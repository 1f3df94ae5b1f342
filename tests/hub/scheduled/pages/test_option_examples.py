"""The examples of options that the form of a job shows are valid."""

import pytest

from hub.scheduled.forms.option_examples import EXAMPLES
from hub.scheduled.jobs.job_actions import build_job
from hub.scheduled.jobs.job_checks import check_job, find_option_errors
from hub.scheduled.models import Job


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.kind)
def test_an_example_is_valid(example):
    job = build_job(
        name="x", kind=example.kind, connector_key=example.connector_key, cron="0 2 * * *",
        options=example.options,
    )  # fmt: skip
    check_job(job)
    assert find_option_errors(job) == {}


def test_each_kind_has_an_example():
    assert {example.kind for example in EXAMPLES} == set(Job.Kind.values)
