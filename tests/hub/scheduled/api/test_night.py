"""REST: the coming night, for platform keys."""

from datetime import timedelta

import pytest

from hub.db.clock import clock
from tests.hub.scheduled.night.builders import DAY, create_job, create_run, create_schedule

pytestmark = pytest.mark.django_db


def coming_night(make):
    slot_at = (clock() + timedelta(hours=2)).replace(second=0, microsecond=0)
    job = create_job(None, cron=f"{slot_at.minute} {slot_at.hour} * * *")
    tenant = make.tenant("acme")
    units = {"salesforce|account|00D|": 120}
    create_run(job, tenant, slot_at=slot_at - DAY, seconds=60, calls=units)
    create_schedule(job, tenant, next_slot_at=slot_at)
    return job, slot_at


def test_a_platform_key_reads_the_coming_night(make, api):
    job, slot_at = coming_night(make)
    answer = api.platform().get("/api/v1/night")
    assert answer.status_code == 200, answer.content
    night = answer.json()
    assert (night["run_count"], night["late_count"], night["complete"]) == (1, 0, True)
    assert sum(night["calls"]["salesforce"]) == pytest.approx(120)
    (run,) = night["runs"]
    assert (run["job"], run["tenant"], run["calls"]) == (
        str(job.public_id),
        "acme",
        {"salesforce": 120},
    )
    assert run["run"] is None and run["reason"] == "" and run["known"]
    (quota,) = night["quotas"]
    assert (quota["quota"], quota["units_left"], quota["units_per_minute"]) == (
        "account",
        80_000.0,
        None,
    )


def test_an_empty_night_is_answered_too(api):
    night = api.platform().get("/api/v1/night").json()
    assert (night["runs"], night["quotas"], night["ends_at"]) == ([], [], None)


def test_a_key_of_a_tenant_may_not_read_it(make, api):
    coming_night(make)
    answer = api.of(make.tenant("other")).get("/api/v1/night")
    assert answer.status_code == 403
    assert "acme" not in answer.content.decode()
