"""The cached schemas of connections; they can be read again at any time."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from django.db import models

from connectors.object_schemas import SchemaField
from connectors.outcomes import clean_text
from hub.connections.models import Connection
from tenants.scoping import Scoped

Choice = tuple[str, str]  # an id and a name
MAX_TEXT_LENGTH = 1000  # characters of a text of a schema


class ObjectSchema(Scoped):
    """The fields of one object, as they were last read completely."""

    TENANT = "connection__tenant"

    connection = models.ForeignKey(
        Connection, on_delete=models.CASCADE, related_name="object_schemas"
    )
    object_key = models.CharField(max_length=120)
    label = models.CharField(max_length=200)
    fields = models.JSONField()  # a list of SchemaField as objects
    read_at = models.DateTimeField()

    class Meta(Scoped.Meta):
        constraints = (
            models.UniqueConstraint(fields=("connection", "object_key"), name="one_object_schema"),
        )

    def __str__(self) -> str:
        return self.label or self.object_key

    @property
    def schema_fields(self) -> tuple[SchemaField, ...]:
        return load_fields(self.fields)


class ChoiceList(Scoped):
    """The records of one kind from which a person chooses, sorted by name."""

    TENANT = "connection__tenant"

    connection = models.ForeignKey(
        Connection, on_delete=models.CASCADE, related_name="choice_lists"
    )
    kind = models.CharField(max_length=60)  # of an identity, or OBJECT_LIST_KIND
    items = models.JSONField()  # a list of pairs of id and name
    is_complete = models.BooleanField(default=True)  # False: the system has more
    read_at = models.DateTimeField()

    class Meta(Scoped.Meta):
        constraints = (
            models.UniqueConstraint(fields=("connection", "kind"), name="one_choice_list"),
        )

    def __str__(self) -> str:
        return self.kind

    @property
    def choices(self) -> tuple[Choice, ...]:
        return tuple((id, name) for id, name in self.items)


def dump_fields(fields: Iterable[SchemaField]) -> list[dict[str, Any]]:
    """Return the fields as JSON without unprintable characters, which databases do not accept."""
    return [clean_json(asdict(field)) for field in fields]


def clean_json(value: Any) -> Any:
    """Return the value with cleaned texts, and with tuples as lists."""
    if isinstance(value, str):
        return clean_text(value, MAX_TEXT_LENGTH)
    if isinstance(value, Mapping):
        return {key: clean_json(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [clean_json(entry) for entry in value]
    return value


def load_fields(dumped: Iterable[Mapping[str, Any]]) -> tuple[SchemaField, ...]:
    """Return the fields that `dump_fields` returned as JSON."""
    return tuple(
        SchemaField(
            **{
                **field,
                "picklist": tuple((value, label) for value, label in field["picklist"]),
                "references": tuple(field["references"]),
            }
        )
        for field in dumped
    )
