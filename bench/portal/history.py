"""A month of deliveries, written by the database itself: a fifth is one tenant's, the rest is dealt
out to the others.

Each event goes to two connections of its tenant, with its body, one try and, for the large tenant,
the call.
"""

from datetime import datetime

from django.db import connection as database

from hub.outgoing.insight.search.value_index import store_values
from hub.outgoing.models import Event, ValueIndexPosition

MOST_OF_A_TENANT = 5  # every fifth event is the large tenant's
DAYS = 30

TARGETS = """
CREATE TEMPORARY TABLE bench_target AS
SELECT row_number() OVER (ORDER BY tenant_id) - 1 AS place, tenant_id,
    array_agg(id ORDER BY id) AS connections
FROM connections_connection GROUP BY tenant_id
"""
EVENTS = """
INSERT INTO outgoing_event
    (id, public_id, tenant_id, source, sender_id, type, digest, reason, occurred_at, accepted_at)
SELECT n, {id}, tenant_id, 'api', 'order-' || n,
    (ARRAY['order.created', 'order.paid', 'user.joined'])[1 + mod(n, 3)],
    repeat('0', 64), '', at, at
FROM generate_series(1, %(events)s) AS n
JOIN bench_target ON place =
    CASE WHEN mod(n, {large}) = 0 THEN 0 ELSE 1 + mod(n, %(tenants)s - 1) END,
LATERAL (
    SELECT %(now)s::timestamptz - interval '{days} days' * (1 - n / %(events)s::float) AS at
) AS moment
"""
BODIES = """
INSERT INTO outgoing_eventbody (event_id, body)
SELECT id, convert_to(json_build_object('id', sender_id, 'type', type, 'data', json_build_object(
    'number', id, 'customer', json_build_object('name', 'Ann', 'id', mod(id, 1000)),
    'note', repeat('y', 300)))::text, 'UTF8')
FROM outgoing_event
"""
DELIVERIES = """
INSERT INTO outgoing_delivery
    (id, public_id, message_uuid, tenant_id, event_id, route_id, connection_id, replay_number,
     state, reason, detail, due_at, attempt_count, crash_count, possibly_delivered, low_priority,
     order_key, accepted_at, state_changed_at)
SELECT n, {id}, {id}, e.tenant_id, e.id, r.id, c.id, 0, e.state,
    CASE e.state WHEN 'failed' THEN 'exhausted' WHEN 'held' THEN 'mapping_failed'
        WHEN 'skipped' THEN 'filtered' ELSE '' END,
    '', CASE e.state WHEN 'waiting' THEN at END, 1, 0, false, false, '', at, at
FROM (SELECT e.*, e.accepted_at AS at, half, 2 * e.id - half AS n,
        CASE mod((2 * e.id - half) / {large}, 100)
            WHEN 0 THEN 'failed' WHEN 1 THEN 'held' WHEN 2 THEN 'skipped' WHEN 3 THEN 'waiting'
            ELSE 'delivered' END AS state
    FROM outgoing_event e, generate_series(0, 1) AS half) AS e
JOIN bench_target t USING (tenant_id)
JOIN connections_connection c ON c.id =
    t.connections[1 + mod(e.id / {large} + half, array_length(t.connections, 1))]
JOIN outgoing_route r ON r.connector_key = c.connector_key
"""
TRIES = """
INSERT INTO outgoing_attempt
    (delivery_id, number, started_at, milliseconds, outcome, reason, detail, reference, exchange)
SELECT id, 1, state_changed_at, 40 + mod(id, 400),
    CASE state WHEN 'delivered' THEN state ELSE 'later' END,
    CASE state WHEN 'delivered' THEN '' ELSE 'status 503' END, '', '', public_id
FROM outgoing_delivery WHERE state != 'skipped'
"""
CALLS = """
INSERT INTO outgoing_exchange
    (id, at, method, url, request_headers, request_body, status, response_headers, response_body,
     error)
SELECT d.public_id, d.state_changed_at, 'POST',
    'https://example.com/hook', '{"content-type": "application/json"}', body, 200,
    '{"content-type": "text/plain"}', 'ok', ''
FROM outgoing_delivery d JOIN outgoing_eventbody b USING (event_id)
JOIN bench_target t USING (tenant_id)
WHERE t.place = 0
"""
# As many values as real events have, with digests of no value: what the pages look for is indexed
# as the task does it.
VALUES = """
INSERT INTO outgoing_eventvalue (digest, event_id)
SELECT ('x' || substr(md5(id || '-' || n), 1, 16))::bit(64)::bigint, id
FROM outgoing_event, generate_series(1, {values}) AS n
"""
VALUES_OF_AN_EVENT = 3
NUMBERED = ("outgoing_event", "outgoing_delivery")
ORDERED_ID = (  # a UUIDv7 of the row's moment
    "(lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7' || "
    "substr(md5(n::text), 1, 3)"
    " || '8' || substr(md5(n::text), 4, 15))::uuid"
)


def index_values(events: list[Event]) -> None:
    """Index the values of these events, and let the index reach the newest event of all."""
    rows = [
        (event.pk, event.tenant_id, event.sender_id, event.accepted_at)
        for event in dict.fromkeys(events)
    ]
    newest = Event.unscoped.order_by("-pk").values_list("pk", flat=True)[0]
    ValueIndexPosition.objects.create(pk=1, last_event=0)
    store_values(rows, expected_position=0)
    ValueIndexPosition.objects.update(last_event=newest)


def insert_month(deliveries: int, *, tenants: int, now: datetime) -> None:
    """So many deliveries to the connections that are there; the first tenant is the large one."""
    parameters: dict[str, int | datetime] = {
        "events": deliveries // 2,
        "tenants": tenants,
        "now": now,
    }
    written = {"id": ORDERED_ID, "large": MOST_OF_A_TENANT, "days": DAYS}
    with database.cursor() as cursor:
        cursor.execute(TARGETS)
        cursor.execute(EVENTS.format(**written), parameters)
        cursor.execute(BODIES)
        cursor.execute(VALUES.format(values=VALUES_OF_AN_EVENT))
        cursor.execute(DELIVERIES.format(**written))
        cursor.execute(TRIES)
        cursor.execute(CALLS)
        for table in NUMBERED:
            cursor.execute(
                f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), max(id)) FROM {table}"
            )
        cursor.execute("DROP TABLE bench_target")
