"""OpenAPI examples of routes, field mappings and dry runs."""

MAPPING_BODY = {"channel": "'C0123456789'", "text": "join(' ', ['New order', data.number])"}

MAPPING_INPUT = {
    "name": "Orders in a channel",
    "connector": "slack",
    "action": "post_message",
    "body": MAPPING_BODY,
}
MAPPING_CHANGE = {"body": MAPPING_BODY}

ROUTE_INPUT = {
    "name": "Large orders to Slack",
    "event_type": "order.created",
    "filter": "data.total > `100`",
    "connector": "slack",
    "action": "post_message",
    "body": MAPPING_BODY,
}
ROUTE_CHANGE = {"name": "Very large orders to Slack", "filter": "data.total > `1000`"}

TRIAL = {"data": {"number": "A-1001", "total": 129.5}}
