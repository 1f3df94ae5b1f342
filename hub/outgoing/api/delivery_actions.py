"""REST API: the declared actions on deliveries."""

from uuid import UUID

from rest_framework.request import Request

from hub.outgoing.api.deliveries import find_delivery
from hub.outgoing.models import Delivery
from hub.outgoing.operations.delivery_actions import DELIVERY_ACTIONS
from hub.outgoing.serializers import DeliverySerializer
from hub.problems import Problem
from hub.rest import openapi
from hub.rest.actions import ActionResource, build_action_urls
from tenants.scoping import changeable_rows

PLATFORM_ONLY = (
    "This delivery uses a connection of the platform. Only a platform key can change it."
)


def _find_changeable_delivery(request: Request, id: UUID) -> Delivery:
    delivery = find_delivery(request, id)
    if not changeable_rows(Delivery, request.user).filter(pk=delivery.pk).exists():
        raise Problem("permission-denied", PLATFORM_ONLY)
    return delivery


DELIVERY_ACTION_URLS = build_action_urls(
    ActionResource(
        rows="deliveries",
        row="delivery",
        find=find_delivery,
        find_changeable=_find_changeable_delivery,
        serializer=DeliverySerializer,
        serialize=lambda request, delivery: DeliverySerializer(delivery).data,
        problems=(*openapi.CHANGE_PROBLEMS, "permission-denied"),
    ),
    DELIVERY_ACTIONS,
)
