"""Intake: convert a request body to events, and published events to the response."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings

from connectors.http import dump_json
from hub.db.group_commit import GroupCommit
from hub.outgoing.intake.event_input import EventConflict, EventInput, PublishedEvent
from hub.outgoing.intake.publish import publish_batch, publish_independently
from hub.outgoing.serializers import EventSerializer
from hub.problems import Problem
from hub.rest.fields import object_page_url, object_url
from hub.rest.idempotency import IdempotentAnswer
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


@dataclass(frozen=True, slots=True)
class SentEvents:
    """The body of a request, parsed and as received: an event, or a batch of events."""

    own_tenant: Tenant | None  # of the API key; None for a platform key
    data: Any
    raw: bytes

    @property
    def is_batch(self) -> bool:
        return isinstance(self.data, list)


def accept_batch(sent: SentEvents, *, now: datetime) -> IdempotentAnswer:
    """Publish the event, or all events of a batch or none; stored when the transaction commits."""
    inputs = _parse_event_inputs(sent, now=now)
    try:
        published = publish_batch(inputs, source=SOURCE, now=now)
    except EventConflict as conflict:
        raise _build_conflict_problem(sent, conflict) from conflict
    return _build_accepted_answer(sent, inputs, published)


def accept_one(sent: SentEvents, *, now: datetime) -> IdempotentAnswer:
    """Publish an event in one transaction with events that arrive at the same moment.

    The event is stored when this returns.
    """
    (event_input,) = inputs = _parse_event_inputs(sent, now=now)
    try:
        published = submit_event((event_input, now))
    except EventConflict as conflict:
        raise _build_conflict_problem(sent, conflict) from conflict
    return _build_accepted_answer(sent, inputs, [published])


def _build_accepted_answer(
    sent: SentEvents, inputs: Sequence[EventInput], published: Sequence[PublishedEvent]
) -> IdempotentAnswer:
    accepted_events = [
        serialize_accepted_event(event_input, answer)
        for event_input, answer in zip(inputs, published, strict=True)
    ]
    if sent.is_batch:
        return IdempotentAnswer({"events": accepted_events})
    return IdempotentAnswer(accepted_events[0], location=accepted_events[0]["url"])


def _build_conflict_problem(sent: SentEvents, conflict: EventConflict) -> Problem:
    errors = _build_event_errors(sent, [conflict.index], "/id", str(conflict), "conflict")
    return Problem("event-conflict", errors=errors)


def _parse_event_inputs(sent: SentEvents, *, now: datetime) -> list[EventInput]:
    raws = _split_raw_bodies(sent)
    context = {"now": now}
    serializer = (
        EventSerializer(data=sent.data, context=context, many=True, allow_empty=False)
        if sent.is_batch
        else EventSerializer(data=sent.data, context=context)
    )
    serializer.is_valid(raise_exception=True)
    events = serializer.validated_data if sent.is_batch else [serializer.validated_data]
    tenants = _resolve_event_tenants(sent, events)
    return [
        EventInput(
            tenant, event["type"], event["data"], event.get("id", ""), event.get("occurred_at"), raw
        )
        for tenant, event, raw in zip(tenants, events, raws, strict=True)
    ]


def _split_raw_bodies(sent: SentEvents) -> list[bytes]:
    """Return the bytes of each event: as received, or serialized again if in a batch.

    Raises Problem if an event is too large, or the batch has too many events.
    """
    if not sent.is_batch:
        raws = [sent.raw]
    elif len(sent.data) > settings.HUB_BATCH_EVENTS:
        raise Problem(
            "payload-too-large",
            f"A batch can contain at most {settings.HUB_BATCH_EVENTS:,} events.",
        )
    else:
        raws = [dump_json(event) for event in sent.data]
    too_large = [index for index, raw in enumerate(raws) if len(raw) > settings.HUB_EVENT_BYTES]
    if too_large:
        detail = f"An event can have at most {settings.HUB_EVENT_BYTES:,} bytes of JSON."
        raise Problem(
            "payload-too-large",
            detail,
            errors=_build_event_errors(sent, too_large, "", detail, "too_large"),
        )
    return raws


def _resolve_event_tenants(sent: SentEvents, events: Sequence[Mapping[str, Any]]) -> list[Tenant]:
    """Return the tenant of each event, in one statement; a platform key's events name theirs."""
    own_tenant = sent.own_tenant
    own_reference = own_tenant.reference if own_tenant else ""
    names: list[str] = [event.get("tenant") or own_reference for event in events]
    if missing := [index for index, name in enumerate(names) if not name]:
        raise Problem(
            "tenant-required",
            errors=_build_event_errors(
                sent, missing, "/tenant", "Required with a platform key.", "required"
            ),
        )
    tenants = [own_tenant] if own_tenant else Tenant.objects.filter(reference__in=set(names))
    tenants_by_reference = {tenant.reference: tenant for tenant in tenants}
    if unknown := [index for index, name in enumerate(names) if name not in tenants_by_reference]:
        raise Problem(
            "tenant-not-found",
            errors=_build_event_errors(sent, unknown, "/tenant", "Unknown.", "not_found"),
        )
    return [tenants_by_reference[name] for name in names]


def _build_event_errors(
    sent: SentEvents, indexes: Sequence[int], pointer: str, detail: str, code: str
) -> Iterator[dict[str, str]]:
    for index in indexes:
        yield {
            "pointer": f"/{index}{pointer}" if sent.is_batch else pointer,
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
