"""The rows of a mapping as a table in a form: as stored or as posted, with the errors of each row.

A row consists of five inputs whose names are the same in every row, so a page can add or omit rows
without renumbering. A row without field and value is ignored.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, get_args

from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from hub.mappings.rows.body_rows import InvalidRows, body_of_rows, rows_of_body
from hub.mappings.rows.converters import CONVERTERS
from hub.mappings.rows.row_values import Row, RowKind
from hub.mappings.rows.target_fields import TargetField

TABLE_ROWS_MAX = 150  # a form with more would have more inputs than are accepted
CHOICES_OFFERED = 500  # of one field
EMPTY_ROW = Row("", "path", "")
KIND_LABELS: dict[RowKind, str | Promise] = {
    "path": gettext_lazy("our field"),
    "constant": gettext_lazy("fixed value"),
    "identity": gettext_lazy("matching record"),
    "expression": gettext_lazy("expression"),
}
INPUT_NAMES = ("row_path", "row_kind", "row_value", "row_converter", "row_identity")


@dataclass(frozen=True, slots=True)
class TableEntry:
    """A row as displayed, numbered from 1."""

    number: int
    row: Row
    error: str = ""
    target: TargetField | None = None

    @property
    def is_multiline(self) -> bool:
        return "\n" in self.row.value

    @property
    def choices(self) -> Sequence[tuple[str, str]]:
        """Return the values that the row's field accepts, in the form of a constant."""
        return self.target.choices[:CHOICES_OFFERED] if self.target else ()

    @property
    def choice_name(self) -> str:
        """Return the name of the chosen value, such as that of a channel; "" if it is unknown."""
        if self.row.kind != "constant" or not self.target:
            return ""
        return next((name for value, name in self.target.choices if value == self.row.value), "")

    @property
    def unlisted_value(self) -> str:
        """Return the fixed value that is not in the list of the row's field; "" if all are."""
        return self.target.find_unlisted_value(self.row) if self.target else ""


@dataclass
class RowTable:
    """The rows of one mapping in a form."""

    rows: list[Row]
    errors: dict[int, str] = field(default_factory=dict)  # by the row, from 0
    problem: str = ""
    targets: Sequence[TargetField] = ()
    added_row_number: int = 0  # the number of the row that was just added, from 1

    kinds = list(KIND_LABELS.items())
    converters = list(CONVERTERS.values())

    @classmethod
    def of_body(cls, body: Mapping[str, Any]) -> "RowTable":
        return cls([*rows_of_body(body), EMPTY_ROW])

    @classmethod
    def of_posted(cls, data: QueryDict, stored: Mapping[str, Any]) -> "RowTable":
        """Return the posted rows. `stored` is the body from which the page was built."""
        rows = _read_rows(data)
        return cls(_restore_line_ends(rows, rows_of_body(stored)))

    @property
    def fits(self) -> bool:
        return len(self.rows) <= TABLE_ROWS_MAX + 1

    @property
    def entries(self) -> list[TableEntry]:
        """Return the rows as displayed."""
        targets = {target.path: target for target in self.targets}
        return [
            TableEntry(number + 1, row, self.errors.get(number, ""), targets.get(row.path))
            for number, row in enumerate(self.rows)
        ]

    def build_body(self) -> dict[str, Any] | None:
        """Return the body; None if there are errors, which are then in the table."""
        filled = [number for number, row in enumerate(self.rows) if row.path or row.value]
        try:
            return body_of_rows([self.rows[number] for number in filled])
        except InvalidRows as invalid:
            self.errors = {filled[number]: text for number, text in invalid.errors.items()}
            self.problem = invalid.problem or _("Some rows cannot be used; they say why.")
            return None

    def add_row(self) -> None:
        if len(self.rows) <= TABLE_ROWS_MAX:
            self.rows = [*self.rows, EMPTY_ROW]
            self.added_row_number = len(self.rows)

    def remove_row(self, number: int) -> None:
        """Remove the row with this number, from 1; does nothing if there is none."""
        self.rows = [row for index, row in enumerate(self.rows) if index != number - 1]


def _read_rows(data: QueryDict) -> list[Row]:
    columns = [data.getlist(name) for name in INPUT_NAMES]
    return [_build_row(*texts) for texts in zip(*columns, strict=False)]


def _build_row(path: str, kind: str, value: str, converter: str, identity_kind: str) -> Row:
    text = _normalize_line_ends(value)
    known_kind: RowKind = next(
        (known for known in get_args(RowKind) if known == kind), "expression"
    )
    return Row(
        path.strip(),
        known_kind,
        text.strip() if known_kind in ("path", "constant") else text,
        converter if known_kind == "path" else "",
        identity_kind.strip() if known_kind == "identity" else "",
    )


def _restore_line_ends(rows: Sequence[Row], stored: Sequence[Row]) -> list[Row]:
    """Return the rows with the line ends that are stored, as browsers post others."""
    originals = {
        replace(row, value=_normalize_line_ends(row.value)): row
        for row in stored
        if "\r" in row.value
    }
    return [originals.get(row, row) for row in rows]


def _normalize_line_ends(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")
