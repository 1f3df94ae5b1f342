"""REST API: retry, cancel and skip deliveries, and send them again."""

from typing import Any, ClassVar
from uuid import UUID

from django.db import transaction
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from hub.audit import ActorContext
from hub.db.clock import clock
from hub.db.state_machine import InvalidTransition
from hub.limits.spending import spend_tenant_limit
from hub.outgoing.api import openapi_examples
from hub.outgoing.api.deliveries import find_delivery
from hub.outgoing.api.key_user import get_key_user
from hub.outgoing.insight.explain import resolve_effective_state
from hub.outgoing.models import Delivery
from hub.outgoing.operations.delivery_actions import LIMITED_ACTIONS, apply_delivery_action
from hub.outgoing.serializers import DeliverySerializer
from hub.problems import Problem
from hub.rest import openapi
from hub.rest.fields import object_url
from tenants.scoping import changeable_rows

WRITE = "deliveries:write"
PLATFORM_ONLY = (
    "This delivery uses a connection of the platform. Only a platform key can change it."
)


def _describe_action(summary: str, name: str, state: str, *, status: int = 200) -> Any:
    """Return the OpenAPI description of one action; `state`: of the example delivery."""
    return openapi.describe_operation(
        f"deliveries_{name}",
        summary,
        {status: DeliverySerializer},
        problems=(*openapi.CHANGE_PROBLEMS, "permission-denied"),
        request=None,
        examples={
            "decided": openapi_examples.DELIVERY | openapi_examples.build_state_example(state)
        },
    )


def _find_changeable_delivery(request: Request, id: UUID) -> Delivery:
    delivery = find_delivery(request, id)
    if not changeable_rows(Delivery, request.user).filter(pk=delivery.pk).exists():
        raise Problem("permission-denied", PLATFORM_ONLY)
    return delivery


def _apply_action(request: Request, id: UUID, action: str) -> Delivery:
    """Apply the action, and return the delivery that it changed or created."""
    now, actor = clock(), ActorContext.of_request(request)
    try:
        with transaction.atomic():
            delivery = _find_changeable_delivery(request, id)
            before = resolve_effective_state(delivery)
            if action in LIMITED_ACTIONS and (tenant := get_key_user(request).tenant):
                spend_tenant_limit(tenant, "replays", now=now)
            changed = apply_delivery_action(action, delivery, actor=actor, now=now)
    except InvalidTransition as error:
        next_step = f"{before.sentence} {before.action}".strip()
        raise Problem("wrong-state", f"The delivery is {before.state}. {next_step}") from error
    return find_delivery(request, changed.public_id)


class DeliveryActionView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"POST": WRITE}


class RetryView(DeliveryActionView):
    @_describe_action("Retry a delivery", "retry", "waiting")
    def post(self, request: Request, id: UUID) -> Response:
        """Retry a failed, held, cancelled or waiting delivery now, with the same bytes and id."""
        return Response(DeliverySerializer(_apply_action(request, id, "retry")).data)


class CancelView(DeliveryActionView):
    @_describe_action("Cancel a delivery", "cancel", "cancelled")
    def post(self, request: Request, id: UUID) -> Response:
        """Cancel a waiting or held delivery, which is then not sent."""
        return Response(DeliverySerializer(_apply_action(request, id, "cancel")).data)


class SkipView(DeliveryActionView):
    @_describe_action("Skip a delivery", "skip", "skipped")
    def post(self, request: Request, id: UUID) -> Response:
        """Skip a held or failed delivery for good; it can still be sent again."""
        return Response(DeliverySerializer(_apply_action(request, id, "skip")).data)


class SendAgainView(DeliveryActionView):
    @_describe_action("Replay a delivery", "send_again", "waiting", status=201)
    def post(self, request: Request, id: UUID) -> Response:
        """Make a new delivery with the same message id, by today's filter, mapping and settings."""
        new_delivery = _apply_action(request, id, "send_again")
        return Response(
            DeliverySerializer(new_delivery).data,
            status=201,
            headers={"Location": object_url("delivery", new_delivery)},
        )
