"""The fields of mapping forms."""

import pytest

from hub.mappings.json_fields import JsonObjectField


@pytest.mark.parametrize(
    ("initial", "data", "is_changed"),
    [
        ('{"text": "a  b"}', '{"text": "a b"}', True),
        ('{\n  "text": "a"\n}', '{\r\n  "text": "a"\r\n}', False),
        ('{"text": "a"}', '{"text": "b"}', True),
        (None, "", False),
    ],
    ids=["white space in a text", "line ends of a browser", "another text", "empty"],
)
def test_a_json_field_has_changed_when_more_than_its_line_ends_differ(initial, data, is_changed):
    assert JsonObjectField().has_changed(initial, data) is is_changed
