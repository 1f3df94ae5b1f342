"""The role Schema: the objects of an external system and their fields, as an account has them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from connectors.http import Request, Response
from connectors.outcomes import Outcome
from connectors.schema import Credential

SchemaFieldType = Literal[
    "text",
    "number",
    "boolean",
    "date",
    "datetime",
    "picklist",
    "multipicklist",
    "reference",
    "email",
    "phone",
    "url",
    "id",
    "object",
]


@dataclass(frozen=True, slots=True)
class SchemaField:
    """A field of an object.

    `key` is its path in the object that the input `fields_input` of an action takes, and in the
    records that a collection reads, such as `Email` or `custom_fields.dcf558aac1ae…`.
    """

    key: str
    label: str
    type: SchemaFieldType
    required: bool = False  # a new record without it is refused
    writable: bool = True
    picklist: tuple[tuple[str, str], ...] = ()  # the values that can be chosen, with their labels
    restricted: bool = True  # a value that is not in `picklist` is refused
    references: tuple[str, ...] = ()  # keys of the objects whose ids it takes
    max_length: int | None = None  # characters
    help: str = ""


@dataclass(frozen=True, slots=True)
class SchemaObject:
    """An object, such as Contact; its fields are absent where only objects are listed."""

    key: str
    label: str
    fields: tuple[SchemaField, ...] = ()


@dataclass(frozen=True, slots=True)
class ObjectsPage:
    """Objects of one response; `cursor` continues after them, empty: these were the last.

    `keys`: of all objects that the response names, also of those that are not offered.
    """

    objects: tuple[SchemaObject, ...]
    cursor: str = ""
    keys: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class FieldsPage:
    """Fields of one response; `cursor` continues after them, empty: these were the last."""

    fields: tuple[SchemaField, ...]
    label: str = ""  # of the object, if the response states it
    cursor: str = ""


class Schema:
    """Builds the requests for objects and fields, and parses the responses.

    A parser raises Unreadable for a response that is truncated or differs from the system's
    documentation, so that an object or field that is absent from it is never treated as deleted.
    """

    # the objects of every account; empty: the system is asked
    objects: tuple[SchemaObject, ...] = ()
    # the object that a collection reads, by the collection's key; an empty text: it is named by the
    # parameter `object`
    object_of_collection: Mapping[str, str] = {}

    # reasons of an Outcome of `fields_request` by which there may be no such object
    missing_object_reasons: frozenset[str] = frozenset()

    @property
    def reads_any_object(self) -> bool:
        """Whether a parameter of a collection names the object that is read."""
        return "" in self.object_of_collection.values()

    def find_event_object(self, event_type: str) -> str:
        """Return the key of the object to which an event of this type belongs; "" if there is none.

        `event_type` has no connector prefix, such as `order.created`.
        """
        return ""

    def find_event_field(self, path: Sequence[str]) -> str:
        """Return the key of the schema field that a path in an event's data reads; "" if none.

        `path`: the names below `data`, such as `record`, `Email`.
        """
        return ""

    def find_query_field(self, name: str) -> str:
        """Return the key of the field of this object that a name in a query refers to."""
        return name

    def objects_request(self, credential: Credential, *, cursor: str = "") -> Request:
        raise NotImplementedError

    def parse_objects(self, response: Response) -> ObjectsPage | Outcome:
        """Parse a page of objects, or the Outcome of a refusal. Raises Unreadable."""
        raise NotImplementedError

    def fields_request(
        self, credential: Credential, object_key: str, *, cursor: str = ""
    ) -> Request:
        """Build the request for an object's fields. Raises ValueError for an invalid key."""
        raise NotImplementedError

    def parse_fields(self, response: Response, object_key: str) -> FieldsPage | Outcome:
        """Parse a page of fields, or the Outcome of a refusal. Raises Unreadable."""
        raise NotImplementedError
