"""Render claimed deliveries. Every later attempt sends the bytes of the first rendering."""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Literal
from zoneinfo import ZoneInfo

from connectors.http import dump_checked_json, load_json
from connectors.roles import Action
from connectors.schema import Message
from hub.connections.models import Connection
from hub.mappings.expressions.functions import IdentitySkipped
from hub.mappings.fallbacks import apply_fallback, load_fallbacks
from hub.mappings.models import Identity, IdentityFallback
from hub.mappings.translate import (
    CompiledMapping,
    IdentityMissing,
    MappingError,
    MappingFailed,
    collect_identities,
    translate,
)
from hub.outgoing.models import Route, build_event_document
from hub.outgoing.pump.claiming.claim import ClaimedLane
from hub.outgoing.pump.claiming.config_cache import ConfigCache
from hub.outgoing.pump.claiming.deliveries import Claim

load_zone = lru_cache(ZoneInfo)

IdentityKey = tuple[int, str, str]  # connection, kind, our id


class CannotSend(Exception):
    """A delivery that is not sent: reason code, the cause as text, and the new state."""

    def __init__(
        self, reason: str, detail: str, state: Literal["held", "skipped"] = "held"
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.detail = detail
        self.state = state


@dataclass(frozen=True, slots=True)
class RenderedBody:
    """The bytes that are sent, and the object that they encode."""

    raw: bytes
    body: Mapping[str, Any]
    version: int | None  # of the mapping
    is_new: bool  # rendered now, and not stored yet


class IdentityLookup:
    """The identities that a claim's mappings need, in one query, and fallbacks of missing ones."""

    def __init__(
        self,
        pairs: Mapping[IdentityKey, str],
        fallbacks: Mapping[tuple[int, str], IdentityFallback] | None = None,
    ) -> None:
        self.pairs = pairs
        self.fallbacks = fallbacks or {}

    @classmethod
    def for_lanes(
        cls, claimed_lanes: Sequence[ClaimedLane], config: ConfigCache
    ) -> "IdentityLookup":
        needed = (_find_identity_keys(claimed_lane, config) for claimed_lane in claimed_lanes)
        keys = set(itertools.chain.from_iterable(needed))
        if not keys:
            return cls({})
        connections, kinds, local_ids = (set(column) for column in zip(*keys, strict=True))
        identities = Identity.confirmed().filter(
            connection_id__in=connections, kind__in=kinds, local_id__in=local_ids
        )
        pairs = {
            (identity.connection_id, identity.kind, identity.local_id): identity.remote_id
            for identity in identities
        }
        missing = keys - pairs.keys()
        if not missing:
            return cls(pairs)
        connections = {connection for connection, _kind, _local_id in missing}
        kinds = {kind for _connection, kind, _local_id in missing}
        return cls(pairs, load_fallbacks(connections, kinds, IdentityFallback.Direction.OUT))

    def find_remote_id(self, connection: int | None, kind: str, local_id: str) -> str | None:
        """Return the remote id, or the fallback's default; None if the delivery is held for it.

        Raises IdentitySkipped if the fallback is to skip the delivery.
        """
        if connection is None:
            return None
        if (remote_id := self.pairs.get((connection, kind, local_id))) is not None:
            return remote_id
        fallback = self.fallbacks.get((connection, kind))
        return apply_fallback(fallback, kind, local_id) if fallback else None


def prepare_delivery(
    claim: Claim,
    connection: Connection,
    config: ConfigCache,
    identities: IdentityLookup,
) -> tuple[Action, RenderedBody]:
    """Return the action and body of a delivery. Raises CannotSend if it is held or skipped."""
    try:
        delivery, _ = claim
        action = connection.connector.action(delivery.route.action)
        rendered = _render_delivery(claim, action, config, identities)
        refusal = action.find_body_problem(rendered.body) if rendered.is_new else ""
    except CannotSend:
        raise
    except (MappingFailed, MappingError) as error:
        raise CannotSend("mapping_failed", str(error)) from error
    except IdentitySkipped as error:
        raise CannotSend("identity_skipped", str(error), "skipped") from error
    except IdentityMissing as error:
        raise CannotSend("identity_missing", str(error)) from error
    except LookupError as error:
        raise CannotSend("defect", f"no such action: {error}") from error
    except Exception as error:  # a defect of ours holds this row and no other
        raise CannotSend("defect", f"{type(error).__name__} while it was rendered") from error
    if refusal:
        raise CannotSend("payload_refused", refusal)
    return action, rendered


def _render_delivery(
    claim: Claim, action: Action, config: ConfigCache, identities: IdentityLookup
) -> RenderedBody:
    """Return the stored bytes of the first attempt, or render them."""
    delivery, content = claim
    if content.rendered_body is not None:
        body = load_json(content.rendered_body)
        return RenderedBody(bytes(content.rendered_body), body, content.version, is_new=False)
    version = config.versions[delivery.route.mapping_id]
    body = translate(
        config.mapping_for(version, action),
        _build_document(claim),
        zone=load_zone(delivery.tenant.time_zone),
        look_up_identity=lambda kind, local_id: identities.find_remote_id(
            delivery.connection_id, kind, local_id
        ),
    )
    return RenderedBody(dump_checked_json(body), body, version.pk, is_new=True)


def _build_document(claim: Claim) -> dict[str, Any]:
    """Return the document that filters and mappings evaluate, the same as at publishing.

    Raises CannotSend if the body of the event was pruned.
    """
    delivery, content = claim
    if content.event_body is None:
        raise CannotSend("defect", "the body of the event was pruned, so it cannot be rendered")
    data = load_json(content.event_body)["data"]
    return build_event_document(
        content.sender_id, content.type, delivery.tenant, content.occurred_at, data
    )


def build_message(claim: Claim, rendered: RenderedBody, *, at: datetime) -> Message:
    """Build the message for a connector's action; `at` is the time of this attempt."""
    delivery, content = claim
    return Message(
        id=delivery.message_id,
        body=rendered.body,
        raw=rendered.raw,
        at=at,
        type=content.type,
        tenant=delivery.tenant.reference,
        attempt=delivery.attempt_count,
        ticket=content.ticket or "",
    )


def _find_identity_keys(claimed_lane: ClaimedLane, config: ConfigCache) -> Iterable[IdentityKey]:
    connection = claimed_lane.connection
    routes = {delivery.route.pk: delivery.route for delivery, _ in claimed_lane.deliveries}
    mappings = {
        pk: mapping
        for pk, route in routes.items()
        if (mapping := _find_identity_mapping(connection, route, config)) is not None
    }
    if not mappings:  # most mappings use no identity
        return
    for claim in claimed_lane.deliveries:
        delivery, content = claim
        mapping = mappings.get(delivery.route.pk)
        if mapping is None or content.rendered_body is not None:
            continue
        try:
            zone = load_zone(delivery.tenant.time_zone)
            pairs = collect_identities(mapping, _build_document(claim), zone)
        except Exception:  # reported when the delivery is rendered
            continue
        yield from ((connection.pk, kind, local_id) for kind, local_id in pairs)


def _find_identity_mapping(
    connection: Connection, route: Route, config: ConfigCache
) -> CompiledMapping | None:
    """Return the newest mapping of a route if it uses identities."""
    version = config.versions.get(route.mapping_id)
    if version is None:
        return None
    try:
        mapping = config.mapping_for(version, connection.connector.action(route.action))
    except Exception:  # reported when a delivery is rendered
        return None
    return mapping if mapping.uses_identities else None
