"""New runs are planned: their start in the window, and what is expected of them."""

from datetime import timedelta

import pytest

from hub.scheduled.models import JobSchedule, Run
from hub.scheduled.night.offsets import STARTS_WINDOW_SHARE
from hub.scheduled.night.planner import plan_runs
from tests.factories import MINUTE, NOON
from tests.hub.scheduled.night.builders import DAY, create_job, create_run, create_schedule

pytestmark = pytest.mark.django_db
WINDOW = 240 * MINUTE


def new_run(schedule, **values):
    """An unsaved run of the schedule's next slot, as it is before it is planned."""
    slot_at = schedule.next_slot_at
    defaults = {
        "slot_at": slot_at,
        "due_at": slot_at,
        "window_ends_at": slot_at + WINDOW,
        "deadline_at": slot_at + 2 * WINDOW,
        "created_at": slot_at,
    }
    return Run(job=schedule.job, tenant=schedule.tenant, **defaults | values)


@pytest.fixture
def schedules(make):
    job = create_job()
    return [create_schedule(job, make.tenant(f"t{n}"), next_slot_at=NOON) for n in range(8)]


def offsets_of(runs, *, start=NOON):
    """Seconds from `start` until each run is due."""
    return sorted(round((run.due_at - start).total_seconds()) for run in runs)


def even_offsets(count, window):
    """Seconds at which so many runs of equal weight start in a window."""
    part = window * STARTS_WINDOW_SHARE / count
    return [round((number * part).total_seconds()) for number in range(count)]


def test_the_runs_of_a_slot_are_spread_over_its_window(schedules):
    runs = [new_run(schedule) for schedule in schedules]
    plan_runs(runs, now=NOON + timedelta(seconds=3))
    assert offsets_of(runs) == even_offsets(8, WINDOW)


def test_batches_of_a_slot_get_the_places_that_all_would_get_together(schedules):
    together = [new_run(schedule) for schedule in schedules]
    plan_runs(together, now=NOON)
    first, rest = schedules[:3], schedules[3:]
    batches = [[new_run(schedule) for schedule in batch] for batch in (first, rest)]
    plan_runs(batches[0], now=NOON)
    JobSchedule.unscoped.filter(pk__in=[schedule.pk for schedule in first]).update(
        last_slot_at=NOON, next_slot_at=NOON + DAY
    )
    plan_runs(batches[1], now=NOON)
    assert [run.due_at for batch in batches for run in batch] == [run.due_at for run in together]


def test_a_slot_that_is_found_late_is_spread_over_the_rest_of_its_window(schedules):
    runs, now = [new_run(schedule) for schedule in schedules], NOON + WINDOW / 2
    plan_runs(runs, now=now)
    assert offsets_of(runs, start=now) == even_offsets(8, WINDOW / 2)


def test_runs_that_are_caught_up_are_spread_over_their_new_window(schedules):
    now = NOON + 5 * WINDOW
    runs = [new_run(schedule, due_at=now, window_ends_at=now + WINDOW) for schedule in schedules]
    plan_runs(runs, now=now)
    assert offsets_of(runs, start=now) == even_offsets(8, WINDOW)


def test_a_run_knows_what_is_expected_of_it(schedules):
    schedule = schedules[0]
    calls = {"salesforce|account|00D|": 40, "app|app||requests": 7}
    create_run(schedule.job, schedule.tenant, slot_at=NOON - DAY, seconds=90, calls=calls)
    run = new_run(schedule)
    plan_runs([run], now=NOON)
    assert (run.expected_seconds, run.expected_calls) == (90, {"salesforce": 40, "app": 7})


def test_a_run_of_a_first_night_has_no_expectation(schedules):
    run = new_run(schedules[0])
    plan_runs([run], now=NOON)
    assert (run.expected_seconds, run.expected_calls) == (None, {})


def test_jobs_of_single_tenants_share_the_window(make):
    runs = []
    for number in range(4):
        tenant = make.tenant(f"t{number}")
        runs.append(new_run(create_schedule(create_job(tenant), tenant, next_slot_at=NOON)))
    for run in runs:
        plan_runs([run], now=NOON)
    assert offsets_of(runs) == even_offsets(4, WINDOW)


