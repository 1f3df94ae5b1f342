"""Turn claimed deliveries into requests: render, store the renderings, group messages by request.

A defect of our code or of a mapping holds only the delivery concerned.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.views.decorators.debug import sensitive_variables

from connectors.http import Request
from connectors.roles import Action, RequestRefused
from connectors.schema import Message
from hub.connections.credentials.connector_context import collect_secrets, open_credential
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
from hub.outgoing.reply_urls import REPLY_URL
from hub.throttle.demand import ScopeCost

NewRenderings = list[tuple[int, RenderedBody]]  # by delivery
PreparedMessages = list[tuple[Action, OutboundMessage]]


def prepare_batches(
    claimed_lanes: Sequence[ClaimedLane], config: ConfigCache, *, now: datetime
) -> list[LaneBatch]:
    """Return a batch for each lane.

    Deliveries that cannot be sent are in its `rejections`; new renderings are stored.
    """
    identities = IdentityLookup.for_lanes(claimed_lanes, config)
    new_renderings: NewRenderings = []
    batches = [
        _prepare_batch(claimed_lane, config, identities, new_renderings, now=now)
        for claimed_lane in claimed_lanes
    ]
    _store_renderings(new_renderings)
    return batches


def _store_renderings(new_renderings: NewRenderings) -> None:
    columns: dict[str, Sequence[Any]] = {
        "delivery_id": [pk for pk, _ in new_renderings],
        "body": [rendered.raw for _, rendered in new_renderings],
        "version_id": [rendered.version for _, rendered in new_renderings],
        "ticket": [""] * len(new_renderings),
    }
    bulk.insert_rows(Rendering, columns, ignore_conflicts=True)


def _prepare_batch(
    claimed_lane: ClaimedLane,
    config: ConfigCache,
    identities: IdentityLookup,
    new_renderings: NewRenderings,
    *,
    now: datetime,
) -> LaneBatch:
    lane, connection = claimed_lane.lane, claimed_lane.connection
    try:
        credential = _open_lane_credential(claimed_lane, config)
    except (CannotOpen, LookupError) as error:
        rejections = [
            Rejection(delivery, "credential_unreadable", str(error))
            for delivery in claimed_lane.deliveries
        ]
        return LaneBatch(lane, connection, None, rejections=rejections)
    batch = LaneBatch(lane, connection, credential)
    messages = _prepare_messages(claimed_lane, batch, config, identities, new_renderings, now=now)
    for action, request_messages in _group_into_requests(messages):
        _add_request(batch, credential, action, request_messages)
    return batch


def _open_lane_credential(claimed_lane: ClaimedLane, config: ConfigCache) -> LaneCredential:
    """Open the credential of a lane.

    Raises CannotOpen when it cannot be decrypted, LookupError when it is missing.
    """
    connection = claimed_lane.connection
    credential = open_credential(connection, config.apps.get(connection.connector_key))
    version = getattr(getattr(connection, "credential", None), "version", 0)
    return LaneCredential(credential, collect_secrets(credential), version)


def _prepare_messages(
    claimed_lane: ClaimedLane,
    batch: LaneBatch,
    config: ConfigCache,
    identities: IdentityLookup,
    new_renderings: NewRenderings,
    *,
    now: datetime,
) -> PreparedMessages:
    """Return the messages with their actions; append rejections and new renderings."""
    messages: PreparedMessages = []
    for delivery in claimed_lane.deliveries:
        try:
            action, rendered = prepare_delivery(
                delivery, claimed_lane.connection, config, identities
            )
        except CannotSend as refusal:
            rejection = Rejection(delivery, refusal.reason, refusal.detail, refusal.state)
            batch.rejections.append(rejection)
            continue
        if rendered.is_new:
            new_renderings.append((delivery.pk, rendered))
            delivery.version = rendered.version
        content = build_message(delivery, rendered, at=now)
        messages.append((action, OutboundMessage(delivery, content)))
        # thousands may be in memory, and what is sent is in the message
        delivery.event_body = delivery.rendered_body = None
    return messages


def _group_into_requests(
    messages: PreparedMessages,
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


def _add_request(
    batch: LaneBatch, credential: LaneCredential, action: Action, messages: list[OutboundMessage]
) -> None:
    """Build the request and add it to the batch; reject its messages if the connector fails."""
    contents = [message.content for message in messages]
    build_request = action.confirm_request if contents[0].ticket else action.request
    try:
        value = credential.value
        if action.uses_reply_url:
            value = replace(value, reply_url=_use_reply_url(batch, contents[0]))
        http_request = build_request(contents, value)
        scope_costs = _find_scope_costs(batch, http_request)
    except RequestRefused as refusal:
        batch.rejections.append(Rejection(messages[0].delivery, "payload_refused", str(refusal)))
        return
    except Exception as error:  # a defect of the connector
        detail = f"{type(error).__name__} while the request was built"
        batch.rejections += [Rejection(message.delivery, "defect", detail) for message in messages]
        return
    batch.requests.append(OutboundRequest(uuid7(), action, messages, http_request, scope_costs))


@sensitive_variables()
def _use_reply_url(batch: LaneBatch, content: Message) -> str:
    """Return the secret reply URL of the item in a message. Raises RequestRefused."""
    try:
        item_id = str(content.get("item") or "")
        reply_url = REPLY_URL.function(batch.connection, item_id, now=content.at)
    except LookupError as error:
        raise RequestRefused(str(error)) from None
    batch.reply_urls.append(reply_url)
    return reply_url


def _find_scope_costs(batch: LaneBatch, http_request: Request) -> tuple[ScopeCost, ...]:
    """Return the scopes that a request spends, those of the previous request if they are equal."""
    previous = batch.requests[-1] if batch.requests else None
    if previous and (previous.http_request.spends, previous.http_request.url) == (
        http_request.spends,
        http_request.url,
    ):
        return previous.scope_costs
    return list_spent_quotas(batch.connection, http_request)
