"""Turn claimed deliveries into requests: render, write the renderings down, gather into carriages.

A fault of ours, or of a mapping, holds its own row and never its neighbours.
"""

import itertools
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from connectors.base import Action
from connectors.parts import Message
from connectors.wire import Request, dumps_checked
from hub import rows
from hub.connections.models import Connection
from hub.connections.unseal import credential_of, secrets_in, spent_by
from hub.ids import uuid7
from hub.mappings.models import Identity
from hub.mappings.translate import (
    IdentityMissing,
    MappingError,
    MappingFailed,
    collect_identities,
    translate,
)
from hub.outgoing.models import Rendering, document
from hub.outgoing.pump.claim import Slice
from hub.outgoing.pump.due import Due
from hub.outgoing.pump.parcels import Carriage, Held, Load, Parcel
from hub.outgoing.pump.reading import Reading
from hub.secrets import CannotOpen
from hub.throttle.reserve import Spent

zone_of = lru_cache(ZoneInfo)


@dataclass(frozen=True, slots=True)
class Rendered:
    """The bytes that go, and the object that they say."""

    raw: bytes
    body: Mapping[str, Any]
    version: int | None
    fresh: bool  # made now, and not yet written down


def build(slices: Sequence[Slice], reading: Reading, *, now: datetime) -> list[Load]:
    """A load for each lane; what cannot be sent is in its `held`. New renderings are written before anything goes."""
    identities = Identities.of(slices, reading)
    written: list[tuple[int, Rendered]] = []
    loads = [load(slice, reading, identities, written, now=now) for slice in slices]
    write_down(written)
    return loads


def write_down(written: Sequence[tuple[int, Rendered]]) -> None:
    columns = {
        "delivery_id": [pk for pk, _ in written],
        "body": [rendered.raw for _, rendered in written],
        "version_id": [rendered.version for _, rendered in written],
        "ticket": [""] * len(written),
    }
    rows.insert(Rendering, columns, once=True)


def load(
    slice: Slice, reading: Reading, identities: "Identities", written: list[tuple[int, Rendered]], *, now: datetime
) -> Load:
    try:
        credential = credential_of(slice.connection, reading.apps.get(slice.connection.connector_key))
    except (CannotOpen, LookupError) as error:
        held = [Held(delivery, "credential_unreadable", str(error)) for delivery in slice.deliveries]
        return Load(slice.lane, slice.connection, None, held=held)
    version = getattr(getattr(slice.connection, "credential", None), "version", 0)
    found = Load(slice.lane, slice.connection, credential, secrets=secrets_in(credential), version=version)
    parcels: list[tuple[Action, Parcel]] = []
    for delivery in slice.deliveries:
        try:
            action, rendered = prepare(delivery, slice.connection, reading, identities)
        except CannotSend as refusal:
            found.held.append(Held(delivery, refusal.reason, refusal.detail))
            continue
        if rendered.fresh:
            written.append((delivery.pk, rendered))
            delivery.version = rendered.version
        parcels.append((action, Parcel(delivery, message_of(delivery, rendered, at=now))))
        delivery.told = delivery.made = None  # thousands may be in hand, and what goes is in the message
    for action, group in gathered(parcels):
        embark(found, action, group)
    return found


class CannotSend(Exception):
    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.detail = detail


def prepare(
    delivery: Due, connection: Connection, reading: Reading, identities: "Identities"
) -> tuple[Action, Rendered]:
    """Raises CannotSend."""
    try:
        action = connection.connector.action(delivery.route.action)
        rendered = render(delivery, action, reading, identities)
        refusal = action.check(rendered.body) if rendered.fresh else ""
    except (MappingFailed, MappingError) as error:
        raise CannotSend("mapping_failed", str(error)) from error
    except IdentityMissing as error:
        raise CannotSend("identity_missing", str(error)) from error
    except LookupError as error:
        raise CannotSend("defect", f"no such action: {error}") from error
    except Exception as error:  # ours, and only this row's trouble
        raise CannotSend("defect", f"{type(error).__name__} while it was rendered") from error
    if refusal:
        raise CannotSend("payload_refused", refusal)
    return action, rendered


def render(delivery: Due, action: Action, reading: Reading, identities: "Identities") -> Rendered:
    """The bytes of the first attempt, or those made now."""
    if delivery.made is not None:
        return Rendered(bytes(delivery.made), json.loads(delivery.made), delivery.version, fresh=False)
    version = reading.versions[delivery.route.mapping_id]
    made = translate(
        reading.mapping(version, action),
        document_of(delivery),
        zone=zone_of(delivery.tenant.time_zone),
        identities=lambda kind, ours: identities.theirs(delivery.connection_id, kind, ours),
    )
    return Rendered(dumps_checked(made), made, version.pk, fresh=True)


