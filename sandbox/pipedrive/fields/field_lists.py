"""The fields of a company's records, as the Fields API of v2 answers them.

https://developers.pipedrive.com/docs/api/v1/DealFields#getDealFields (2026-11). Which standard
fields a company has, and their order, was never seen live: these are the fields of v2's records.
"""

from collections.abc import Mapping
from typing import Any

from sandbox.pipedrive.accounts import Company
from sandbox.pipedrive.checks import invalid
from sandbox.pipedrive.custom_fields import CustomField, custom_fields
from sandbox.pipedrive.kinds import KINDS, Kind

FIELD_LISTS = {
    "dealFields": "deals",
    "personFields": "persons",
    "organizationFields": "organizations",
    "activityFields": "activities",
}
MORE_FIELDS = ("ui_visibility", "important_fields", "required_fields")
# without the fields that states by stage, such as deals have, are not documented for
WITH_MORE_FIELDS = frozenset({"deals", "persons", "organizations"})
MOST, USUALLY = 500, 100
READ_ONLY = {"id": "int", "add_time": "date", "update_time": "date"}
# `field_type` by the type of a field here
TYPES = {
    "boolean": "boolean",
    "contact_sync": "varchar",
    "currency": "varchar",
    "date": "date",
    "duration": "time",
    "integer": "int",
    "integers": "set",
    "list": "json",
    "moment": "date",
    "number": "double",
    "object": "address",
    "percent": "double",
    "status": "status",
    "text": "varchar",
    "time": "time",
    "values": "varchar",
    "visibility": "visible_to",
    "marketing": "enum",
}
TYPES_BY_NAME = {
    "deal_id": "deal",
    "lead_id": "lead",
    "org_id": "org",
    "owner_id": "user",
    "phones": "phone",
    "person_id": "people",
    "pipeline_id": "int",
    "stage_id": "stage",
    "value": "monetary",
}
OPTIONS: Mapping[str, tuple[tuple[Any, str], ...]] = {
    "status": (("open", "Open"), ("won", "Won"), ("lost", "Lost"), ("deleted", "Deleted")),
    "visible_to": (
        (1, "Item owner"),
        (3, "Item owner's visibility group"),
        (5, "Item owner's visibility group and sub-groups"),
        (7, "All users"),
    ),
    "marketing_status": (
        ("no_consent", "No consent"),
        ("unsubscribed", "Unsubscribed"),
        ("subscribed", "Subscribed"),
        ("archived", "Archived"),
    ),
}
SUBFIELDS = {
    "monetary": (("value", "Amount", "double"), ("currency", "Currency", "varchar")),
    "address": (("value", "Full address", "varchar"), ("country", "Country", "varchar")),
}


def list_fields(company: Company, path: str, query: Mapping[str, str]) -> dict[str, Any]:
    """A page of the fields of one kind of records; the cursor is the place of the next one."""
    kind = KINDS[path]
    more = [name for name in query.get("include_fields", "").split(",") if name]
    if unknown := set(more) - set(MORE_FIELDS):
        raise invalid(kind, f"include_fields: {min(unknown)} is not allowed")
    limit = _parse_number(kind, query, "limit", USUALLY)
    if not 1 <= limit <= MOST:
        raise invalid(kind, f"limit: must be between 1 and {MOST}")
    start = _parse_number(kind, query, "cursor", 0)
    rows = [describe(company, kind, field, more) for field in all_fields(company, kind)]
    following = str(start + limit) if len(rows) > start + limit else None
    return {
        "success": True,
        "data": rows[start : start + limit],
        "additional_data": {"next_cursor": following},
    }


def _parse_number(kind: Kind, query: Mapping[str, str], name: str, usually: int) -> int:
    text = query.get(name) or str(usually)
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise invalid(kind, f"{name}: is invalid")
    return int(text)


def all_fields(company: Company, kind: Kind) -> list[CustomField]:
    """Standard fields first, then those that the company made."""
    names = {**READ_ONLY, **kind.fields}
    standard = [standard_field(company, kind, name) for name in names]
    return [*standard, *custom_fields(company, kind.custom_of).values()]


def standard_field(company: Company, kind: Kind, name: str) -> CustomField:
    type_name = READ_ONLY.get(name) or TYPES.get(kind.fields[name], "varchar")
    return CustomField(
        key=name,
        name=name.removesuffix("_id").replace("_", " ").capitalize(),
        type=TYPES_BY_NAME.get(name, type_name),
        options=OPTIONS.get(name, ()),
        required=name in company.required_fields.get(kind.path, ()),
        is_custom=False,
    )


def describe(company: Company, kind: Kind, field: CustomField, more: list[str]) -> dict[str, Any]:
    options = [
        {"id": id, "label": label, "color": None, "update_time": None, "add_time": None}
        for id, label in field.options
    ]
    subfields = [
        {"field_code": code, "field_name": f"{name} of {field.name}", "field_type": type_name}
        for code, name, type_name in SUBFIELDS.get(field.type, ())
    ]
    described: dict[str, Any] = {
        "field_name": field.name,
        "field_code": field.key,
        "description": field.description,
        "field_type": field.type,
        "options": options or None,
        "subfields": subfields or None,
        "is_custom_field": field.is_custom,
        "is_optional_response_field": False,
    }
    extra_names = more if kind.path in WITH_MORE_FIELDS else []
    return described | {name: _describe_more(name, field) for name in extra_names}


def _describe_more(name: str, field: CustomField) -> dict[str, Any]:
    if name == "ui_visibility":
        return {"add_visible_flag": True, "details_visible_flag": True}
    enabled = name == "required_fields" and field.required
    return {"enabled": enabled, "stage_ids": [], "statuses": {}}
