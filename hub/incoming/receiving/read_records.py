"""Receive changes that a sync has read and no webhook has reported, with the same deduplication."""

import zlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from django.db.models import Q, QuerySet
from django.db.models.functions import Coalesce

from connectors.webhook_sources import RecordChange, clean_id
from hub.connections.models import Connection
from hub.db.ids import smallest_id_at
from hub.incoming.endpoints.create import (
    get_or_create_app_endpoint,
    get_or_create_connection_endpoint,
)
from hub.incoming.models import (
    READ_METHOD,
    InboundBody,
    InboundEndpoint,
    InboundItem,
    InboundMessage,
)
from hub.incoming.processing.publishing import build_event_id
from hub.incoming.receiving.accepted_messages import ReceivedMessage, insert_accepted
from hub.incoming.receiving.counts import ACCEPTED
from hub.incoming.receiving.storage import wake_inbox_after_commit
from hub.outgoing.models import Event

NO_WINDOW: Mapping[str, str] = {}
CREATED_SUFFIX, DELETED_SUFFIX = ".created", ".deleted"
# a webhook may be received long before the change is read, but not before it happened
RECEIVED_BEFORE_CHANGE_MAX = timedelta(hours=1)
LOOK_BACK_MAX = timedelta(days=30)  # as long as items and their messages are kept


def find_new_changes(
    connection: Connection, changes: Sequence[RecordChange], *, now: datetime
) -> list[RecordChange]:
    """Return the changes that are not stored yet; six queries at most.

    If the creation of a record is among them, its later changes are left out: the record was read
    with them.
    """
    if not changes:
        return []
    unknown = _find_unknown_changes(connection, changes, now=now)
    created = {change.record for change in unknown if change.type.endswith(CREATED_SUFFIX)}
    return [
        change
        for change in unknown
        if change.type.endswith(CREATED_SUFFIX) or change.record not in created
    ]


def receive_record_changes(
    connection: Connection,
    changes: Sequence[RecordChange],
    *,
    window: Mapping[str, str] = NO_WINDOW,
    now: datetime,
) -> None:
    """Store new changes as messages; runs in the caller's transaction.

    `window`: of the gap in which they were found (`build_window`). The inbox processes them like
    webhooks, including holds and the detection of echoes. A change that a webhook has reported in
    the meantime is a duplicate there.
    """
    if changes:
        endpoint, share = _get_endpoint(connection, now=now)
        messages = [_build_message(endpoint, share, change, window, now=now) for change in changes]
        insert_accepted(messages, are_requests=False)
        wake_inbox_after_commit(now=now)


def _get_endpoint(connection: Connection, *, now: datetime) -> tuple[InboundEndpoint, str]:
    """Return the endpoint at which webhooks of the connection arrive, and its account there.

    The account is "" where the endpoint is the connection's own.
    """
    source = connection.connector.webhook_source
    if source is None or source.url_per == "connection":
        return get_or_create_connection_endpoint(connection, now=now), ""
    key = connection.connector_key
    return get_or_create_app_endpoint(key, source, now=now), connection.account


def _find_unknown_changes(
    connection: Connection, changes: Sequence[RecordChange], *, now: datetime
) -> list[RecordChange]:
    """Return the changes without an item or an event.

    What a creation that waits in the inbox was read with is known, too.
    """
    waiting = _find_waiting_reads(connection, changes)
    known_ids = _find_known_ids(connection, changes) | waiting.keys()
    known_keys = _find_known_keys(connection, changes)
    reported = _find_reported_changes(connection, changes, now=now)
    unknown = [
        change
        for change in changes
        if known_ids.isdisjoint(_list_ids(change))
        and clean_id(change.change_key) not in known_keys
        and not _is_reported(change, reported)
    ]
    created = _find_records_read_alike(changes, unknown, waiting)
    return [change for change in unknown if change.record not in created]


def _find_records_read_alike(
    changes: Sequence[RecordChange],
    unknown: Sequence[RecordChange],
    waiting: Mapping[str, int],
) -> set[str]:
    """Return the records of unknown changes whose waiting creation has this same state."""
    records = {change.record for change in unknown}
    creations = {
        waiting[change.item_id]: change
        for change in changes
        if change.type.endswith(CREATED_SUFFIX)
        and change.record in records
        and change.item_id in waiting
    }
    if not creations:
        return set()
    bodies = InboundBody.objects.filter(pk__in=creations).values_list("pk", "body")
    return {
        creations[message].record
        for message, body in bodies
        if zlib.decompress(bytes(body)) == creations[message].body
    }


