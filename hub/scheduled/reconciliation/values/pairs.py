"""Identities that a page of records needs, loaded in one or two queries."""

from collections.abc import Sequence

from hub.connections.models import Connection
from hub.mappings.models import Identity
from hub.scheduled.reconciliation.values.extraction import PairedIds, Record, RecordExtractor


def load_pairs(
    connection: Connection, extractor: RecordExtractor, records: Sequence[Record]
) -> PairedIds:
    """Return the identities at the other system's connection that these records need."""
    return PairedIds(
        _load_references(connection, extractor.needed_identities(records)),
        _load_keys(connection, extractor, records),
    )


def _load_references(
    connection: Connection, needed: set[tuple[str, str]]
) -> dict[tuple[str, str], str]:
    if not needed:
        return {}
    identities = Identity.confirmed().filter(
        connection=connection,
        kind__in={kind for kind, _ in needed},
        local_id__in={local_id for _, local_id in needed},
    )
    return {
        (kind, local_id): remote_id
        for kind, local_id, remote_id in identities.values_list("kind", "local_id", "remote_id")
    }


def _load_keys(
    connection: Connection, extractor: RecordExtractor, records: Sequence[Record]
) -> dict[str, str]:
    """Return the keys of records that are matched by identity: the id in the other system."""
    kind = extractor.match.identity
    if not kind:
        return {}
    own_id = "local_id" if extractor.is_local else "remote_id"
    ids = {extractor.record_id(record) for record in records}
    identities = Identity.confirmed().filter(
        **{"connection": connection, "kind": kind, f"{own_id}__in": ids}
    )
    return dict(identities.values_list(own_id, "remote_id"))
