"""A tenant has one log of our application: no two jobs read different lines into it."""

import pytest

from hub.audit import ActorContext
from hub.scheduled.jobs.job_actions import build_job, create_job, disable_job, enable_job
from hub.scheduled.jobs.job_checks import InvalidJob
from hub.scheduled.models import Job
from tests.factories import NOON

pytestmark = [pytest.mark.django_db, pytest.mark.corrections(item="1.16")]
ERRORS, SYSTEM = {"level": "error"}, ActorContext.system()
SPLUNK = {"name": "Lines", "kind": "ship", "connector": "splunk", "cron": "* * * * *"}


def add_job(tenant, source="collection", **options):
    job = build_job(
        tenant=tenant,
        name="Lines",
        kind="ship",
        connector_key="splunk",
        cron="* * * * *",
        options={"source": source, **options},
    )
    return create_job(job, SYSTEM, now=NOON)


@pytest.mark.parametrize("options", [{"query": ERRORS}, {"collection": "orders"}])
def test_a_second_job_of_other_lines_is_refused(acme, options):
    add_job(acme)
    with pytest.raises(InvalidJob) as refused:
        add_job(acme, **options)
    assert "the job “Lines” reads other lines" in refused.value.errors["options.collection"]
    assert Job.unscoped.count() == 1


def test_jobs_of_the_same_lines_of_another_source_or_tenant_are_accepted(make, acme):
    add_job(acme)
    add_job(acme, collection="logs", query={}, index="second")
    add_job(acme, "api")
    add_job(make.tenant("globex"), query=ERRORS)
    assert Job.unscoped.count() == 4


def test_a_job_of_all_tenants_excludes_other_lines_both_ways(make, acme):
    own = add_job(acme)
    with pytest.raises(InvalidJob):
        add_job(None, query=ERRORS)
    disable_job(own, SYSTEM, now=NOON)
    add_job(None, query=ERRORS)
    with pytest.raises(InvalidJob):
        enable_job(own, SYSTEM, now=NOON)


def test_rest_names_the_option_when_a_job_is_created_and_changed(api, acme):
    add_job(acme)
    client = api.of(acme, scopes=("jobs:read", "jobs:write"))
    other = SPLUNK | {"options": {"source": "collection", "query": ERRORS}}
    same = SPLUNK | {"options": {"source": "collection"}}
    url = client.post("/api/v1/jobs", same, format="json").headers["Location"]
    for answer in (
        client.post("/api/v1/jobs", other, format="json"),
        client.patch(url, {"options": other["options"]}, format="json"),
    ):
        (error,) = answer.json()["errors"]
        assert (answer.status_code, error["pointer"]) == (400, "/options/collection")
