"""Values that a system sends back in another spelling are the written ones; others are not."""

from decimal import Decimal

import pytest

from hub.outgoing.echo.values import is_same_value

SAME = [
    ("Able", "Able"),
    (12, "12.0"),
    (True, "true"),
    (None, ""),
    ({"value": "a@b.test"}, {"label": "work", "value": "a@b.test", "primary": True}),
    ([{"value": "1"}], [{"value": 1, "label": ""}]),
]
DIFFERENT = [
    ("Able", "able"),
    ("Able", None),
    (0, ""),
    (True, "1"),
    ({"value": "a"}, {"label": "a"}),
    (["a"], ["a", "b"]),
    ("a", ["a"]),
    ([], {}),
    ("007", "7"),
]


@pytest.mark.parametrize(("written", "found"), SAME, ids=str)
def test_another_spelling_is_the_same_value(written, found):
    assert is_same_value(written, found)


@pytest.mark.parametrize(("written", "found"), DIFFERENT, ids=str)
def test_another_value_is_not_the_same(written, found):
    assert not is_same_value(written, found)


@pytest.mark.corrections(item="1.5")
def test_a_changed_last_digit_of_a_large_amount_is_another_value():
    written = Decimal("1234567890123456.78")
    assert is_same_value(written, "1234567890123456.780")
    assert not is_same_value(written, Decimal("1234567890123456.79"))
    assert not is_same_value("1234567890123456.78", 1234567890123456.8)
