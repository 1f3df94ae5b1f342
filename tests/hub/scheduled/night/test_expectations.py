"""What a run will spend is what its last runs spent, or what other tenants spent."""

import pytest

from hub.scheduled.night.expectations import count_calls, load_expectations
from tests.factories import NOON
from tests.hub.scheduled.night.builders import DAY, create_job, create_run, create_schedule

pytestmark = pytest.mark.django_db


def account_calls(tenant, units, owner="00D1"):
    return {f"salesforce|account|{owner}|": units, f"salesforce|account|{owner}|queries": units}


@pytest.fixture
def job():
    return create_job()


def schedule_of(make, job, name, *units, seconds=60):
    """A tenant that spent these units in its last nights, the newest last."""
    tenant = make.tenant(name)
    for number, count in enumerate(units):
        slot_at = NOON - (len(units) - number) * DAY
        calls = account_calls(tenant, count, owner=f"of {name}")
        create_run(job, tenant, slot_at=slot_at, seconds=seconds, calls=calls)
    return create_schedule(job, tenant, next_slot_at=NOON)


def test_the_median_of_the_last_three_nights_is_expected(make, job):
    schedule = schedule_of(make, job, "acme", 9_000, 100, 300, 120)
    expectation = load_expectations([schedule], now=NOON)[schedule.pk]
    assert (expectation.calls, expectation.seconds) == ({"salesforce": 120}, 60)
    assert expectation.units_by_quota["salesforce|account|of acme|"] == 120


def test_a_tenant_without_runs_is_expected_to_do_what_others_did(make, job):
    known = [schedule_of(make, job, "a", 100), schedule_of(make, job, "b", 200, seconds=120)]
    new = create_schedule(job, make.tenant("new"), next_slot_at=NOON)
    expectation = load_expectations([*known, new], now=NOON)[new.pk]
    assert (expectation.calls, expectation.seconds) == ({"salesforce": 150}, 90)
    assert not expectation.is_own
    assert not any("of a" in key or "of b" in key for key in expectation.units_by_quota)


def test_a_job_without_runs_has_no_expectation(make, job):
    schedule = create_schedule(job, make.tenant(), next_slot_at=NOON)
    assert load_expectations([schedule], now=NOON) == {}


@pytest.mark.parametrize("values", [{"state": "failed"}, {"is_dry": True}, {"state": "cancelled"}])
def test_runs_that_did_not_finish_or_changed_nothing_do_not_count(make, job, values):
    schedule = schedule_of(make, job, "acme", 100)
    create_run(job, schedule.tenant, slot_at=NOON, calls={"salesforce|account|x|": 7}, **values)
    assert load_expectations([schedule], now=NOON)[schedule.pk].calls == {"salesforce": 100}


def test_many_tenants_and_nights_are_read_in_one_statement(make, job, django_assert_num_queries):
    schedules = [schedule_of(make, job, f"t{number}", 1, 2, 3) for number in range(5)]
    with django_assert_num_queries(1):
        load_expectations(schedules, now=NOON)


def test_calls_are_counted_once_for_each_kind_of_scope():
    units = {
        "slack|method|T1|chat.postMessage": 3,
        "slack|method|T1|conversations.list": 2,
        "slack|channel|T1|C1": 3,
        "app|app||calls": 8,
        "app|app||requests": 8,
        "|host||x.test": 13,
    }
    assert count_calls(units) == {"slack": 5, "app": 8}
    assert count_calls({"app|calls||": 9, "app|app||requests": 30}) == {"app": 9}
    accounts = {
        f"salesforce|account|00D{n}|{name}": 5 for n in range(3) for name in ("", "queries")
    }
    assert count_calls(accounts) == {"salesforce": 15}
