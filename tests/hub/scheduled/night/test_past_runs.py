"""A run of the last night is compared with its plan, and a late one says why."""

import pytest

from hub.scheduled.night.past_runs import describe_past_run
from tests.factories import MINUTE, NOON
from tests.hub.scheduled.night.builders import create_job, create_run

pytestmark = pytest.mark.django_db
DEADLINE = NOON + 60 * MINUTE


@pytest.fixture
def describe(make):
    """Describe a run of a deadline at 13:00, as it is seen at 15:00."""
    tenant = make.tenant()

    def describe(**values):
        run = create_run(create_job(tenant), tenant, deadline_at=DEADLINE, **values)
        return describe_past_run(run, now=NOON + 180 * MINUTE)

    return describe


def test_a_run_in_time_needs_no_explanation(describe):
    night_run = describe(seconds=600, expected_seconds=540, expected_calls={"app": 540})
    assert (night_run.is_late, night_run.explanation) == (False, "")
    assert night_run.ends_at == NOON + 9 * MINUTE
    assert night_run.expectation.calls == {"app": 540}


def test_a_run_that_took_longer_than_expected_says_so(describe):
    night_run = describe(seconds=2 * 3600, expected_seconds=1200)
    assert night_run.explanation == "It took 120 minutes; 20 were expected."


def test_a_run_without_a_plan_says_how_long_it_took(describe):
    assert describe(seconds=2 * 3600).explanation == "It took 120 minutes."


def test_a_run_that_started_after_its_window_says_so(describe):
    night_run = describe(seconds=6_000, window_ends_at=NOON, started_at=NOON + 30 * MINUTE)
    assert night_run.explanation == "It started 30 minutes after its window."


def test_a_run_that_has_not_started_says_so(describe):
    night_run = describe(state="waiting", started_at=None, finished_at=None)
    assert (night_run.is_late, night_run.explanation) == (True, "It has not started.")
