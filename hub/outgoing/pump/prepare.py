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
from connectors.http import Request, dump_checked_json
from connectors.schema import Message
from hub.connections.credentials.connector_context import collect_secrets, open_credential
from hub.connections.models import Connection
from hub.connections.quotas.scopes import list_spent_quotas
from hub.crypto.sealed import CannotOpen
from hub.db import bulk
from hub.db.ids import uuid7
from hub.mappings.models import Identity
from hub.mappings.translate import (
    IdentityMissing,
    MappingError,
    MappingFailed,
    collect_identities,
    translate,
)
from hub.outgoing.models import Rendering, build_event_document
from hub.outgoing.pump.claiming.claim import ClaimedLane
from hub.outgoing.pump.claiming.claim_sql import ClaimedDelivery
from hub.outgoing.pump.claiming.config_cache import ConfigCache
from hub.outgoing.pump.types import LaneBatch, OutboundMessage, OutboundRequest, Rejection
from hub.throttle.reserve import ScopeCost

load_zone = lru_cache(ZoneInfo)


@dataclass(frozen=True, slots=True)
class RenderedBody:
    """The bytes that go, and the object that they say."""

    raw: bytes
    body: Mapping[str, Any]
    version: int | None
    is_new: bool  # made now, and not yet written down


def prepare_batches(
    claimed_lanes: Sequence[ClaimedLane], config: ConfigCache, *, now: datetime
) -> list[LaneBatch]:
    """A load for each lane; what cannot be sent is in its `held`. New renderings are written before anything goes."""
    identities = IdentityLookup.for_lanes(claimed_lanes, config)
    new_renderings: list[tuple[int, RenderedBody]] = []
    batches = [
        _prepare_batch(claimed_lane, config, identities, new_renderings, now=now)
        for claimed_lane in claimed_lanes
    ]
    _store_renderings(new_renderings)
    return batches


def _store_renderings(new_renderings: Sequence[tuple[int, RenderedBody]]) -> None:
    columns = {
        "delivery_id": [pk for pk, _ in new_renderings],
        "body": [rendered.raw for _, rendered in new_renderings],
        "version_id": [rendered.version for _, rendered in new_renderings],
        "ticket": [""] * len(new_renderings),
    }
    bulk.insert_rows(Rendering, columns, ignore_conflicts=True)


def _prepare_batch(
    claimed_lane: ClaimedLane,
    config: ConfigCache,
    identities: "IdentityLookup",
    new_renderings: list[tuple[int, RenderedBody]],
    *,
    now: datetime,
) -> LaneBatch:
    try:
        credential = open_credential(
            claimed_lane.connection, config.apps.get(claimed_lane.connection.connector_key)
        )
    except (CannotOpen, LookupError) as error:
        rejections = [
            Rejection(delivery, "credential_unreadable", str(error))
            for delivery in claimed_lane.deliveries
        ]
        return LaneBatch(claimed_lane.lane, claimed_lane.connection, None, rejections=rejections)
    version = getattr(getattr(claimed_lane.connection, "credential", None), "version", 0)
    batch = LaneBatch(
        claimed_lane.lane,
        claimed_lane.connection,
        credential,
        secrets=collect_secrets(credential),
        credential_version=version,
    )
    messages: list[tuple[Action, OutboundMessage]] = []
    for delivery in claimed_lane.deliveries:
        try:
            action, rendered = _prepare_delivery(
                delivery, claimed_lane.connection, config, identities
            )
        except CannotSend as refusal:
            batch.rejections.append(Rejection(delivery, refusal.reason, refusal.detail))
            continue
        if rendered.is_new:
            new_renderings.append((delivery.pk, rendered))
            delivery.version = rendered.version
        messages.append(
            (action, OutboundMessage(delivery, _build_message(delivery, rendered, at=now)))
        )
        delivery.event_body = delivery.rendered_body = (
            None  # thousands may be in hand, and what goes is in the message
        )
    for action, request_messages in _group_into_requests(messages):
        _add_request(batch, action, request_messages)
    return batch


class CannotSend(Exception):
    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.detail = detail


def _prepare_delivery(
    delivery: ClaimedDelivery,
    connection: Connection,
    config: ConfigCache,
    identities: "IdentityLookup",
) -> tuple[Action, RenderedBody]:
    """Raises CannotSend."""
    try:
        action = connection.connector.action(delivery.route.action)
        rendered = _render_delivery(delivery, action, config, identities)
        refusal = action.check(rendered.body) if rendered.is_new else ""
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


def _render_delivery(
    delivery: ClaimedDelivery, action: Action, config: ConfigCache, identities: "IdentityLookup"
) -> RenderedBody:
    """The bytes of the first attempt, or those made now."""
    if delivery.rendered_body is not None:
        return RenderedBody(
            bytes(delivery.rendered_body),
            json.loads(delivery.rendered_body),
            delivery.version,
            is_new=False,
        )
    version = config.versions[delivery.route.mapping_id]
    body = translate(
        config.mapping_for(version, action),
        _build_document(delivery),
        zone=load_zone(delivery.tenant.time_zone),
        identities=lambda kind, our_id: identities.find_their_id(
            delivery.connection_id, kind, our_id
        ),
    )
    return RenderedBody(dump_checked_json(body), body, version.pk, is_new=True)


