"""Each tenant's run has its place in the window, whichever runs are created together."""

from datetime import timedelta

import pytest

from hub.scheduled.models import JobSchedule
from hub.scheduled.night.offsets import assign_offsets
from tests.factories import MINUTE, NOON
from tests.hub.scheduled.night.builders import DAY, create_job, create_run, create_schedule

pytestmark = pytest.mark.django_db
WINDOW = 240 * MINUTE


@pytest.fixture
def schedules(make):
    job = create_job()
    return [create_schedule(job, make.tenant(f"t{n}"), next_slot_at=NOON) for n in range(8)]


def test_batches_of_a_slot_get_the_offsets_that_all_would_get_together(schedules):
    together = assign_offsets(schedules, NOON, WINDOW)
    assert sorted(together.values()) == [n * WINDOW / 8 for n in range(8)]
    first = assign_offsets(schedules[:3], NOON, WINDOW)
    JobSchedule.unscoped.filter(pk__in=first).update(last_slot_at=NOON, next_slot_at=NOON + DAY)
    rest = assign_offsets(schedules[3:], NOON, WINDOW)
    assert {**first, **rest} == together


def test_jobs_of_single_tenants_share_the_window(make):
    schedules = []
    for number in range(4):
        tenant = make.tenant(f"t{number}")
        schedules.append(create_schedule(create_job(tenant), tenant, next_slot_at=NOON))
    offsets = [assign_offsets([one], NOON, WINDOW)[one.pk] for one in schedules]
    assert sorted(offsets) == [n * WINDOW / 4 for n in range(4)]


def test_jobs_with_another_window_or_slot_take_no_place(make, schedules):
    before = assign_offsets(schedules, NOON, WINDOW)
    other = create_job(window_minutes=10)
    create_schedule(other, make.tenant("other"), next_slot_at=NOON)
    create_schedule(create_job(), make.tenant("later"), next_slot_at=NOON + MINUTE)
    create_schedule(create_job(), make.tenant("out"), next_slot_at=NOON, is_excluded=True)
    assert assign_offsets(schedules, NOON, WINDOW) == before


def test_a_tenant_that_staff_prioritise_starts_with_the_window(schedules):
    last = schedules[-1]
    last.priority = 1
    last.save()
    assert assign_offsets([last], NOON, WINDOW) == {last.pk: timedelta(0)}


def test_a_tenant_with_many_calls_gets_a_long_part_of_the_window(make, schedules):
    heavy = schedules[0]
    for schedule in schedules:
        calls = {"salesforce|account|x|": 930 if schedule == heavy else 10}
        create_run(heavy.job, schedule.tenant, slot_at=NOON - DAY, calls=calls)
    starts = assign_offsets(schedules, NOON, WINDOW)
    later = [offset for offset in starts.values() if offset > starts[heavy.pk]]
    part = min(later, default=WINDOW) - starts[heavy.pk]
    assert part / WINDOW == pytest.approx(0.93)
