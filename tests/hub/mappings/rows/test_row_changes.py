"""The difference between two versions, row by row."""

from hub.mappings.rows import compare_rows, rows_of_body


def compare_bodies(before, after):
    changes = compare_rows(rows_of_body(before), rows_of_body(after))
    return {change.path: change.kind for change in changes}


def test_fields_are_added_removed_changed_or_the_same():
    before = {"channel": "'a'", "text": "data.text", "old": 1}
    after = {"channel": "'b'", "text": "data.text", "new": "upper(data.x)"}
    assert compare_bodies(before, after) == {
        "channel": "changed",
        "text": "same",
        "new": "added",
        "old": "removed",
    }


def test_the_order_of_fields_is_no_difference():
    assert set(compare_bodies({"a": "x", "b": "y"}, {"b": "y", "a": "x"}).values()) == {"same"}
