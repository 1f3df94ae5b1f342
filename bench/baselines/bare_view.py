"""What may accept an event at the least: a bare DRF view with the same INSERTs, behind the same
front.
"""

from typing import Any, cast

import django
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from rest_framework.request import Request

django.setup()

from django.db import transaction  # noqa: E402  (Django is ready by now)
from django.urls import path  # noqa: E402
from rest_framework.parsers import JSONParser  # noqa: E402
from rest_framework.response import Response  # noqa: E402
from rest_framework.views import APIView  # noqa: E402

from connectors.http import dump_json  # noqa: E402
from hub.asgi_bridge import AsgiBridge, Limits  # noqa: E402
from hub.connections.models import Connection  # noqa: E402
from hub.db.clock import clock  # noqa: E402
from hub.outgoing.models import Delivery, Event, EventBody, Route  # noqa: E402

ONLY = Connection.unscoped.get(), Route.unscoped.get()


class BareView(APIView):
    authentication_classes = ()
    permission_classes = ()
    parser_classes = (JSONParser,)

    @transaction.atomic
    def post(self, request: Request) -> Response:
        now, payload = clock(), cast("dict[str, Any]", request.data)
        connection, route = ONLY
        assert connection.tenant_id is not None
        event = Event.unscoped.create(
            tenant_id=connection.tenant_id,
            source="api",
            sender_id=payload["id"],
            type=payload["type"],
            digest="0" * 64,
            occurred_at=now,
            accepted_at=now,
        )
        EventBody.objects.create(event_id=event.pk, body=dump_json(payload))
        Delivery.unscoped.create(
            tenant_id=connection.tenant_id,
            event=event,
            route=route,
            connection=connection,
            due_at=now,
            accepted_at=now,
            state_changed_at=now,
        )
        return Response({"id": str(event.public_id)}, status=202)


urlpatterns = [path("api/v1/events", BareView.as_view())]
settings.ROOT_URLCONF = __name__
settings.MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]  # which says Content-Length
application = AsgiBridge(WSGIHandler(), behind_proxy=False, limits=Limits())
