"""Fill the product's own tables fast: tenants, connections, a route, and orders that wait on
them.
"""

import itertools
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.apps import apps
from django.core.management.color import no_style
from django.db import connection as database
from django.db.models import Model

from hub.connections.models import Connection, Credential, Lane
from hub.crypto.sealed import seal
from hub.db.ids import uuid7
from hub.mappings.models import FieldMapping, MappingVersion
from hub.outgoing.models import Delivery, Event, EventBody, Route
from tenants.models import Tenant

SECRET = {"signing_secret": "whsec_" + "YmVuY2gtb25seS1iZW5jaC1vbmx5LWJlbmNoLW9ubHk="}
ROOMS = (
    "tenants",
    "connections",
    "mappings",
    "outgoing",
    "incoming",
    "scheduled",
    "throttle",
    "django_q",
)
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
CHANNELS = 4
Row = Mapping[str, Any]  # by column
MAPPING = {
    "type": "type",
    "timestamp": "occurred_at",
    "order": {
        "number": "data.number",
        "customer": "data.customer.name",
        "skus": "data.items[].sku",
    },
    "note": "data.note",
}


def empty() -> None:
    """Empty the tables of ROOMS and those that refer to them, as a bench may follow another."""
    tables = [
        model._meta.db_table for room in ROOMS for model in apps.get_app_config(room).get_models()
    ]
    tables += ["hub_wakeup", "hub_heartbeat", "hub_loopslot"]
    database.ops.execute_sql_flush(
        database.ops.sql_flush(no_style(), tables, reset_sequences=True, allow_cascade=True)
    )


def settle_down() -> None:
    """Give the planner its figures, and do now what autovacuum would do during the measurement."""
    with database.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE" if database.vendor == "postgresql" else "ANALYZE")


# --- who and where --------------------------------------------------------------------------------


def connections(
    count: int,
    url: str,
    *,
    tenants: int = 1,
    connector: str = "webhook",
    secret: Mapping[str, str] = SECRET,
    **fields: Any,
) -> list[Connection]:
    """So many connections, spread over so many new tenants; `url` is a format with the connection's
    number.
    """
    first = Tenant.objects.count()
    owners = Tenant.objects.bulk_create(
        Tenant(reference=f"bench-{first + number}", name=f"Bench {first + number}")
        for number in range(tenants)
    )
    rows = Connection.unscoped.bulk_create(
        Connection(
            tenant=owners[number % tenants],
            connector_key=connector,
            name=f"bench {number}",
            settings={"url": url.format(number)},
            **fields,
        )
        for number in range(count)
    )
    store_credentials(rows, secret)
    return rows


def store_credentials(rows: Sequence[Connection], secret: Mapping[str, str]) -> None:
    """Give each connection a credential with this secret, and a lane."""
    Credential.unscoped.bulk_create(
        Credential(connection=row, sealed=seal(secret, Credential.binding(row))) for row in rows
    )
    Lane.unscoped.bulk_create(
        Lane(connection=row, in_flight=row.connector.in_flight, virtual_time=LONG_AGO)
        for row in rows
    )


def tenant_of(connection: Connection) -> Tenant:
    """Return the tenant of a bench's connection: none of them is the platform's own."""
    assert connection.tenant is not None
    return connection.tenant


def give_accounts(rows: Sequence[Connection]) -> None:
    """Give each connection an external account of its own."""
    for row in rows:
        row.account = f"account-{row.pk}"
    Connection.unscoped.bulk_update(rows, ["account"])


def route(
    connector: str = "webhook",
    action: str = "send",
    *,
    mapping: Mapping[str, Any] = MAPPING,
    event_type: str = "order.created",
    origin: str = "",
) -> Route:
    """Of all tenants, to every connection at the connector; `origin`: the connector that received
    the events.
    """
    stored = FieldMapping.unscoped.create(name="bench", connector_key=connector, action=action)
    MappingVersion.unscoped.create(mapping=stored, number=1, body=mapping)
    return Route.unscoped.create(
        name="bench",
        event_type=event_type,
        origin_connector_key=origin,
        connector_key=connector,
        action=action,
        mapping=stored,
    )