def _build_document(delivery: ClaimedDelivery) -> dict[str, Any]:
    """What filters and mappings see of an event; the same as at publishing. Raises CannotSend where it was pruned."""
    if delivery.event_body is None:
        raise CannotSend("pruned", "the body of the event is kept no longer")
    data = json.loads(delivery.event_body.decode())["data"]
    return build_event_document(
        delivery.sender_id, delivery.type, delivery.tenant, delivery.occurred_at, data
    )


def _build_message(delivery: ClaimedDelivery, rendered: RenderedBody, *, at: datetime) -> Message:
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


def _group_into_requests(
    messages: Sequence[tuple[Action, OutboundMessage]],
) -> Iterable[tuple[Action, list[OutboundMessage]]]:
    """Parcels that may share a request, at most a batch of them, in their order."""
    groups: dict[tuple[Any, ...], tuple[Action, list[OutboundMessage]]] = {}
    for action, message in messages:
        content = message.content
        delivery = message.delivery
        group_key = (
            action.key,
            bool(content.ticket),
            delivery.low_priority,
            delivery.quota_queue,
            action.group(content),
        )
        groups.setdefault(group_key, (action, []))[1].append(message)
    for action, group_messages in groups.values():
        yield from ((action, chunk) for chunk in _chunk_messages(action, group_messages))


def _chunk_messages(
    action: Action, messages: Sequence[OutboundMessage]
) -> Iterable[list[OutboundMessage]]:
    chunk: list[OutboundMessage] = []
    size = 0
    for message in messages:
        if chunk and (
            len(chunk) >= action.batch or size + len(message.content.raw) > action.batch_bytes
        ):
            yield chunk
            chunk, size = [], 0
        chunk.append(message)
        size += len(message.content.raw)
    if chunk:
        yield chunk


def _add_request(batch: LaneBatch, action: Action, messages: list[OutboundMessage]) -> None:
    """Build the request; what our own code cannot build is held."""
    contents = [message.content for message in messages]
    is_confirmation = bool(contents[0].ticket)
    assert batch.credential is not None
    try:
        http_request = (action.confirm_request if is_confirmation else action.request)(
            contents, batch.credential
        )
        scope_costs = _find_scope_costs(batch, http_request)
    except Exception as error:  # a defect of the connector: these rows wait for a mended one
        detail = f"{type(error).__name__} while the request was built"
        batch.rejections += [Rejection(message.delivery, "defect", detail) for message in messages]
        return
    batch.requests.append(
        OutboundRequest(uuid7(), action, messages, http_request, scope_costs, is_confirmation)
    )


def _find_scope_costs(batch: LaneBatch, http_request: Request) -> tuple[ScopeCost, ...]:
    """Mostly the same as by the request before it on this lane."""
    previous = batch.requests[-1] if batch.requests else None
    if previous and (previous.http_request.spends, previous.http_request.url) == (
        http_request.spends,
        http_request.url,
    ):
        return previous.scope_costs
    return list_spent_quotas(batch.connection, http_request)


class IdentityLookup:
    """The pairs that this claim's mappings ask for, read in one statement."""

    def __init__(self, pairs: Mapping[tuple[int, str, str], str]) -> None:
        self.pairs = pairs

    @classmethod
    def for_lanes(
        cls, claimed_lanes: Sequence[ClaimedLane], config: ConfigCache
    ) -> "IdentityLookup":
        pairs = set(
            itertools.chain.from_iterable(
                _find_identity_pairs(claimed_lane, config) for claimed_lane in claimed_lanes
            )
        )
        if not pairs:
            return cls({})
        connections, kinds, our_ids = (set(column) for column in zip(*pairs, strict=True))
        identities = Identity.unscoped.filter(
            connection_id__in=connections, kind__in=kinds, ours__in=our_ids
        )
        return cls(
            {
                (identity.connection_id, identity.kind, identity.ours): identity.theirs
                for identity in identities
            }
        )

    def find_their_id(self, connection: int | None, kind: str, our_id: str) -> str | None:
        if connection is None:
            return None
        return self.pairs.get((connection, kind, our_id))


def _find_identity_pairs(
    claimed_lane: ClaimedLane, config: ConfigCache
) -> Iterable[tuple[int, str, str]]:
    for delivery in claimed_lane.deliveries:
        version = config.versions.get(delivery.route.mapping_id)
        if version is None or delivery.rendered_body is not None:
            continue
        try:
            mapping = config.mapping_for(
                version, claimed_lane.connection.connector.action(delivery.route.action)
            )
            if not mapping.uses_identities:
                continue
            pairs = collect_identities(
                mapping, _build_document(delivery), load_zone(delivery.tenant.time_zone)
            )
        except Exception:  # it will be told of when the row is rendered
            continue
        yield from ((claimed_lane.connection.pk, kind, our_id) for kind, our_id in pairs)
