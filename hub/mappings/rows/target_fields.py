"""The fields of the other system that a mapping can write: the inputs of its action."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from connectors.roles import Action
from hub.mappings.rows.field_paths import InvalidFieldPath, format_field_path, parse_field_path
from hub.mappings.rows.row_values import Row
from hub.schemas.type_labels import TYPE_LABELS

# as people read them who choose a value
VALUE_LABELS: Mapping[str, str | Promise] = {
    **TYPE_LABELS,
    "reference": _("another record"),
    "id": _("id"),
    "object": _("object"),
}
PICKLISTS = ("picklist", "multipicklist")
NO_VALUES = {"null", '""'}  # constants that empty a field


@dataclass(frozen=True, slots=True)
class TargetField:
    """A field of the other system. `choices` are pairs of a value and its name."""

    path: str
    label: str
    help: str = ""
    type: str = ""  # empty: unknown
    required: bool = False
    choices: Sequence[tuple[str, str]] = ()
    is_restricted: bool = False  # the system refuses values that are not in its list

    def find_unlisted_value(self, row: Row) -> str:
        """Return the fixed value of a row that is not in the field's list; "" if all are."""
        if row.kind != "constant" or self.type not in PICKLISTS or not self.choices:
            return ""
        listed = {value for value, _label in self.choices}
        values = row.value.split(";") if self.type == "multipicklist" else [row.value]
        return next((value for value in values if value not in listed | NO_VALUES), "")

    @property
    def type_label(self) -> str:
        """Return the type as text; "" if it is unknown."""
        return str(VALUE_LABELS.get(self.type, self.type))


def list_action_fields(action: Action) -> list[TargetField]:
    """List the inputs of an action as fields."""
    return [
        TargetField(
            format_field_path((entry.key,)), entry.label, entry.help, required=entry.required
        )
        for entry in action.inputs
    ]


def find_missing_fields(fields: Sequence[TargetField], rows: Sequence[Row]) -> list[TargetField]:
    """Return the required fields that no row writes, not even in part."""
    filled = set()
    for row in rows:
        try:
            segments = parse_field_path(row.path)
        except InvalidFieldPath:
            continue
        filled |= {format_field_path(segments[:depth]) for depth in range(1, len(segments) + 1)}
    return [field for field in fields if field.required and field.path not in filled]


def find_unlisted_values(
    fields: Sequence[TargetField], rows: Sequence[Row]
) -> list[tuple[TargetField, str]]:
    """Return the fields to which a row writes a fixed value that is not in their list, with it."""
    by_path = {field.path: field for field in fields}
    found = [(by_path[row.path], row) for row in rows if row.path in by_path]
    return [(field, value) for field, row in found if (value := field.find_unlisted_value(row))]
