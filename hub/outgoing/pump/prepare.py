"""Turn claimed deliveries into requests: render, store the renderings, group messages by request.

A defect of our code or of a mapping holds only the delivery concerned.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django.views.decorators.debug import sensitive_variables

from connectors.http import Request
from connectors.roles import Action, RequestRefused
from connectors.schema import Credential, Message
from hub.connections.credentials.connector_context import collect_secrets, open_credential
from hub.connections.models import Connection
from hub.connections.quotas.scopes import list_spent_quotas
from hub.crypto.sealed import CannotOpen
from hub.db import bulk
from hub.db.ids import uuid7
from hub.outgoing.models import Rendering
from hub.outgoing.pump.claiming.claim import ClaimedLane
from hub.outgoing.pump.claiming.config_cache import ConfigCache
from hub.outgoing.pump.rendering import (
    CannotSend,
    IdentityLookup,
    RenderedBody,
    build_message,
    prepare_delivery,
)
from hub.outgoing.pump.types import (
    LaneBatch,
    LaneCredential,
    OutboundMessage,
    OutboundRequest,
    Rejection,
)
from hub.outgoing.pump.written_records import list_record_writes
from hub.outgoing.reply_urls import REPLY_URL
from hub.throttle.demand import ScopeCost

RenderedMessage = tuple[Action, OutboundMessage]


@dataclass(frozen=True, slots=True)
class RenderedLane:
    """A claimed lane with the messages of its deliveries; `new_bodies`: by delivery."""

    claimed_lane: ClaimedLane
    credential: LaneCredential | None = None
    messages: Sequence[RenderedMessage] = ()
    new_bodies: Mapping[int, RenderedBody] = field(default_factory=dict)
    rejections: Sequence[Rejection] = ()


def prepare_batches(
    claimed_lanes: Sequence[ClaimedLane], config: ConfigCache, *, now: datetime
) -> list[LaneBatch]:
    """Return a batch for each lane.

    Deliveries that cannot be sent are in its `rejections`; new renderings are stored.
    """
    rendered_lanes = render_lanes(claimed_lanes, config, now=now)
    return [_build_batch(rendered_lane, config) for rendered_lane in rendered_lanes]


def render_lanes(
    claimed_lanes: Sequence[ClaimedLane], config: ConfigCache, *, now: datetime
) -> list[RenderedLane]:
    """Open the credentials and render the deliveries of lanes; store new renderings."""
    identities = IdentityLookup.for_lanes(claimed_lanes, config)
    rendered_lanes = [
        _render_lane(claimed_lane, config, identities, now=now) for claimed_lane in claimed_lanes
    ]
    _store_renderings(rendered_lanes)
    return rendered_lanes


def _store_renderings(rendered_lanes: Sequence[RenderedLane]) -> None:
    new_bodies = [item for lane in rendered_lanes for item in lane.new_bodies.items()]
    columns: dict[str, Sequence[Any]] = {
        "delivery_id": [pk for pk, _ in new_bodies],
        "body": [rendered.raw for _, rendered in new_bodies],
        "version_id": [rendered.version for _, rendered in new_bodies],
        "ticket": [""] * len(new_bodies),
    }
    bulk.insert_rows(Rendering, columns, ignore_conflicts=True)


def _render_lane(
    claimed_lane: ClaimedLane, config: ConfigCache, identities: IdentityLookup, *, now: datetime
) -> RenderedLane:
    """Open the credential, and render the deliveries; those that are not sent are rejected."""
    messages: list[RenderedMessage] = []
    new_bodies: dict[int, RenderedBody] = {}
    rejections: list[Rejection] = []
    try:
        credential = _open_lane_credential(claimed_lane, config)
    except (CannotOpen, LookupError) as error:
        rejections = [
            Rejection(delivery, "credential_unreadable", str(error), version=content.version)
            for delivery, content in claimed_lane.deliveries
        ]
        return RenderedLane(claimed_lane, rejections=rejections)
    for claim in claimed_lane.deliveries:
        delivery, content = claim
        try:
            action, rendered = prepare_delivery(claim, claimed_lane.connection, config, identities)
        except CannotSend as refusal:
            rejections.append(
                Rejection(delivery, refusal.reason, refusal.detail, refusal.state, content.version)
            )
            continue
        if rendered.is_new:
            new_bodies[delivery.pk] = rendered
        message = build_message(claim, rendered, at=now)
        messages.append((action, OutboundMessage(delivery, message, rendered.version)))
    return RenderedLane(claimed_lane, credential, messages, new_bodies, rejections)


def _open_lane_credential(claimed_lane: ClaimedLane, config: ConfigCache) -> LaneCredential:
    """Open the credential of a lane.

    Raises CannotOpen when it cannot be decrypted, LookupError when it is missing.
    """
    connection = claimed_lane.connection
    credential = open_credential(connection, config.apps.get(connection.connector_key))
    version = getattr(getattr(connection, "credential", None), "version", 0)
    return LaneCredential(credential, collect_secrets(credential), version)


def _group_into_requests(
    messages: Sequence[RenderedMessage],
) -> Iterable[tuple[Action, list[OutboundMessage]]]:
    """Yield the messages of each request, in their order."""
    groups: dict[tuple[Any, ...], tuple[Action, list[OutboundMessage]]] = {}
    for action, message in messages:
        content, delivery = message.content, message.delivery
        group_key = (
            action.key,
            bool(content.ticket),
            delivery.low_priority,
            delivery.quota_queue,
            action.group_key(content),
        )
        groups.setdefault(group_key, (action, []))[1].append(message)
    for action, group_messages in groups.values():
        yield from ((action, chunk) for chunk in _chunk_messages(action, group_messages))


def _chunk_messages(
    action: Action, messages: Sequence[OutboundMessage]
) -> Iterable[list[OutboundMessage]]:
    """Yield chunks within the action's limits of messages and bytes for one request."""
    chunk: list[OutboundMessage] = []
    size = 0
    for message in messages:
        message_size = len(message.content.raw)
        if chunk and (
            len(chunk) >= action.batch_size_max or size + message_size > action.batch_bytes
        ):
            yield chunk
            chunk, size = [], 0
        chunk.append(message)
        size += message_size
    if chunk:
        yield chunk


