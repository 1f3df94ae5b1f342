"""Read single records of a collection again, by their ids."""

from collections.abc import Collection as Ids
from collections.abc import Mapping
from typing import Any

from connectors.outcomes import Outcome
from connectors.roles import Collection
from hub.connections.models import Connection
from hub.scheduled.reading.requests import open_source, raise_refusal, read_id
from hub.scheduled.runs.context import RunContext, RunFailed


async def read_records(
    context: RunContext,
    connection: Connection,
    collection: Collection,
    query: Mapping[str, Any],
    ids: Ids[str],
) -> dict[str, Mapping[str, Any]]:
    """Return the records with these ids in their current state, by id.

    A record that does not exist is absent; a deleted one is absent or marked as deleted. Raises
    ValueError if the collection does not support reading by id, RunFailed if the response is not
    complete, and RunBlocked if a person must act.
    """
    if not collection.ids_max:
        raise ValueError(f"{collection.key} cannot be read by ids")
    parameters = {key: value for key, value in query.items() if key not in ("since", "until")}
    source = await open_source(context, connection, collection, parameters)
    deleted = {"deleted": "true"} if collection.reads_deleted else {}
    wanted_ids = sorted(set(ids))
    records_by_id: dict[str, Mapping[str, Any]] = {}
    for start in range(0, len(wanted_ids), collection.ids_max):
        chunk = wanted_ids[start : start + collection.ids_max]
        page = await source.fetch_page(ids=",".join(chunk), **deleted)
        if isinstance(page, Outcome):
            raise_refusal(page)
        if not page.is_complete or page.cursor:
            raise RunFailed("read_incomplete", page.reason)
        records_by_id.update({read_id(collection, record): record for record in page.records})
    return records_by_id
