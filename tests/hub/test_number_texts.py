"""Numbers and lengths of time as each language writes them."""

import pytest
from django.utils import translation

from hub.number_texts import describe_distance, describe_length, format_rounded, format_whole

HOUR, DAY = 3600, 86400


@pytest.mark.parametrize(
    ("language", "whole", "rounded"), [("en", "1,204,000", "3.4"), ("de", "1.204.000", "3,4")]
)
def test_digits_are_grouped_as_in_the_language_of_the_reader(language, whole, rounded):
    with translation.override(language):
        assert (format_whole(1_204_000), format_rounded(3.41)) == (whole, rounded)


@pytest.mark.parametrize(
    ("seconds", "length"),
    [(3 * DAY, "3 days"), (HOUR, "1 hour"), (119, "1 minute"), (0.4, "0 seconds")],
)
def test_a_length_of_time_is_in_its_largest_unit(seconds, length):
    assert describe_length(seconds) == length
    assert describe_distance(-seconds) == f"{length} ago"


def test_german_inflects_days_after_a_preposition_only():
    with translation.override("de"):
        assert describe_length(3 * DAY) == "3 Tage"
        assert describe_distance(3 * DAY) == "in 3 Tagen"
        assert describe_distance(-3 * DAY) == "vor 3 Tagen"
