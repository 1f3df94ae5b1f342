"""Read records of one side again, by their ids or keys, just before or after a repair."""

from collections.abc import Collection as Ids
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from connectors.outcomes import Outcome, later
from connectors.roles import Collection, Page
from hub.connections.credentials.connector_context import (
    collect_secrets,
    find_connector_app,
    open_credential,
)
from hub.connections.credentials.provider_call import Call, Patience, call_provider
from hub.connections.models import Connection
from hub.crypto.sealed import CannotOpen
from hub.scheduled.models import LOCAL
from hub.scheduled.reading.requests import CONTROLLED_PARAMETERS
from hub.scheduled.reconciliation.declared_options import find_collection
from hub.scheduled.reconciliation.options import ReconcileOptions, SideOptions, parse_path
from hub.scheduled.reconciliation.values.extraction import RecordExtractor
from hub.scheduled.reconciliation.values.record_keys import is_possible_key
from hub.schemas.models import ObjectSchema
from hub.schemas.object_schemas import find_object_schema, refresh_object_schema
from tenants.models import Tenant

PAGES_MAX = 100  # of one search


class NotReadable(Exception):
    """The records cannot be read now."""


@dataclass(frozen=True, slots=True)
class CurrentRecord:
    """A record in its current state: its id, its key, its values by field, and its version."""

    record_id: str
    key: str  # empty if the sides are matched by identities
    values: Mapping[str, Any]
    version: str
    changed_at: datetime | None


@dataclass(frozen=True, slots=True)
class RecordReader:
    """Reads records of one tenant's side. `call` sends a request."""

    connection: Connection
    tenant: Tenant
    options: ReconcileOptions
    side: str
    call: Call
    patience: Patience | None = None

    def read(self, ids: Ids[str], *, now: datetime) -> Mapping[str, CurrentRecord]:
        """Return the records that exist and meet the conditions of the job, by id.

        Deleted records are absent. Raises NotReadable, and LookupError if the collection has no
        single records.
        """
        collection = self.collection
        if not collection.ids_max:
            raise LookupError("the collection cannot be asked for single records")
        records: dict[str, CurrentRecord] = {}
        sorted_ids = sorted(set(ids))
        for start in range(0, len(sorted_ids), collection.ids_max):
            page_ids = sorted_ids[start : start + collection.ids_max]
            records |= self._read_parts(page_ids, now=now)
        return records

    def find(
        self, keys: Ids[str], *, since: datetime, now: datetime
    ) -> Mapping[str, Sequence[CurrentRecord]]:
        """Return the existing records with these keys, by key, also those that do not meet the
        conditions of the job. A key that no record can have is absent.

        Where the system cannot search for keys, only records that changed from `since` on are
        found, unless the job reads only some records: then all are read. Raises NotReadable, and
        LookupError if the collection cannot be searched at all.
        """
        path = ".".join(parse_path(self._match_expression))
        type = self._find_type(path, now=now) if self.collection.finds_by_type else ""
        keys = sorted(key for key in set(keys) if is_possible_key(key, type))
        changed_since = (
            "" if self._side_options.is_selective(self.collection) else since.isoformat()
        )
        queries = self.collection.find_queries(
            self._side_options.query, path, keys, since=changed_since, type=type
        )
        if keys and not queries:
            raise LookupError("the collection cannot be searched")
        found: dict[str, list[CurrentRecord]] = {key: [] for key in keys}
        for query in queries:
            for part in self.collection.parts or ("",):
                for record in self._read_pages(query, part, now=now):
                    if record.key in found:
                        found[record.key].append(record)
        return found

    @property
    def collection(self) -> Collection:
        """Return the collection of this side. Raises LookupError if it does not exist any more."""
        key = self._side_options.collection
        if collection := find_collection(self.connection.connector_key, key):
            return collection
        raise LookupError(f"no collection {key}")

    @property
    def _side_options(self) -> SideOptions:
        return self.options.local if self.side == LOCAL else self.options.remote

    @property
    def _match_expression(self) -> str:
        return self.options.match.local if self.side == LOCAL else self.options.match.remote

    def _find_type(self, field: str, *, now: datetime) -> str:
        """Return the type of a field by the schema of the connection, which is read if it is not
        cached; "" if the schema does not have the field. Raises NotReadable.
        """
        object_key = self._side_options.query["object"]
        schema: ObjectSchema | Outcome | None = find_object_schema(self.connection, object_key)
        if schema is None:
            schema = refresh_object_schema(
                self.connection, object_key, call=self.call, now=now, patience=self.patience
            )
        if isinstance(schema, Outcome):
            raise NotReadable
        types = {entry.key.lower(): entry.type for entry in schema.schema_fields}
        return types.get(field.lower(), "")

    def _read_parts(self, ids: Sequence[str], *, now: datetime) -> dict[str, CurrentRecord]:
        """Read records from parts of a divided collection, each from the first that has it."""
        conditions = {
            name: value
            for name, value in self._side_options.build_query(self.collection).items()
            if name not in CONTROLLED_PARAMETERS
        }
        records: dict[str, CurrentRecord] = {}
        for part in self.collection.parts or ("",):
            if missing := [id for id in ids if id not in records]:
                page = self._read_page({**conditions, "ids": ",".join(missing)}, part, "", now=now)
                if page.cursor:
                    raise NotReadable
                selected = self._side_options.select(self.collection, page.records)
                records |= {record.record_id: record for record in self._describe(selected)}
        return records

    def _read_pages(
        self, query: Mapping[str, str], part: str, *, now: datetime
    ) -> Iterator[CurrentRecord]:
        """Read a list to its end. Raises NotReadable, also if it has more than PAGES_MAX pages."""
        cursor = ""
        for _ in range(PAGES_MAX):
            page = self._read_page(query, part, cursor, now=now)
            yield from self._describe(page.records)
            cursor = page.cursor
            if not cursor:
                return
        raise NotReadable

    def _read_page(
        self, query: Mapping[str, str], part: str, cursor: str, *, now: datetime
    ) -> Page:
        """Return a complete page. Raises NotReadable."""
        try:
            credential = open_credential(
                self.connection, find_connector_app(self.connection.connector_key)
            )
        except CannotOpen as error:
            raise NotReadable from error
        collection = self.collection
        parameters = dict(query)
        if part:
            parameters["part"] = part
        if collection.by_tenant:
            parameters["tenant"] = self.tenant.reference
        page = call_provider(
            self.connection,
            partial(collection.page_request, credential, at=now, cursor=cursor, **parameters),
            collection.parse_page,
            call=self.call,
            now=now,
            secrets=collect_secrets(credential),
            patience=self.patience,
            build_unreadable=later,
        )
        if isinstance(page, Outcome) or not page.is_complete:
            raise NotReadable
        return page

    def _describe(self, records: Sequence[Mapping[str, Any]]) -> list[CurrentRecord]:
        collection = self.collection
        extractor = RecordExtractor(self.options, collection, is_local=self.side == LOCAL)
        return [
            CurrentRecord(
                extractor.record_id(record),
                extractor.read_key(record),
                extractor.read_values(record),
                collection.version(record),
                collection.changed_at(record),
            )
            for record in records
            if not collection.is_deleted(record)
        ]