# --- orders ---------------------------------------------------------------------------------------


def order(number: int) -> dict[str, Any]:
    items = [{"sku": f"SKU-{number % 97}-{line}", "quantity": line} for line in (1, 2, 3)]
    # not as connections are dealt out: each has some of every channel
    channel = f"c{number // CHANNELS % CHANNELS}"
    return {
        "number": number,
        "channel": channel,
        "customer": {"name": "Ann", "id": number % 1000},
        "items": items,
        "note": "y" * 300,
    }


def orders(
    rows: Sequence[Connection],
    count: int,
    by: Route,
    *,
    state: str = "waiting",
    due_at: datetime = LONG_AGO,
    accepted_at: datetime = LONG_AGO,
) -> list[str]:
    """`count` events with one delivery each, dealt out to these connections in turn; the outward
    ids, in order.
    """
    targets = list(itertools.islice(itertools.cycle(rows), count))
    events, numbers = numbers_after(Event, count), numbers_after(Delivery, count)
    ids = [uuid7() for _ in range(count)]
    copy(Event, events_of(targets, events, accepted_at))
    copy(EventBody, ({"event_id": pk, "body": body_of(pk)} for pk in events))
    copy(Delivery, deliveries_of(targets, events, numbers, ids, by, state, due_at, accepted_at))
    if state == "waiting":
        Lane.unscoped.filter(connection__in=rows).update(due_at=due_at)
    return [f"msg_{id.hex}" for id in ids]


def events_of(
    targets: Sequence[Connection], events: Sequence[int], accepted_at: datetime
) -> Iterator[Row]:
    for target, pk in zip(targets, events, strict=True):
        yield {
            "id": pk,
            "public_id": uuid7(),
            "tenant_id": target.tenant_id,
            "source": "api",
            "sender_id": f"order-{pk}",
            "type": "order.created",
            "digest": "0" * 64,
            "occurred_at": accepted_at,
            "accepted_at": accepted_at,
        }


def body_of(pk: int) -> bytes:
    return json.dumps({"id": f"order-{pk}", "type": "order.created", "data": order(pk)}).encode()


def deliveries_of(
    targets: Sequence[Connection],
    events: Sequence[int],
    numbers: Sequence[int],
    ids: Sequence[UUID],
    by: Route,
    state: str,
    due_at: datetime,
    accepted_at: datetime,
) -> Iterator[Row]:
    for target, event, number, id in zip(targets, events, numbers, ids, strict=True):
        yield {
            "id": number,
            "public_id": id,
            "message_uuid": id,
            "tenant_id": target.tenant_id,
            "event_id": event,
            "route_id": by.pk,
            "connection_id": target.pk,
            "state": state,
            "due_at": due_at if state == "waiting" else None,
            "accepted_at": accepted_at,
            "state_changed_at": accepted_at,
        }


# --- rows -----------------------------------------------------------------------------------------


def numbers_after(model: type[Model], count: int) -> Sequence[int]:
    """Primary keys that are free, also beside others who insert."""
    if database.vendor == "postgresql":
        with database.cursor() as cursor:
            sequence = f"pg_get_serial_sequence('{model._meta.db_table}', 'id')"
            cursor.execute(f"SELECT nextval({sequence}) FROM generate_series(1, %s)", [count])
            return [number for (number,) in cursor.fetchall()]
    last = model._base_manager.order_by("-pk").values_list("pk", flat=True).first() or 0
    return range(last + 1, last + 1 + count)


def copy(model: type[Model], rows: Iterable[Row]) -> None:
    """COPY, with each column's own default where a row says nothing."""
    if database.vendor != "postgresql":
        model._base_manager.bulk_create((model(**row) for row in rows), batch_size=500)
        return
    fields = [field for field in model._meta.concrete_fields if not field.generated]
    defaults = {
        field.attname: field.get_db_prep_save(field.get_default(), database) for field in fields
    }
    columns = ", ".join(field.column or "" for field in fields)
    with (
        database.cursor() as cursor,
        cursor.copy(f"COPY {model._meta.db_table} ({columns}) FROM STDIN") as out,
    ):
        for row in rows:
            out.write_row([row.get(name, default) for name, default in defaults.items()])
