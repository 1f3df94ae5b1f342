"""What may receive a webhook at the least: a bare DRF view that verifies Slack's signature and
stores the same rows by one statement, behind the same front.
"""

import hashlib
import hmac
import json
import time
import zlib
from typing import Any

import django
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from rest_framework.request import Request

django.setup()

from django.db import connection as database  # noqa: E402  (Django is ready by now)
from django.urls import path  # noqa: E402
from rest_framework.response import Response  # noqa: E402
from rest_framework.views import APIView  # noqa: E402

from hub.asgi_bridge import AsgiBridge, Limits  # noqa: E402
from hub.connections.models import ConnectorApp  # noqa: E402
from hub.db.clock import clock  # noqa: E402
from hub.db.ids import uuid7  # noqa: E402
from hub.incoming.models import InboundBody, InboundEndpoint, InboundMessage  # noqa: E402

SECRET = ConnectorApp.objects.get(connector_key="slack").open()["signing_secret"].encode()
ENDPOINT = InboundEndpoint.unscoped.get(connector_key="slack")
FRESH_FOR = 300  # seconds
STORED_HEADERS = ("Content-Type", "User-Agent", "X-Slack-Request-Timestamp")
VARYING = ("public_id", "message_key", "share_key", "headers", "size", "received_at", "due_at")


def insert_statement() -> tuple[str, dict[str, Any]]:
    """Return the SQL, and the constant values of a message's columns: the default of each field."""
    fields = [field for field in InboundMessage._meta.concrete_fields if not field.primary_key]
    columns = [field.column or "" for field in fields]
    constants = {
        field.column or "": field.get_db_prep_save(field.get_default(), database)
        for field in fields
        if field.column not in VARYING
    } | {"endpoint_id": ENDPOINT.pk, "connector_key": "slack", "state": "accepted"}
    values = ", ".join(f"%({column})s" for column in columns)
    sql = (
        f"WITH message AS (INSERT INTO {InboundMessage._meta.db_table} ({', '.join(columns)})"
        f" VALUES ({values}) ON CONFLICT DO NOTHING RETURNING id)"
        f" INSERT INTO {InboundBody._meta.db_table} (message_id, body)"
        " SELECT id, %(body)s FROM message"
    )
    return sql, constants


SQL, CONSTANTS = insert_statement()


class BareWebhookView(APIView):
    authentication_classes = ()
    permission_classes = ()

    def post(self, request: Request, key: str) -> Response:
        body = request._request.body
        if not is_authentic(request, body):
            return Response(status=401)
        document, now = json.loads(body), clock()
        headers = {
            name: request.headers[name] for name in STORED_HEADERS if name in request.headers
        }
        values = CONSTANTS | {
            "public_id": uuid7(),
            "message_key": document["event_id"],
            "share_key": f"{ENDPOINT.pk}:{document['team_id']}",
            "headers": json.dumps(headers),
            "size": len(body),
            "received_at": now,
            "due_at": now,
            "body": zlib.compress(body, 1),
        }
        with database.cursor() as cursor:
            cursor.execute(SQL, values)
        return Response(status=200)


def is_authentic(request: Request, body: bytes) -> bool:
    stamp = request.headers.get("X-Slack-Request-Timestamp", "0")
    digest = hmac.new(SECRET, f"v0:{stamp}:".encode() + body, hashlib.sha256).hexdigest()
    signature = request.headers.get("X-Slack-Signature", "")
    is_fresh = abs(time.time() - int(stamp)) < FRESH_FOR
    return is_fresh and hmac.compare_digest(f"v0={digest}", signature)


urlpatterns = [path("hooks/slack/<str:key>/", BareWebhookView.as_view())]
settings.ROOT_URLCONF = __name__
settings.MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]  # which says Content-Length
application = AsgiBridge(WSGIHandler(), behind_proxy=False, limits=Limits())
