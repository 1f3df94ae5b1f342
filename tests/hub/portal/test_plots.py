"""Charts of the portal: their axes, and their numbers in every language."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.template import Context, Template
from django.utils import translation

from hub.portal.display_preferences import ZONE_COOKIE

SATURDAY = datetime(2026, 11, 28, tzinfo=UTC)
HOURS = [(SATURDAY + timedelta(hours=number), (number, 1)) for number in range(24)]
PARTS = [("good", "delivered"), ("bad", "failed")]
PLOT = Template("{% load portal %}{% stacks hours parts 'By hour' %}")
NUMBER = re.compile(r' (?:x|y|width|height)="([^"]*)"')


def plot(language):
    with translation.override(language):
        return PLOT.render(Context({"hours": HOURS, "parts": PARTS}))


@pytest.mark.parametrize("language", ["en", "de"])
def test_a_browser_can_read_the_numbers_of_a_chart_in_every_language(language):
    numbers = NUMBER.findall(plot(language))
    assert len(numbers) > 100
    assert [number for number in numbers if not re.fullmatch(r"[\d.]+", number)] == []


def test_a_chart_has_the_labels_of_both_axes_in_the_language_of_the_reader():
    labels = re.findall(r"<span>([^<]+)</span>", plot("de"))
    assert labels == ["50", "25", "0", "Sa 00:00", "Sa 12:00", "Sa 23:00"]


def test_a_chart_names_the_zone_of_its_hours(rf):
    request = rf.get("/")
    assert "By hour, UTC" in plot("en") and ">Time, UTC</th>" in plot("en")
    request.COOKIES[ZONE_COOKIE] = "Europe/Berlin"
    context = {"hours": HOURS, "parts": PARTS, "request": request}
    assert "By hour, CET" in PLOT.render(Context(context))
