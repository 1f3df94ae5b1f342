"""`granian bench.baselines.tuned_view:application`: the bare view again, with its INSERTs as one
statement and one round trip.
"""

import uuid
from typing import Any, cast

from django.conf import settings
from django.db import connection as database
from django.urls import path
from rest_framework.request import Request
from rest_framework.response import Response

from bench.baselines.bare_view import ONLY, BareView, application
from connectors.http import dump_json
from hub.db.clock import clock
from hub.db.ids import uuid7
from hub.outgoing.models import Delivery, Event, EventBody

__all__ = ["application"]

TENANT = ONLY[0].tenant_id
DELIVERY = {"tenant_id": TENANT, "route_id": ONLY[1].pk, "connection_id": ONLY[0].pk}
CHANGING = ("public_id", "message_uuid", "due_at", "accepted_at", "state_changed_at")


def insert_statement() -> tuple[str, dict[str, Any]]:
    """Return the SQL and the constant values of a delivery's columns, each with the default of its
    field.
    """
    fields = [
        field
        for field in Delivery._meta.concrete_fields
        if not (field.generated or field.primary_key)
    ]
    columns = [field.column or "" for field in fields if field.column != "event_id"]
    constants = {
        field.column or "": field.get_db_prep_save(field.get_default(), database)
        for field in fields
        if field.column not in CHANGING
    } | DELIVERY
    values = ", ".join(f"%({column})s" for column in columns)
    sql = (
        f"WITH event AS (INSERT INTO {Event._meta.db_table}"
        " (public_id, tenant_id, source, sender_id, type, digest, reason, occurred_at, accepted_at)"
        " VALUES (%(event_public_id)s, %(tenant_id)s, 'api', %(sender_id)s, %(type)s, %(digest)s, "
        "'', %(now)s, %(now)s)"
        f" RETURNING id), body AS (INSERT INTO {EventBody._meta.db_table} (event_id, body)"
        f" SELECT id, %(body)s FROM event) INSERT INTO {Delivery._meta.db_table} (event_id, "
        f"{', '.join(columns)})"
        f" SELECT id, {values} FROM event"
    )
    return sql, constants


SQL, CONSTANTS = insert_statement()


class TunedView(BareView):
    def post(self, request: Request) -> Response:
        now, public_id = clock(), uuid.uuid4()
        document = cast("dict[str, Any]", request.data)
        values = CONSTANTS | {
            "event_public_id": public_id,
            "sender_id": document["id"],
            "type": document["type"],
            "digest": "0" * 64,
            "body": dump_json(document),
            "now": now,
            "public_id": uuid7(),
            "message_uuid": uuid7(),
            "due_at": now,
            "accepted_at": now,
            "state_changed_at": now,
        }
        with database.cursor() as cursor:
            cursor.execute(SQL, values)
        return Response({"id": str(public_id)}, status=202)


urlpatterns = [path("api/v1/events", TunedView.as_view())]
settings.ROOT_URLCONF = __name__