def document_of(delivery: Due) -> dict[str, Any]:
    """What filters and mappings see of an event; the same as at publishing. Raises CannotSend where it was pruned."""
    if delivery.told is None:
        raise CannotSend("pruned", "the body of the event is kept no longer")
    data = json.loads(delivery.told.decode())["data"]
    return document(delivery.sender_id, delivery.type, delivery.tenant, delivery.occurred_at, data)


def message_of(delivery: Due, rendered: Rendered, *, at: datetime) -> Message:
    return Message(
        id=delivery.message_id,
        body=rendered.body,
        raw=rendered.raw,
        at=at,
        type=delivery.type,
        tenant=delivery.tenant.reference,
        attempt=delivery.attempt_count,
        ticket=delivery.ticket or "",
    )


def gathered(parcels: Sequence[tuple[Action, Parcel]]) -> Iterable[tuple[Action, list[Parcel]]]:
    """Parcels that may share a request, at most a batch of them, in their order."""
    groups: dict[tuple[Any, ...], tuple[Action, list[Parcel]]] = {}
    for action, parcel in parcels:
        message = parcel.message
        delivery = parcel.delivery
        key = (action.key, bool(message.ticket), delivery.low_priority, delivery.quota_queue, action.group(message))
        groups.setdefault(key, (action, []))[1].append(parcel)
    for action, group in groups.values():
        yield from ((action, batch) for batch in batches(action, group))


def batches(action: Action, group: Sequence[Parcel]) -> Iterable[list[Parcel]]:
    batch: list[Parcel] = []
    size = 0
    for parcel in group:
        if batch and (len(batch) >= action.batch or size + len(parcel.message.raw) > action.batch_bytes):
            yield batch
            batch, size = [], 0
        batch.append(parcel)
        size += len(parcel.message.raw)
    if batch:
        yield batch


def embark(load: Load, action: Action, parcels: list[Parcel]) -> None:
    """Build the request; what our own code cannot build is held."""
    messages = [parcel.message for parcel in parcels]
    asks = bool(messages[0].ticket)
    assert load.credential is not None
    try:
        request = (action.confirm if asks else action.request)(messages, load.credential)
        spent = spent_beside(load, request)
    except Exception as error:  # a defect of the connector: these rows wait for a mended one
        detail = f"{type(error).__name__} while the request was built"
        load.held += [Held(parcel.delivery, "defect", detail) for parcel in parcels]
        return
    load.carriages.append(Carriage(uuid7(), action, parcels, request, spent, asks))


def spent_beside(load: Load, request: Request) -> tuple[Spent, ...]:
    """Mostly the same as by the request before it on this lane."""
    before = load.carriages[-1] if load.carriages else None
    if before and (before.request.spends, before.request.url) == (request.spends, request.url):
        return before.spent
    return spent_by(load.connection, request)


class Identities:
    """The pairs that this claim's mappings ask for, read in one statement."""

    def __init__(self, pairs: Mapping[tuple[int, str, str], str]) -> None:
        self.pairs = pairs

    @classmethod
    def of(cls, slices: Sequence[Slice], reading: Reading) -> "Identities":
        wanted = set(itertools.chain.from_iterable(asked_by(slice, reading) for slice in slices))
        if not wanted:
            return cls({})
        connections, kinds, ours = (set(column) for column in zip(*wanted, strict=True))
        known = Identity.unscoped.filter(connection_id__in=connections, kind__in=kinds, ours__in=ours)
        return cls({(row.connection_id, row.kind, row.ours): row.theirs for row in known})

    def theirs(self, connection: int | None, kind: str, ours: str) -> str | None:
        if connection is None:
            return None
        return self.pairs.get((connection, kind, ours))


def asked_by(slice: Slice, reading: Reading) -> Iterable[tuple[int, str, str]]:
    for delivery in slice.deliveries:
        version = reading.versions.get(delivery.route.mapping_id)
        if version is None or delivery.made is not None:
            continue
        try:
            mapping = reading.mapping(version, slice.connection.connector.action(delivery.route.action))
            if not mapping.asks_for_identities:
                continue
            pairs = collect_identities(mapping, document_of(delivery), zone_of(delivery.tenant.time_zone))
        except Exception:  # it will be told of when the row is rendered
            continue
        yield from ((slice.connection.pk, kind, ours) for kind, ours in pairs)
