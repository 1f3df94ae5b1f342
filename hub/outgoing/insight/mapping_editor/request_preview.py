"""Preview of a mapping as the request that would be sent, beside the last one that was sent.

Nothing is stored or sent, and no secret is opened: requests are built with a masked credential.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Subquery
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from connectors.http import dump_json, load_json
from connectors.registry import CONNECTORS
from connectors.roles import Action
from connectors.schema import Credential, Message
from hub.connections.credentials.connector_context import find_connector_app
from hub.connections.models import Connection
from hub.mappings.models import MappingVersion
from hub.outgoing.insight.dry_run import DryRun, dry_run_route
from hub.outgoing.insight.explain import describe_delivery_reason
from hub.outgoing.insight.mapping_editor.mapping_use import EventDocument
from hub.outgoing.insight.mapping_editor.masked_credential import build_masked_credential
from hub.outgoing.insight.mapping_editor.request_text import (
    ComparedLine,
    RequestText,
    build_request_text,
    compare_request_texts,
)
from hub.outgoing.models import Delivery, Event, Rendering, Route
from tenants.models import Tenant

DELIVERIES_SCANNED = 5_000  # the tenant's newest, among which the last one of a route is searched
EXAMPLE_MESSAGE_ID = "msg_" + "0" * 32


@dataclass(frozen=True, slots=True)
class SentDelivery:
    """The newest delivery of a route that arrived, with the body that was sent."""

    delivery: Delivery
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RequestPreview:
    """The request for an event, and its differences from the last request of the route.

    `problem` is why there is no request to show; `lines` are those of the new request.
    """

    event: Event
    dry_run: DryRun
    sentence: str
    problem: str = ""
    lines: Sequence[ComparedLine] = ()
    sent_delivery: SentDelivery | None = None
    sent_lines: Sequence[ComparedLine] = field(default=())

    @property
    def has_differences(self) -> bool:
        return any(line.kind != "same" for line in (*self.lines, *self.sent_lines))


def find_sent_delivery(route: Route, tenant: Tenant) -> SentDelivery | None:
    """Find the route's newest delivery that arrived with a stored body, in two statements."""
    if route.pk is None:
        return None
    deliveries = Delivery.objects.of(tenant).order_by("-pk")
    scan_limit = deliveries.values("pk")[DELIVERIES_SCANNED - 1 : DELIVERIES_SCANNED]
    delivery = (
        deliveries.filter(route=route, state="delivered", pk__gte=Coalesce(Subquery(scan_limit), 0))
        .select_related("event", "mapping_version")
        .first()
    )
    rendering = Rendering.objects.filter(pk=delivery.pk).first() if delivery else None
    if delivery is None or rendering is None:
        return None
    return SentDelivery(delivery, load_json(bytes(rendering.body)))


def preview_request(
    route: Route,
    body: Mapping[str, Any],
    entry: EventDocument,
    tenant: Tenant,
    connection: Connection | None,
    sent: SentDelivery | None,
    *,
    now: datetime,
) -> RequestPreview:
    """Preview the request of a route for this event, with this body of its mapping.

    Never raises for errors that a customer can cause: they are part of the result.
    """
    event, document = entry
    version = MappingVersion(body=dict(body))
    dry_run = dry_run_route(route, version, document, tenant, connection)
    sentence = (
        describe_delivery_reason(dry_run.reason, route.connector_key).sentence
        if dry_run.reason
        else ""
    )
    preview = RequestPreview(event, dry_run, sentence)
    if not dry_run.body:
        return preview
    if connection is None:
        return _with_problem(preview, _("Connect an account to see the whole request."))
    builder = _RequestBuilder.create(route, connection, sent, event, now=now)
    try:
        request = builder.build(load_json(dry_run.body))
    except Exception:  # a body that the action refuses, and that its code does not expect
        return _with_problem(preview, _("No request can be built from these values."))
    return _compare_with_sent(preview, request, builder, sent)


def _with_problem(preview: RequestPreview, problem: str) -> RequestPreview:
    return RequestPreview(preview.event, preview.dry_run, preview.sentence, problem)


def _compare_with_sent(
    preview: RequestPreview,
    request: RequestText,
    builder: "_RequestBuilder",
    sent: SentDelivery | None,
) -> RequestPreview:
    sent_lines: list[ComparedLine] = []
    lines = [ComparedLine("same", line) for line in request.lines]
    if sent:
        try:
            sent_lines, lines = compare_request_texts(builder.build(sent.body), request)
        except Exception:  # sent by another release, whose bodies this one does not expect
            sent = None
    return RequestPreview(
        preview.event, preview.dry_run, preview.sentence, "", lines, sent, sent_lines
    )


@dataclass(frozen=True, slots=True)
class _RequestBuilder:
    """Builds both requests with the same message id, time and masked credential."""

    action: Action
    credential: Credential
    message_id: str
    event: Event
    tenant_reference: str
    at: datetime

    @classmethod
    def create(
        cls,
        route: Route,
        connection: Connection,
        sent: SentDelivery | None,
        event: Event,
        *,
        now: datetime,
    ) -> "_RequestBuilder":
        action = CONNECTORS[route.connector_key].action(route.action)
        app = find_connector_app(route.connector_key)
        credential = build_masked_credential(connection, app, action)
        message_id = sent.delivery.message_id if sent else EXAMPLE_MESSAGE_ID
        tenant = connection.tenant.reference if connection.tenant else ""
        return cls(action, credential, message_id, event, tenant, now)

    def build(self, body: Mapping[str, Any]) -> RequestText:
        message = Message(
            id=self.message_id,
            body=body,
            raw=dump_json(body),
            at=self.at,
            type=self.event.type,
            tenant=self.tenant_reference,
        )
        return build_request_text(self.action.request([message], self.credential))
