"""Salesforce: the objects of an organisation, and the fields of an object.

https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/
resources_describeGlobal.htm and resources_sobject_describe.htm (2026-11): an answer is whole, it
has no pages.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from connectors.http import KIBIBYTE, Request, Response, Unreadable
from connectors.object_schemas import (
    FieldsPage,
    ObjectsPage,
    Schema,
    SchemaField,
    SchemaFieldType,
    SchemaObject,
)
from connectors.outcomes import Outcome, raises_unreadable
from connectors.salesforce.actions import API_VERSION, base_url
from connectors.salesforce.errors import ORG, find_rejection
from connectors.salesforce.schema import API_NAME_PATTERN
from connectors.salesforce.webhook_types import OBJECT_NAMES
from connectors.schema import Credential

DESCRIBE_BYTES = 8 * 1024 * KIBIBYTE  # an Account with 800 fields has about 3 MB
MAX_FIELDS = 5000  # more than an object may have

# https://developer.salesforce.com/docs/atlas.en-us.object_reference.meta/object_reference/
# field_types.htm (2026-11); a type that is not here is text
TYPES: Mapping[str, SchemaFieldType] = {
    "address": "object",
    "boolean": "boolean",
    "complexvalue": "object",
    "currency": "number",
    "date": "date",
    "datetime": "datetime",
    "double": "number",
    "email": "email",
    "id": "id",
    "int": "number",
    "location": "object",
    "long": "number",
    "multipicklist": "multipicklist",
    "percent": "number",
    "phone": "phone",
    "picklist": "picklist",
    "reference": "reference",
    "url": "url",
}


class SalesforceSchema(Schema):
    object_of_collection = {"records": "", "aggregate": ""}
    missing_object_reasons = frozenset({"invalid_type", "not_found"})

    def find_event_object(self, event_type: str) -> str:
        """Return the object's API name; without webhooks of ours, as the type spells it."""
        name = event_type.partition(".")[0]
        return OBJECT_NAMES.get(name, name)

    def find_event_field(self, path: Sequence[str]) -> str:
        return path[1] if len(path) > 1 and path[0] == "record" else ""

    def find_query_field(self, name: str) -> str:
        """Return the field that a name reads; for `Account.Name`, the relationship's field.

        https://developer.salesforce.com/docs/atlas.en-us.soql_sosl.meta/soql_sosl/
        sforce_api_calls_soql_relationships_understanding.htm (2026-11): `Account.Name` is read by
        AccountId, `Parent__r.Name` by Parent__c.
        """
        relationship, dot, _rest = name.partition(".")
        if not dot:
            return name
        if relationship.lower().endswith("__r"):
            return f"{relationship[:-1]}c"
        return f"{relationship}Id"

    def objects_request(self, credential: Credential, *, cursor: str = "") -> Request:
        return self._build_request(credential, "sobjects")

    @raises_unreadable
    def parse_objects(self, response: Response) -> ObjectsPage | Outcome:
        """Parse describeGlobal: the objects whose records can be read and written."""
        if rejection := find_rejection(response):
            return rejection
        entries = _parse_whole_answer(response)["sobjects"]
        if not isinstance(entries, list) or not entries:
            raise Unreadable("the answer lists no objects")
        return ObjectsPage(
            tuple(
                SchemaObject(str(entry["name"]), str(entry["label"]))
                for entry in entries
                if _is_writable(entry) and entry["queryable"]
            ),
            keys=frozenset(str(entry["name"]) for entry in entries),
        )

    def fields_request(
        self, credential: Credential, object_key: str, *, cursor: str = ""
    ) -> Request:
        if not API_NAME_PATTERN.fullmatch(object_key):
            raise ValueError("the object is not an API name")
        return self._build_request(credential, f"sobjects/{object_key}/describe")

    @raises_unreadable
    def parse_fields(self, response: Response, object_key: str) -> FieldsPage | Outcome:
        """Parse the describe response of an object. One without the field `Id` is incomplete."""
        if rejection := find_rejection(response):
            return rejection
        answer = _parse_whole_answer(response)
        if str(answer["name"]).lower() != object_key.lower():
            raise Unreadable("the answer describes another object")
        fields = [
            parse_field(entry) for entry in answer["fields"] if not entry.get("deprecatedAndHidden")
        ]
        if not any(field.key == "Id" for field in fields) or len(fields) > MAX_FIELDS:
            raise Unreadable("the answer does not list the object's fields")
        return FieldsPage(tuple(fields), label=str(answer["label"]))

    def _build_request(self, credential: Credential, path: str) -> Request:
        return Request(
            "GET",
            f"{base_url(credential)}/services/data/{API_VERSION}/{path}",
            bearer=credential.access_token,
            spends=((ORG, 1),),
            response_bytes_max=DESCRIBE_BYTES,
        )


def parse_field(entry: Mapping[str, Any]) -> SchemaField:
    """Parse a field of a describe. Raises one of READ_ERRORS.

    A new record needs a field that can be set, cannot be null and has no default.
    """
    length = entry.get("length")
    return SchemaField(
        key=str(entry["name"]),
        label=str(entry["label"]),
        type=TYPES.get(entry["type"], "text"),
        required=bool(
            entry["createable"] and not entry["nillable"] and not entry["defaultedOnCreate"]
        ),
        writable=_is_writable(entry),
        picklist=tuple(
            (str(value["value"]), str(value.get("label") or value["value"]))
            for value in entry.get("picklistValues") or ()
            if value["active"]
        ),
        restricted=bool(entry.get("restrictedPicklist")),
        references=tuple(str(name) for name in entry.get("referenceTo") or ()),
        max_length=length if isinstance(length, int) and length > 0 else None,
        help=str(entry.get("inlineHelpText") or ""),
    )


def _is_writable(entry: Mapping[str, Any]) -> bool:
    return bool(entry["createable"] or entry["updateable"])


def _parse_whole_answer(response: Response) -> Any:
    if response.is_truncated:
        raise Unreadable("the answer is longer than what is read")
    return response.json()
