"""The objects of a connection's system and their fields: find cached ones, or read them again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from connectors.http import Request
from connectors.object_schemas import FieldsPage, ObjectsPage, Schema, SchemaField, SchemaObject
from connectors.outcomes import Outcome, clean_text
from connectors.schema import Credential
from hub.connections.credentials.provider_call import Call, Patience
from hub.connections.models import Connection
from hub.schemas.models import ChoiceList, ObjectSchema, clean_json, dump_fields
from hub.schemas.provider_pages import (
    PageQuery,
    build_incomplete_outcome,
    build_unsupported_outcome,
    read_provider_pages,
)

OBJECT_LIST_KIND = "object"  # the kind of the list of objects
OBJECT_PAGES_MAX = 20
FIELD_PAGES_MAX = 20
MAX_KEY_LENGTH = 120
MAX_LABEL_LENGTH = 200


@dataclass(frozen=True, slots=True)
class SchemaRead:
    """One complete read of an object's fields, not stored."""

    label: str
    fields: tuple[SchemaField, ...]


def has_object_schemas(connection: Connection) -> bool:
    return connection.connector.schema is not None


def find_object_schema(connection: Connection, object_key: str) -> ObjectSchema | None:
    """Return the cached schema of the object; None if it was never read. Makes no external call."""
    if clean_text(object_key, MAX_KEY_LENGTH) != object_key:
        return None
    return ObjectSchema.unscoped.filter(connection=connection, object_key=object_key).first()


def refresh_object_schema(
    connection: Connection,
    object_key: str,
    *,
    call: Call,
    now: datetime,
    low_priority: bool = False,
    patience: Patience | None = None,
) -> ObjectSchema | Outcome:
    """Read the object's fields and store them; return the Outcome if the read fails.

    An incomplete read stores nothing. No transaction may be open.
    """
    read = read_object_schema(
        connection, object_key, call=call, now=now, low_priority=low_priority, patience=patience
    )
    if isinstance(read, Outcome):
        return read
    stored, _created = ObjectSchema.unscoped.update_or_create(
        connection=connection,
        object_key=object_key,
        defaults={
            "label": clean_text(read.label or object_key, MAX_LABEL_LENGTH),
            "fields": dump_fields(read.fields),
            "read_at": now,
        },
    )
    return stored


def read_object_schema(
    connection: Connection,
    object_key: str,
    *,
    call: Call,
    now: datetime,
    low_priority: bool = False,
    patience: Patience | None = None,
) -> SchemaRead | Outcome:
    """Read the object's fields completely; return the Outcome if the read fails."""
    schema = connection.connector.schema
    if schema is None or len(object_key) > MAX_KEY_LENGTH:
        return build_unsupported_outcome(connection, f"object {object_key[:MAX_KEY_LENGTH]}")
    pages = read_provider_pages(
        connection,
        _build_fields_query(schema, object_key),
        call=call,
        now=now,
        low_priority=low_priority,
        patience=patience,
    )
    if isinstance(pages, Outcome):
        return pages
    if not pages.is_complete:
        return build_incomplete_outcome()
    fields = {field.key: field for page in pages.pages for field in page.fields}
    label = next((page.label for page in pages.pages if page.label), "")
    return SchemaRead(label or _find_fixed_label(schema, object_key), tuple(fields.values()))


def list_schema_objects(connection: Connection) -> tuple[SchemaObject, ...] | None:
    """Return the cached objects, sorted by label; None if never read. No external call."""
    schema = connection.connector.schema
    if schema is not None and schema.objects:
        return tuple(schema.objects)
    stored = ChoiceList.unscoped.filter(connection=connection, kind=OBJECT_LIST_KIND).first()
    return tuple(SchemaObject(key, label) for key, label in stored.choices) if stored else None


def refresh_schema_objects(
    connection: Connection,
    *,
    call: Call,
    now: datetime,
    low_priority: bool = False,
    patience: Patience | None = None,
) -> tuple[SchemaObject, ...] | Outcome:
    """Read the list of objects and store it; return the Outcome if the read fails."""
    schema = connection.connector.schema
    if schema is None:
        return build_unsupported_outcome(connection, "objects that can be listed")
    if schema.objects:
        return tuple(schema.objects)
    pages = _read_object_pages(
        connection, schema, call=call, now=now, low_priority=low_priority, patience=patience
    )
    if isinstance(pages, Outcome):
        return pages
    objects = _sort_objects([entry for page in pages for entry in page.objects])
    ChoiceList.unscoped.update_or_create(
        connection=connection,
        kind=OBJECT_LIST_KIND,
        defaults={
            "items": clean_json([(entry.key, entry.label) for entry in objects]),
            "is_complete": True,
            "read_at": now,
        },
    )
    return objects


def _sort_objects(objects: Sequence[SchemaObject]) -> tuple[SchemaObject, ...]:
    return tuple(sorted(objects, key=lambda entry: (entry.label.casefold(), entry.key)))


def _find_fixed_label(schema: Schema, object_key: str) -> str:
    return next((entry.label for entry in schema.objects if entry.key == object_key), "")


def _build_fields_query(schema: Schema, object_key: str) -> PageQuery[FieldsPage]:
    def build(credential: Credential, cursor: str) -> Request:
        return schema.fields_request(credential, object_key, cursor=cursor)

    return PageQuery(
        build, lambda response: schema.parse_fields(response, object_key), FIELD_PAGES_MAX
    )


def read_object_keys(
    connection: Connection,
    *,
    call: Call,
    now: datetime,
    low_priority: bool = False,
    patience: Patience | None = None,
) -> frozenset[str] | Outcome:
    """Read the keys of all objects of the account; return the Outcome if the read fails.

    Nothing is stored. No transaction may be open.
    """
    schema = connection.connector.schema
    if schema is None:
        return build_unsupported_outcome(connection, "objects that can be listed")
    if schema.objects:
        return frozenset(entry.key for entry in schema.objects)
    pages = _read_object_pages(
        connection, schema, call=call, now=now, low_priority=low_priority, patience=patience
    )
    if isinstance(pages, Outcome):
        return pages
    return frozenset(key for page in pages for key in page.keys)


def _read_object_pages(
    connection: Connection,
    schema: Schema,
    *,
    call: Call,
    now: datetime,
    low_priority: bool,
    patience: Patience | None,
) -> tuple[ObjectsPage, ...] | Outcome:
    """Return all pages of the list of objects, or the Outcome of an incomplete read."""
    pages = read_provider_pages(
        connection,
        _build_objects_query(schema),
        call=call,
        now=now,
        low_priority=low_priority,
        patience=patience,
    )
    if isinstance(pages, Outcome):
        return pages
    return pages.pages if pages.is_complete else build_incomplete_outcome()


def _build_objects_query(schema: Schema) -> PageQuery[ObjectsPage]:
    def build(credential: Credential, cursor: str) -> Request:
        return schema.objects_request(credential, cursor=cursor)

    return PageQuery(build, schema.parse_objects, OBJECT_PAGES_MAX)