def test_jobs_with_another_window_or_slot_take_no_place(make, schedules):
    for values in ({"window_minutes": 10}, {"is_enabled": False}):
        create_schedule(create_job(**values), make.tenant(str(values)[:9]), next_slot_at=NOON)
    create_schedule(create_job(), make.tenant("later"), next_slot_at=NOON + MINUTE)
    create_schedule(create_job(), make.tenant("out"), next_slot_at=NOON, is_excluded=True)
    runs = [new_run(schedule) for schedule in schedules]
    plan_runs(runs, now=NOON)
    assert offsets_of(runs) == even_offsets(8, WINDOW)


def test_a_tenant_that_staff_prioritise_starts_with_the_window(schedules):
    JobSchedule.unscoped.filter(pk=schedules[-1].pk).update(priority=1)
    run = new_run(schedules[-1])
    plan_runs([run], now=NOON)
    assert run.due_at == NOON


def test_a_tenant_with_many_calls_gets_a_long_part_of_the_window(schedules):
    heavy = schedules[0]
    for schedule in schedules:
        calls = {"salesforce|account|x|": 930 if schedule == heavy else 10}
        create_run(heavy.job, schedule.tenant, slot_at=NOON - DAY, calls=calls)
    runs = [new_run(schedule) for schedule in schedules]
    plan_runs(runs, now=NOON)
    later = [run.due_at for run in runs if run.due_at > runs[0].due_at]
    part = min(later, default=NOON + WINDOW * STARTS_WINDOW_SHARE) - runs[0].due_at
    assert part / (WINDOW * STARTS_WINDOW_SHARE) == pytest.approx(0.93)


def test_a_batch_takes_the_same_statements_for_one_and_for_many(
    schedules, django_assert_num_queries
):
    with django_assert_num_queries(2):
        plan_runs([new_run(schedules[0])], now=NOON)
    with django_assert_num_queries(2):
        plan_runs([new_run(schedule) for schedule in schedules], now=NOON)


def test_several_slots_that_are_found_together_are_all_spread(schedules):
    runs = [
        new_run(schedule, slot_at=slot_at, due_at=slot_at, window_ends_at=slot_at + WINDOW)
        for schedule in schedules
        for slot_at in (NOON, NOON + 10 * MINUTE)
    ]
    plan_runs(runs, now=NOON + 10 * MINUTE)
    second = [run for run in runs if run.slot_at > NOON]
    assert offsets_of(second, start=NOON + 10 * MINUTE) == even_offsets(8, WINDOW)


def test_runs_of_a_frequent_job_are_spread_up_to_its_next_slot_only(make):
    job = create_job(cron="*/10 * * * *", window_minutes=60)
    schedules = [create_schedule(job, make.tenant(f"t{n}"), next_slot_at=NOON) for n in range(5)]
    runs = [new_run(schedule) for schedule in schedules]
    plan_runs(runs, now=NOON)
    assert offsets_of(runs) == even_offsets(5, 10 * MINUTE)


def test_a_planned_run_spreads_its_calls_over_its_part_of_the_window(make):
    job = create_job(window_minutes=10)
    schedules = [create_schedule(job, make.tenant(f"t{n}"), next_slot_at=NOON) for n in range(9)]
    for schedule in schedules:
        calls = {"salesforce|account|x|": 200}
        create_run(job, schedule.tenant, slot_at=NOON - DAY, calls=calls)
    run = new_run(schedules[0], window_ends_at=NOON + 10 * MINUTE)
    plan_runs([run], now=NOON)
    assert run.seconds_between_calls == pytest.approx(570 / 1800)


def test_a_run_among_few_does_not_take_the_whole_window(schedules):
    create_run(schedules[0].job, schedules[0].tenant, slot_at=NOON - DAY, calls={"app|app||": 5})
    run = new_run(schedules[0])
    plan_runs([run], now=NOON)
    assert run.seconds_between_calls == 1


@pytest.mark.parametrize("kind", ["report", "ship"])
def test_a_report_and_log_lines_are_sent_at_once(make, kind):
    tenant = make.tenant()
    schedule = create_schedule(create_job(tenant, kind=kind), tenant, next_slot_at=NOON)
    create_run(schedule.job, tenant, slot_at=NOON - DAY, calls={"salesforce|account|x|": 5})
    run = new_run(schedule)
    plan_runs([run], now=NOON)
    assert run.seconds_between_calls is None
