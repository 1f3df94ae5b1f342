"""A source that has fewer and fewer events is not silent, but fading."""

import pytest

from hub.incoming.rhythm.fading import is_fading
from tests.hub.incoming.rhythm.histories import BERLIN, TODAY, build_history


@pytest.mark.parametrize(
    ("case", "newest", "before", "fading"),
    [
        ("as always", 2, 2, False),
        ("two thirds are no fading", 2, 3, False),
        ("a third", 1, 3, True),
        ("nothing at all", 0, 3, True),
    ],
)
def test_a_week_with_less_than_half_of_the_usual_is_fading(case, newest, before, fading):
    days = build_history(
        lambda local: newest if (TODAY - local.date()).days <= 7 else before, weeks=4
    )
    assert is_fading(days, BERLIN, today=TODAY) is fading


def test_few_events_are_no_evidence_of_fading():
    days = build_history(lambda local: local.hour == 9 and (TODAY - local.date()).days > 7, weeks=4)
    assert not is_fading(days, BERLIN, today=TODAY)


def test_two_weeks_are_too_few_to_compare():
    days = build_history(lambda local: 9 * ((TODAY - local.date()).days > 7), weeks=2)
    assert not is_fading(days, BERLIN, today=TODAY)
