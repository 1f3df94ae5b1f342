"""Values that a system sends back in another spelling are the written ones; others are not."""

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
