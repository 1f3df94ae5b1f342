"""Describe mappings and their rows as text, for pages that only display them."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from connectors.registry import CONNECTORS
from hub.mappings.models import FieldMapping
from hub.mappings.rows import rows_of_body
from hub.mappings.rows.converters import CONVERTERS
from hub.mappings.rows.row_values import Row
from hub.reason_codes import translate_text as in_language


def describe_target(mapping: FieldMapping) -> str:
    """Describe system and action of a mapping as text."""
    connector = CONNECTORS.get(mapping.connector_key)
    if connector is None:
        return f"{mapping.connector_key}: {mapping.action}"
    try:
        label = in_language(connector.action(mapping.action).label)
    except LookupError:  # an action of another release
        label = mapping.action
    return f"{connector.label}: {label}"


def describe_body(body: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Describe each row of a body by its field, its kind and what it writes."""
    return [(row.path, row.kind, describe_row(row)) for row in rows_of_body(body)]


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
