"""Two values side by side: where they differ, and what cannot be seen."""

import pytest

from hub.scheduled.insight.value_comparison import CONTEXT_LENGTH, compare_values, show_value


def render_value(value):
    """The text, with differences in brackets."""
    return "".join(f"[{part.text}]" if part.is_different else part.text for part in value.parts)


@pytest.mark.parametrize(
    ("left", "right", "texts"),
    [
        ("Anna", "Anne", ("Ann[a]", "Ann[e]")),
        ("same", "same", ("same", "same")),
        ("Acme", "Acme ", ("Acme", "Acme[ ]")),
        ("aXa", "aXXa", ("aXa", "aX[X]a")),
        (12.5, 12.25, ("12.5", "12.[2]5")),
        (True, False, ("[true]", "[false]")),
        ("shipped", "Paid", ("[shipped]", "[Paid]")),
        ("Grüße", "Grusse", ("Gr[üß]e", "Gr[uss]e")),
        ("a\u202eb", "ab", ("a[\\u202e]b", "ab")),
    ],
)
def test_the_difference_of_two_values_is_marked(left, right, texts):
    assert tuple(map(render_value, compare_values(left, right, limit=80))) == texts


def test_no_value_and_an_empty_text_look_different():
    left, right = compare_values(None, "", limit=80)
    assert (left.parts, right.parts) == ((), ())
    assert (str(left.label), str(right.label)) == ("no value", "empty text")


def test_a_number_and_a_text_of_the_same_digits_say_what_they_are():
    left, right = compare_values(12.5, "12.5", limit=80)
    assert (str(left.note), str(right.note)) == ("number", "text")
    assert not compare_values("12.5", "12.50", limit=80)[0].note


def test_a_long_value_is_cut_around_the_difference():
    left, right = compare_values("x" * 900 + "A" + "y" * 900, "x" * 900 + "B" + "y" * 900, limit=80)
    assert left.is_truncated and right.is_truncated
    assert render_value(left) == f"…{'x' * CONTEXT_LENGTH}[A]{'y' * (80 - CONTEXT_LENGTH - 1)}…"


def test_a_long_value_next_to_a_short_one_keeps_its_beginning():
    left, right = compare_values("x" * 900, "", limit=80)
    assert render_value(left) == f"[{'x' * 80}]…"
    assert str(right.label) == "empty text"


def test_a_whole_record_is_shown_by_lines():
    text = render_value(show_value({"number": "A-1", "total": 12.5, "lines": [1]}, limit=80))
    assert text == "number: A-1\ntotal: 12.5\nlines: [1]"
