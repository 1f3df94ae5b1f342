"""The body of a mapping in an editor: as rows or as JSON, which can be exchanged without loss."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from django.core.exceptions import ValidationError
from django.http import QueryDict

from hub.mappings.json_fields import BodyField, format_json_text
from hub.mappings.rows.row_table import RowTable

BodyView = Literal["table", "json"]
MAX_DIGITS = 4  # of the number of a row


@dataclass
class BodyDraft:
    """The body of a mapping while a person edits it.

    `view` says which of `table` and `text` is edited; `problem` and the errors of the rows are set
    by `build_body`.
    """

    view: BodyView
    table: RowTable = field(default_factory=lambda: RowTable([]))
    text: str = ""
    problem: str = ""

    @classmethod
    def of_body(cls, body: Mapping[str, Any], view: BodyView = "table") -> "BodyDraft":
        """Show a body; one with too many rows for a table as JSON."""
        table = RowTable.of_body(body)
        if view == "json" or not table.fits:
            return cls("json", table, format_json_text(body))
        return cls("table", table)

    @classmethod
    def of_posted(cls, data: Mapping[str, Any], stored: Mapping[str, Any]) -> "BodyDraft":
        """Read what was posted from a page that showed the `stored` body."""
        if isinstance(data, QueryDict) and data.get("view") == "table":
            return cls("table", RowTable.of_posted(data, stored))
        return cls("json", text=data.get("body") or "")

    def build_body(self) -> dict[str, Any] | None:
        """Return the body; None if there are errors, which are then in the draft."""
        if self.view == "table":
            body = self.table.build_body()
            self.problem = self.table.problem
            return body
        try:
            return BodyField(required=False).clean(self.text) or {}
        except ValidationError as error:
            self.problem = " ".join(error.messages)
            return None

    def change(self, command: str) -> "BodyDraft":
        """Return the draft after a button: `add`, `remove` with a row number, `json` or `table`;
        unchanged for any other.
        """
        name, _separator, number = command.partition(" ")
        if name in ("json", "table"):
            return self.switch_view("json" if name == "json" else "table")
        if name == "add":
            self.table.add_row()
        if name == "remove" and number.isdecimal():
            self.table.remove_row(int(number[:MAX_DIGITS]))
        return self

    def switch_view(self, view: BodyView) -> "BodyDraft":
        """Return the draft in the other view; unchanged if it has errors."""
        body = self.build_body()
        return self if body is None else BodyDraft.of_body(body, view)


def read_view(data: Mapping[str, Any]) -> BodyView:
    """Return the view that a URL's query asks for."""
    return "json" if data.get("view") == "json" else "table"