def _build_batch(rendered_lane: RenderedLane, config: ConfigCache) -> LaneBatch:
    """Build the requests of a lane; reject the messages of one that the connector cannot build."""
    claimed_lane, credential = rendered_lane.claimed_lane, rendered_lane.credential
    connection, rejections = claimed_lane.connection, [*rendered_lane.rejections]
    requests: list[OutboundRequest] = []
    reply_urls: list[str] = []
    for action, messages in _group_into_requests(rendered_lane.messages):
        assert credential is not None
        try:
            http_request, reply_url = _build_request(connection, credential.value, action, messages)
            costs = _find_scope_costs(connection, http_request, requests[-1] if requests else None)
            writes = list_record_writes(connection, action, messages, config)
        except RequestRefused as refusal:
            rejections += _reject(messages, "payload_refused", str(refusal))
        except Exception as error:  # a defect of the connector
            detail = f"{type(error).__name__} while the request was built"
            rejections += _reject(messages, "defect", detail)
        else:
            requests.append(OutboundRequest(uuid7(), action, messages, http_request, costs, writes))
            reply_urls += [reply_url] if reply_url else []
    return LaneBatch(
        claimed_lane.lane,
        connection,
        credential,
        requests,
        rejections,
        reply_urls,
        claimed_lane.leased_at,
    )


def _reject(messages: Sequence[OutboundMessage], reason: str, detail: str) -> list[Rejection]:
    return [
        Rejection(message.delivery, reason, detail, version=message.version) for message in messages
    ]


def _build_request(
    connection: Connection,
    credential: Credential,
    action: Action,
    messages: Sequence[OutboundMessage],
) -> tuple[Request, str]:
    """Return a request, and the secret reply URL that it uses, if any. Raises RequestRefused."""
    contents = [message.content for message in messages]
    build = action.confirm_request if contents[0].ticket else action.request
    if not action.uses_reply_url:
        return build(contents, credential), ""
    reply_url = _find_reply_url(connection, contents[0])
    return build(contents, replace(credential, reply_url=reply_url)), reply_url


@sensitive_variables()
def _find_reply_url(connection: Connection, content: Message) -> str:
    """Return the secret reply URL of the item in a message. Raises RequestRefused."""
    try:
        item_id = str(content.get("item") or "")
        return REPLY_URL.function(connection, item_id, now=content.at)
    except LookupError as error:
        raise RequestRefused(str(error)) from None


def _find_scope_costs(
    connection: Connection, http_request: Request, previous: OutboundRequest | None
) -> tuple[ScopeCost, ...]:
    """Return the scopes that a request spends, those of the previous request if they are equal."""
    if previous and (previous.http_request.spends, previous.http_request.url) == (
        http_request.spends,
        http_request.url,
    ):
        return previous.scope_costs
    return list_spent_quotas(connection, http_request)
