"""Describe rows as text, for pages that only display them."""

from django.utils.translation import gettext as _

from hub.mappings.rows.converters import CONVERTERS
from hub.mappings.rows.row_values import Row


def describe_row(row: Row) -> str:
    """Describe what a row writes, without naming its field."""
    if row.kind == "identity":
        return _("the %(kind)s that matches %(value)s") % {
            "kind": row.identity_kind,
            "value": row.value,
        }
    if row.converter in CONVERTERS:
        return f"{row.value}, {CONVERTERS[row.converter].label}"
    return row.value