def _find_known_keys(connection: Connection, changes: Sequence[RecordChange]) -> set[str]:
    """Return the keys of these changes of which an item tells."""
    keys = [clean_id(change.change_key) for change in changes if change.change_key]
    items = InboundItem.unscoped.filter(connection=connection, change_key__in=keys)
    return set(items.values_list("change_key", flat=True))


def _list_ids(change: RecordChange) -> list[str]:
    """List the ids under which a change may be stored."""
    return [clean_id(id) for id in (change.item_id, change.former_id) if id]


def _find_known_ids(connection: Connection, changes: Sequence[RecordChange]) -> set[str]:
    """Return the item ids of these changes that are stored already.

    As an item, or as an event (which is stored longer).
    """
    ids = [id for change in changes for id in _list_ids(change)]
    items = _select_items_of_account(connection).filter(item_key__in=ids)
    event_ids = {build_event_id(connection, InboundItem(item_key=id)): id for id in ids}
    events = Event.unscoped.filter(
        tenant=connection.tenant_id, source=connection.connector_key, sender_id__in=event_ids
    )
    return {
        *items.values_list("item_key", flat=True),
        *(event_ids[id] for id in events.values_list("sender_id", flat=True)),
    }


def _find_waiting_reads(connection: Connection, changes: Sequence[RecordChange]) -> dict[str, int]:
    """Return the ids of these changes that wait in the inbox, each with its message."""
    message_keys = {_build_message_key(id): id for change in changes for id in _list_ids(change)}
    messages = InboundMessage.unscoped.filter(
        Q(endpoint__connection=connection)
        | Q(endpoint__connection=None, endpoint__connector_key=connection.connector_key),
        message_key__in=message_keys,
        state="accepted",
    )
    rows = messages.values_list("message_key", "pk")
    return {message_keys[key]: message for key, message in rows}


def _select_items_of_account(connection: Connection) -> QuerySet[InboundItem]:
    """Select the items of a connection, without those of a replaced account."""
    accounts = ("", connection.account)  # the system may name none
    return InboundItem.unscoped.filter(connection=connection, account__in=accounts)


def _build_message_key(item_id: str) -> str:
    return clean_id(f"read:{item_id}")


ReportedChanges = dict[str, list[tuple[str, datetime]]]  # type and time, by record


def _find_reported_changes(
    connection: Connection, changes: Sequence[RecordChange], *, now: datetime
) -> ReportedChanges:
    """Return the changes of these records that webhooks reported, since the oldest of them."""
    oldest = max(min(change.at for change in changes), now - LOOK_BACK_MAX)
    rows = _select_items_of_account(connection).filter(
        record__in={change.record for change in changes},
        public_id__gte=smallest_id_at(oldest - RECEIVED_BEFORE_CHANGE_MAX),
    )
    reported: ReportedChanges = {}
    prefix = f"{connection.connector_key}."
    time = Coalesce("changed_at", "occurred_at")  # items of earlier releases have only the latter
    for record, type, at in rows.values_list("record", "type", time):
        if at is not None:
            reported.setdefault(record, []).append((type.removeprefix(prefix), at))
    return reported


def _is_reported(change: RecordChange, reported: ReportedChanges) -> bool:
    """Return whether a webhook reported the change, under an id that the record does not give.

    A creation and a deletion are reported once. A change counts as reported if the record has not
    changed after the last report; the times of records are in whole seconds.
    """
    object = change.type.partition(".")[0]
    entries = [
        entry for entry in reported.get(change.record, ()) if entry[0].startswith(f"{object}.")
    ]
    if change.type.endswith((CREATED_SUFFIX, DELETED_SUFFIX)):
        return any(type == change.type for type, _at in entries)
    return any(at.replace(microsecond=0) >= change.at for _type, at in entries)


def _build_message(
    endpoint: InboundEndpoint,
    share: str,
    change: RecordChange,
    window: Mapping[str, str],
    *,
    now: datetime,
) -> ReceivedMessage:
    message = InboundMessage(
        endpoint_id=endpoint.pk,
        connector_key=endpoint.connector_key,
        tenant_id=endpoint.tenant_id,
        connection_id=endpoint.connection_id,
        message_key=_build_message_key(clean_id(change.item_id)),
        share_key=InboundMessage.build_share_key(endpoint.pk, share),
        method=READ_METHOD,
        query=change.query,
        headers=dict(window),
        size=len(change.body),
        received_at=now,
        due_at=now,
    )
    return ReceivedMessage(message, change.body, ACCEPTED)
