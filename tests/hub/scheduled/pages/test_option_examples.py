"""The examples of options that the form of a job shows are valid."""

import pytest

from hub.scheduled.jobs.job_actions import build_job
from hub.scheduled.jobs.job_checks import check_job
from hub.scheduled.jobs.kinds import JOB_KINDS
from hub.scheduled.models import Job


@pytest.mark.parametrize("kind", Job.Kind.values)
def test_an_example_of_each_kind_is_valid(kind):
    options = JOB_KINDS[kind].options
    job = build_job(
        name=str(options.example_title),
        kind=kind,
        connector_key=options.example_connector,
        cron="0 2 * * *",
        options=options.build_example(),
    )
    assert job.name
    check_job(job)


def test_the_description_of_a_request_lists_each_option_with_its_default(client):
    schemas = client.get("/api/v1/openapi.json").json()["components"]["schemas"]
    text = schemas["CreateJob"]["properties"]["options"]["description"]
    assert "- `lookback_hours`: First run (hours back)" in text and "default: 24" in text
    assert "- `match.local`: Our key" in text
    assert "propose | apply" in text
