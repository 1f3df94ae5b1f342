"""OpenAPI examples of routes, field mappings and dry runs."""

from hub.rest.openapi import EXAMPLE_ID, EXAMPLE_ORIGIN, EXAMPLE_TIME

MAPPING_BODY = {"channel": "'C0123456789'", "text": "join(' ', ['New order', data.number])"}

MAPPING_INPUT = {
    "name": "Orders in a channel",
    "connector": "slack",
    "action": "post_message",
    "body": MAPPING_BODY,
}
MAPPING_ROW = {
    "id": EXAMPLE_ID,
    "url": f"{EXAMPLE_ORIGIN}/api/v1/mappings/{EXAMPLE_ID}",
    "name": "Orders in a channel",
    "tenant": "acme",
    "connector": "slack",
    "action": "post_message",
    "version": 3,
    "changed_at": EXAMPLE_TIME,
    "created_at": EXAMPLE_TIME,
}
MAPPING = MAPPING_ROW | {"body": MAPPING_BODY, "routes": 1}
MAPPING_CHANGE = {"body": MAPPING_BODY}
VERSION = {"number": 3, "body": MAPPING_BODY, "created_at": EXAMPLE_TIME}

ROUTE_INPUT = {
    "name": "Large orders to Slack",
    "event_type": "order.created",
    "filter": "data.total > `100`",
    "connector": "slack",
    "action": "post_message",
    "body": MAPPING_BODY,
}
ROUTE = {
    "id": EXAMPLE_ID,
    "url": f"{EXAMPLE_ORIGIN}/api/v1/routes/{EXAMPLE_ID}",
    "name": "Large orders to Slack",
    "tenant": "acme",
    "enabled": True,
    "event_type": "order.created",
    "origin_connector": "",
    "origin": None,
    "filter": "data.total > `100`",
    "connector": "slack",
    "connection": None,
    "action": "post_message",
    "mapping": {"id": EXAMPLE_ID, "name": "Orders in a channel"},
    "retry_schedule": [],
    "ordered": False,
    "order_key": "",
    "never_twice": False,
    "expires_after": None,
    "changed_at": EXAMPLE_TIME,
    "created_at": EXAMPLE_TIME,
}
ROUTE_CHANGE = {"name": "Very large orders to Slack", "filter": "data.total > `1000`"}

TRIAL = {"data": {"number": "A-1001", "total": 129.5}}
DRY_RUN = {
    "state": "waiting",
    "reason": "",
    "sentence": "It would be sent.",
    "detail": "",
    "result": {"channel": "C0123456789", "text": "New order A-1001"},
    "missing_identities": [],
    "missing_values": [],
}
