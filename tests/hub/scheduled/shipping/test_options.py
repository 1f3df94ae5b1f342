"""Options of jobs of log shipping are checked when a job is stored."""

import pytest

from hub.scheduled.shipping.options import SHIPPING_OPTIONS, parse_shipping_options

GOOD = [
    {},
    {"source": "audit", "index": "main", "sourcetype": "_json", "host": "hub"},
    {"fields": {"team": "shop"}, "batch_bytes": 200_000, "batch_seconds": 0},
    {"source": "collection", "collection": "logs", "query": {"level": "error"}},
    {"acknowledge_seconds": 60},
]
BAD = [
    ({"source": "mail"}, "source"),
    ({"index": 7}, "index"),
    ({"index": "a\nb"}, "index"),
    ({"fields": {"team": 7}}, "fields.team"),
    ({"fields": {"": "shop"}}, "fields"),
    ({"fields": {" ": "shop"}}, "fields. "),
    ({"fields": {"te\nam": "shop"}}, "fields.te\nam"),
    ({"fields": {"t" * 201: "shop"}}, f"fields.{'t' * 80}"),
    ({"fields": ["team"]}, "fields"),
    ({"batch_bytes": 5_000_000}, "batch_bytes"),
    ({"batch_bytes": True}, "batch_bytes"),
    ({"batch_bytes": float("nan")}, "batch_bytes"),
    ({"acknowledge_seconds": 0}, "acknowledge_seconds"),
    ({"source": "collection", "collection": "nothing"}, "collection"),
    ({"query": {"a": {}}}, "query.a"),
    ({"speed": 1}, "speed"),
]


@pytest.mark.parametrize("options", GOOD)
def test_good_options_are_taken(options):
    assert SHIPPING_OPTIONS.find_errors(options, "splunk") == {}
    parse_shipping_options(options)


@pytest.mark.parametrize(("options", "path"), BAD)
def test_a_bad_option_is_named(options, path):
    assert list(SHIPPING_OPTIONS.find_errors(options, "splunk")) == [path]


def test_a_system_that_takes_no_lines_is_refused():
    errors = SHIPPING_OPTIONS.find_errors({"index": 7}, "slack")
    assert errors == {"": "This system takes no log lines."}
