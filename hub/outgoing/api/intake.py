"""Intake: convert a request body to events, and published events to the response."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from rest_framework.request import Request

from connectors.http import dump_json
from hub.db.group_commit import GroupCommit
from hub.outgoing.intake.event_input import EventConflict, EventInput, PublishedEvent
from hub.outgoing.intake.publish import publish_batch, publish_independently
from hub.outgoing.serializers import EventSerializer
from hub.problems import Problem
from hub.rest.fields import object_page_url, object_url
from hub.rest.idempotency import IdempotentAnswer
from tenants.access.api_authentication import api_key_of
from tenants.models import Tenant

SOURCE = "api"
GROUP_SIZE = 100  # events of as many requests, in one transaction


def _publish_group(
    submitted: Sequence[tuple[EventInput, datetime]],
) -> Sequence[PublishedEvent | Exception]:
    return publish_independently(
        [event_input for event_input, _ in submitted],
        source=SOURCE,
        now=max(now for _, now in submitted),
    )


submit_event = GroupCommit(_publish_group, max_batch=GROUP_SIZE)


def accept_batch(request: Request, *, now: datetime) -> IdempotentAnswer:
    """Publish the event, or all events of a batch or none; stored when the transaction commits."""
    inputs = _parse_event_inputs(request, now=now)
    try:
        published = publish_batch(inputs, source=SOURCE, now=now)
    except EventConflict as conflict:
        raise _build_conflict_problem(request, conflict) from conflict
    accepted_events = [
        serialize_accepted_event(event_input, answer)
        for event_input, answer in zip(inputs, published, strict=True)
    ]
    if isinstance(request.data, list):
        return IdempotentAnswer({"events": accepted_events})
    return IdempotentAnswer(accepted_events[0], location=accepted_events[0]["url"])


def accept_one(request: Request, *, now: datetime) -> IdempotentAnswer:
    """Publish an event in one transaction with events that arrive at the same moment.

    The event is stored when this returns.
    """
    (event_input,) = _parse_event_inputs(request, now=now)
    try:
        published = submit_event((event_input, now))
    except EventConflict as conflict:
        raise _build_conflict_problem(request, conflict) from conflict
    accepted_event = serialize_accepted_event(event_input, published)
    return IdempotentAnswer(accepted_event, location=accepted_event["url"])


def _build_conflict_problem(request: Request, conflict: EventConflict) -> Problem:
    errors = _build_event_errors(request, [conflict.index], "/id", str(conflict), "conflict")
    return Problem("event-conflict", errors=errors)


def _parse_event_inputs(request: Request, *, now: datetime) -> list[EventInput]:
    raws = _split_raw_bodies(request)
    is_batch, context = isinstance(request.data, list), {"now": now}
    serializer = (
        EventSerializer(data=request.data, context=context, many=True, allow_empty=False)
        if is_batch
        else EventSerializer(data=request.data, context=context)
    )
    serializer.is_valid(raise_exception=True)
    events = serializer.validated_data if is_batch else [serializer.validated_data]
    tenants = _resolve_event_tenants(request, events)
    return [
        EventInput(
            tenant, event["type"], event["data"], event.get("id", ""), event.get("occurred_at"), raw
        )
        for tenant, event, raw in zip(tenants, events, raws, strict=True)
    ]


def _split_raw_bodies(request: Request) -> list[bytes]:
    """Return the bytes of each event: as received, or serialized again if in a batch.

    Raises Problem if an event is too large, or the batch has too many events.
    """
    if not isinstance(request.data, list):
        raws = [getattr(request, "raw_body", b"")]
    elif len(request.data) > settings.HUB_BATCH_EVENTS:
        raise Problem(
            "payload-too-large",
            f"A batch can contain at most {settings.HUB_BATCH_EVENTS:,} events.",
        )
    else:
        raws = [dump_json(event) for event in request.data]
    too_large = [index for index, raw in enumerate(raws) if len(raw) > settings.HUB_EVENT_BYTES]
    if too_large:
        detail = f"An event can have at most {settings.HUB_EVENT_BYTES:,} bytes of JSON."
        raise Problem(
            "payload-too-large",
            detail,
            errors=_build_event_errors(request, too_large, "", detail, "too_large"),
        )
    return raws


def _resolve_event_tenants(request: Request, events: Sequence[Mapping[str, Any]]) -> list[Tenant]:
    """Return the tenant of each event, in one statement; a platform key's events name theirs."""
    own_tenant = api_key_of(request).tenant
    own_reference = own_tenant.reference if own_tenant else ""
    names: list[str] = [event.get("tenant") or own_reference for event in events]
    if missing := [index for index, name in enumerate(names) if not name]:
        raise Problem(
            "tenant-required",
            errors=_build_event_errors(
                request, missing, "/tenant", "Required with a platform key.", "required"
            ),
        )
    tenants = [own_tenant] if own_tenant else Tenant.objects.filter(reference__in=set(names))
    tenants_by_reference = {tenant.reference: tenant for tenant in tenants}
    if unknown := [index for index, name in enumerate(names) if name not in tenants_by_reference]:
        raise Problem(
            "tenant-not-found",
            errors=_build_event_errors(request, unknown, "/tenant", "Unknown.", "not_found"),
        )
    return [tenants_by_reference[name] for name in names]


def _build_event_errors(
    request: Request, indexes: Sequence[int], pointer: str, detail: str, code: str
) -> Iterator[dict[str, str]]:
    batch = isinstance(request.data, list)
    for index in indexes:
        yield {
            "pointer": f"/{index}{pointer}" if batch else pointer,
            "detail": detail,
            "code": code,
        }


def serialize_accepted_event(event_input: EventInput, published: PublishedEvent) -> dict[str, Any]:
    """Build the data that AcceptedSerializer describes.

    The serializer itself would take as long as the database.
    """
    event = published.event
    return {
        "id": str(event.public_id),
        "sender_id": event.sender_id,
        "type": event.type,
        "tenant": event_input.tenant.reference,
        "accepted_at": event.accepted_at.isoformat().replace("+00:00", "Z"),
        "url": object_url("event", event),
        "page_url": object_page_url("events", event),
        "deliveries": [
            {
                "id": str(delivery.public_id),
                "connector": delivery.route.connector_key,
                "connection": delivery.connection and str(delivery.connection.public_id),
                "state": delivery.state,
            }
            for delivery in published.deliveries
        ],
    }
