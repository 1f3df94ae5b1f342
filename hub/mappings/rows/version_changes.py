"""The versions of a mapping, each with its differences from the previous one."""

from collections.abc import Sequence
from dataclasses import dataclass

from hub.mappings.json_fields import format_json_text
from hub.mappings.models import FieldMapping, MappingVersion
from hub.mappings.rows.body_rows import rows_of_body
from hub.mappings.rows.row_changes import RowChange, compare_rows
from hub.mappings.rows.row_texts import describe_row


@dataclass(frozen=True, slots=True)
class VersionChange:
    """One version, with its changes; all rows of the first version are added ones."""

    version: MappingVersion
    is_newest: bool
    rows: Sequence[RowChange]

    @property
    def body_text(self) -> str:
        return format_json_text(self.version.ordered_body)

    @property
    def row_texts(self) -> list[tuple[str, str, str, str]]:
        """Return the changes as text: field, kind of the change, and the value before and after."""
        return [
            (
                change.path,
                change.kind,
                describe_row(change.before) if change.before else "",
                describe_row(change.after) if change.after else "",
            )
            for change in self.rows
            if change.kind != "same"
        ]


def list_changed_versions(
    mapping: FieldMapping, before: int | None = None, *, limit: int
) -> list[VersionChange]:
    """List versions, newest first, in two statements; with `before` those with lower numbers."""
    versions = mapping.versions.select_related("created_by").order_by("-number")
    newest = versions.values_list("number", flat=True).first()
    chosen = versions.filter(number__lt=before) if before else versions
    loaded = list(chosen[: limit + 1])
    pairs = zip(loaded, [*loaded[1:], None], strict=True)
    changes = [
        VersionChange(version, version.number == newest, _compare(older, version))
        for version, older in pairs
    ]
    return changes[:limit]


def _compare(older: MappingVersion | None, version: MappingVersion) -> list[RowChange]:
    before = rows_of_body(older.ordered_body) if older else []
    return compare_rows(before, rows_of_body(version.ordered_body))
