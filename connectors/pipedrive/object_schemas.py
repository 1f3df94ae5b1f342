"""Pipedrive: the fields of deals, persons, organizations, activities and leads.

https://developers.pipedrive.com/docs/api/v1/DealFields#getDealFields, the Fields API of v2
(2026-11). Leads have the custom fields of deals:
https://pipedrive.readme.io/docs/core-api-concepts-custom-fields
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from connectors.http import KIBIBYTE, Request, Response, Unreadable
from connectors.i18n import _
from connectors.object_schemas import (
    FieldsPage,
    Schema,
    SchemaField,
    SchemaFieldType,
    SchemaObject,
)
from connectors.outcomes import Outcome, raises_unreadable
from connectors.pipedrive.actions import base_url, build_token_costs
from connectors.pipedrive.errors import find_rejection
from connectors.pipedrive.schema import CUSTOM_FIELDS, RECORD_KINDS, RecordKind
from connectors.schema import Credential

PAGE_SIZE = 500  # "a maximum value of 500 is allowed"
PAGE_BYTES = 4 * 1024 * KIBIBYTE
LIST_COST_TOKENS = 10  # as lists of records cost; the cost of lists of fields is not stated
CURSOR_MAX_LENGTH = 500

# `field_type` of v2; a type that is not here is text
TYPES: Mapping[str, SchemaFieldType] = {
    "activity": "reference",
    "address": "object",
    "boolean": "boolean",
    "date": "date",
    "daterange": "object",
    "deal": "reference",
    "double": "number",
    "enum": "picklist",
    "int": "number",
    "json": "object",
    "lead": "reference",
    "monetary": "object",  # value and currency
    "org": "reference",
    "people": "reference",
    "phone": "phone",
    "picture": "object",
    "project": "reference",
    "set": "multipicklist",
    "stage": "reference",
    "status": "picklist",
    "timerange": "object",
    "user": "reference",
    "visible_to": "picklist",
}
REFERENCES = {
    "activity": "activities",
    "deal": "deals",
    "lead": "leads",
    "org": "organizations",
    "people": "persons",
    "project": "projects",
    "stage": "stages",
    "user": "users",
}
# fields of v2 records whose values have another type than their `field_type`
STANDARD_TYPES: Mapping[str, SchemaFieldType] = {
    "address": "object",
    "emails": "object",
    "label_ids": "multipicklist",
    "phones": "object",
    "value": "number",
}
OBJECTS = (
    SchemaObject("deals", _("Deals")),
    SchemaObject("persons", _("Persons")),
    SchemaObject("organizations", _("Organizations")),
    SchemaObject("activities", _("Activities")),
    SchemaObject("leads", _("Leads")),
)
FIELD_PATHS = {
    "deals": "dealFields",
    "persons": "personFields",
    "organizations": "organizationFields",
    "activities": "activityFields",
    "leads": "dealFields",
}
# objects whose fields can state that they are required
WITH_REQUIRED_FIELDS = frozenset({"deals", "persons", "organizations", "leads"})
KINDS_BY_OBJECT: Mapping[str, RecordKind] = {kind.object_key: kind for kind in RECORD_KINDS}
# by the object that a webhook names
OBJECTS_BY_KIND: Mapping[str, str] = {
    kind.key: kind.object_key for kind in RECORD_KINDS if kind.object_key in FIELD_PATHS
}
RECORDS_OF_EVENT = ("record", "previous")  # parts of an event's data with fields of the record


class PipedriveSchema(Schema):
    objects = OBJECTS
    object_of_collection = {key: key for key in ("deals", "persons", "organizations", "activities")}

    def find_event_object(self, event_type: str) -> str:
        return OBJECTS_BY_KIND.get(event_type.partition(".")[0], "")

    def find_event_field(self, path: Sequence[str]) -> str:
        """Return the key of the field that a path reads; parts of its value belong to it."""
        if len(path) < 2 or path[0] not in RECORDS_OF_EVENT:
            return ""
        if path[1] != CUSTOM_FIELDS.key:
            return path[1]
        return f"{CUSTOM_FIELDS.key}.{path[2]}" if len(path) > 2 else ""

    def find_query_field(self, name: str) -> str:
        """Return the key of the field that a name refers to; it may refer to a part of it."""
        parts = name.split(".")
        return ".".join(parts[:2] if parts[0] == CUSTOM_FIELDS.key else parts[:1])

    def fields_request(
        self, credential: Credential, object_key: str, *, cursor: str = ""
    ) -> Request:
        if object_key not in FIELD_PATHS:
            raise ValueError("Pipedrive has no such object")
        query = {"limit": str(PAGE_SIZE)}
        if object_key in WITH_REQUIRED_FIELDS:
            query["include_fields"] = "required_fields"
        if cursor:
            query["cursor"] = cursor
        return Request(
            "GET",
            f"{base_url(credential)}/api/v2/{FIELD_PATHS[object_key]}?{urlencode(query)}",
            bearer=credential.access_token,
            spends=build_token_costs(LIST_COST_TOKENS),
            response_bytes_max=PAGE_BYTES,
        )

    @raises_unreadable
    def parse_fields(self, response: Response, object_key: str) -> FieldsPage | Outcome:
        if rejection := find_rejection(response):
            return rejection
        if response.is_truncated:
            raise Unreadable("the answer is longer than what is read")
        answer = response.json()
        entries, cursor = answer["data"], answer["additional_data"]["next_cursor"]
        if answer["success"] is not True or not isinstance(entries, list) or not entries:
            raise Unreadable("the answer lists no fields")
        if not isinstance(cursor, str | None) or len(cursor or "") > CURSOR_MAX_LENGTH:
            raise Unreadable("next_cursor is not a cursor")
        kind = KINDS_BY_OBJECT[object_key]
        if object_key == "leads":
            return FieldsPage(tuple(_parse_lead_fields(entries, kind)), cursor=cursor or "")
        fields = tuple(parse_field(entry, kind) for entry in entries)
        return FieldsPage(fields, cursor=cursor or "")


def _parse_lead_fields(
    entries: Iterable[Mapping[str, Any]], kind: RecordKind
) -> Iterable[SchemaField]:
    """Yield the standard fields of leads, the same in every company, and deals' custom fields."""
    for entry in kind.inputs:
        if entry is not CUSTOM_FIELDS:
            required = entry.key == kind.required_input
            yield SchemaField(entry.key, entry.label, "text", required=required, help=entry.help)
    yield from (parse_field(entry, kind) for entry in entries if entry["is_custom_field"])


def parse_field(entry: Mapping[str, Any], kind: RecordKind) -> SchemaField:
    """Parse a field. Raises one of READ_ERRORS.

    Custom fields are below `custom_fields`. `required_fields` is enforced by Pipedrive's own pages
    only; if it names no pipeline stage, the field is required in all stages.
    """
    code, is_custom = str(entry["field_code"]), entry["is_custom_field"] is True
    required = entry.get("required_fields") or {}
    inputs = {field.key for field in kind.inputs}
    type_name = str(entry["field_type"])
    field_type = TYPES.get(type_name, "text")
    return SchemaField(
        key=f"{CUSTOM_FIELDS.key}.{code}" if is_custom else code,
        label=str(entry["field_name"]),
        type=field_type if is_custom else STANDARD_TYPES.get(code, field_type),
        required=code == kind.required_input
        or (required.get("enabled") is True and not required.get("stage_ids")),
        writable=is_custom or code in inputs,
        picklist=tuple(
            (str(option["id"]), str(option["label"])) for option in entry.get("options") or ()
        ),
        references=(REFERENCES[type_name],) if type_name in REFERENCES else (),
        max_length=255 if type_name in ("varchar", "varchar_auto") else None,
        help=str(entry.get("description") or ""),
    )
