"""OpenAPI examples of inbound items and webhook subscriptions."""

from hub.operations.openapi_examples import OPERATION
from hub.rest.openapi import EXAMPLE_ID, EXAMPLE_ORIGIN, EXAMPLE_TIME

CONNECTION = {"id": EXAMPLE_ID, "name": "Acme's Pipedrive"}
MESSAGE = {
    "id": EXAMPLE_ID,
    "verdict": "accepted",
    "cause": "",
    "detail": "",
    "method": "POST",
    "size": 812,
    "received_at": EXAMPLE_TIME,
    "processed_at": EXAMPLE_TIME,
}
ITEM = {
    "id": EXAMPLE_ID,
    "url": f"{EXAMPLE_ORIGIN}/api/v1/inbound/{EXAMPLE_ID}",
    "page_url": f"{EXAMPLE_ORIGIN}/open/inbound/{EXAMPLE_ID}",
    "connector": "pipedrive",
    "tenant": "acme",
    "connection": CONNECTION,
    "state": "processed",
    "reason": "",
    "sentence": "It was published as an event.",
    "action": "",
    "detail": "",
    "type": "pipedrive.person.created",
    "account": "8712345",
    "record": "31",
    "external_id": "6d0b4a5e-0001",
    "replay_number": 0,
    "event": {
        "id": EXAMPLE_ID,
        "type": "pipedrive.person.created",
        "url": f"{EXAMPLE_ORIGIN}/api/v1/events/{EXAMPLE_ID}",
    },
    "occurred_at": EXAMPLE_TIME,
    "received_at": EXAMPLE_TIME,
    "state_changed_at": EXAMPLE_TIME,
    "retries_until": None,
    "message": MESSAGE,
}
ITEM_DETAIL = ITEM | {
    "message": MESSAGE | {"headers": {"content-type": "application/json"}, "query": ""}
}
SUBSCRIPTION = {
    "id": EXAMPLE_ID,
    "url": f"{EXAMPLE_ORIGIN}/api/v1/webhook-subscriptions/{EXAMPLE_ID}",
    "page_url": f"{EXAMPLE_ORIGIN}/open/webhook-subscriptions/{EXAMPLE_ID}",
    "connector": "pipedrive",
    "tenant": "acme",
    "connection": CONNECTION,
    "key": "person.create",
    "event_types": ["pipedrive.person.created"],
    "wanted": True,
    "state": "verified",
    "reason": "",
    "sentence": "It is registered as it should be.",
    "action": "",
    "detail": "",
    "failure_count": 0,
    "checked_at": EXAMPLE_TIME,
    "next_check_at": EXAMPLE_TIME,
    "verified_at": EXAMPLE_TIME,
    "expires_at": None,
    "last_item_at": EXAMPLE_TIME,
    "state_changed_at": EXAMPLE_TIME,
}
SUBSCRIPTION_DETAIL = SUBSCRIPTION | {
    "external_id": "9001",
    "evidence": {"is_active": True},
    "steps": [],
    "receive_url": None,
}

REPLAY_PLAN = {
    "filter": {"state": "quarantined", "connector": "pipedrive"},
    "tenant": "acme",
    "reason": "The right account is connected now.",
}
REPLAY = OPERATION | REPLAY_PLAN | {"kind": "replay_items"}
