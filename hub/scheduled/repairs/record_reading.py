"""Read records of one side again, by their ids, just before or after a repair."""

from collections.abc import Collection as Ids
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from connectors.outcomes import Outcome, later
from connectors.roles import Collection
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
from hub.scheduled.reconciliation.option_checks import find_collection
from hub.scheduled.reconciliation.options import ReconcileOptions
from hub.scheduled.reconciliation.values.extraction import RecordExtractor
from tenants.models import Tenant


@dataclass(frozen=True, slots=True)
class CurrentRecord:
    """A record in its current state: its key, its values by field, and its version."""

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

    def read(self, ids: Ids[str], *, now: datetime) -> Mapping[str, CurrentRecord] | None:
        """Return the records that exist, by id; None if they cannot be read now.

        Deleted records are absent. Raises LookupError if the collection has no single records.
        """
        collection = find_collection(self.connection.connector_key, self._side_options.collection)
        if collection is None or not collection.ids_max:
            raise LookupError("the collection cannot be asked for single records")
        records: dict[str, CurrentRecord] = {}
        sorted_ids = sorted(set(ids))
        for start in range(0, len(sorted_ids), collection.ids_max):
            page_ids = sorted_ids[start : start + collection.ids_max]
            page = self._read_parts(collection, page_ids, now=now)
            if page is None:
                return None
            records.update(page)
        return records

    def _read_parts(
        self, collection: Collection, ids: Sequence[str], *, now: datetime
    ) -> Mapping[str, CurrentRecord] | None:
        """Read the records from the parts of a divided collection; each from the first part that
        has it.
        """
        records: dict[str, CurrentRecord] = {}
        for part in collection.parts or ("",):
            missing = [id for id in ids if id not in records]
            page = self._read_page(collection, missing, part, now=now) if missing else {}
            if page is None:
                return None
            records.update(page)
        return records

    @property
    def _side_options(self) -> Any:
        return self.options.local if self.side == LOCAL else self.options.remote

    def _read_page(
        self, collection: Collection, ids: Sequence[str], part: str, *, now: datetime
    ) -> Mapping[str, CurrentRecord] | None:
        try:
            credential = open_credential(
                self.connection, find_connector_app(self.connection.connector_key)
            )
        except CannotOpen:
            return None
        options = self._side_options.query
        query = {
            name: value for name, value in options.items() if name not in CONTROLLED_PARAMETERS
        }
        query["ids"] = ",".join(ids)
        if part:
            query["part"] = part
        if collection.by_tenant:
            query["tenant"] = self.tenant.reference
        page = call_provider(
            self.connection,
            partial(collection.page_request, credential, at=now, **query),
            collection.parse_page,
            call=self.call,
            now=now,
            secrets=collect_secrets(credential),
            patience=self.patience,
            build_unreadable=later,
        )
        if isinstance(page, Outcome) or not page.is_complete or page.cursor:
            return None
        return dict(self._describe(collection, record) for record in page.records)

    def _describe(
        self, collection: Collection, record: Mapping[str, Any]
    ) -> tuple[str, CurrentRecord]:
        extractor = RecordExtractor(self.options, collection, is_local=self.side == LOCAL)
        current = CurrentRecord(
            extractor.read_key(record),
            extractor.read_values(record),
            collection.version(record),
            collection.changed_at(record),
        )
        return extractor.record_id(record), current
