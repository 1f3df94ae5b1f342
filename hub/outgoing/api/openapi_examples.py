"""OpenAPI examples of events, deliveries and kill switches."""

from hub.operations.openapi_examples import DELIVERY_ID, EXAMPLE_CONNECTION
from hub.rest.openapi import EXAMPLE_ID, EXAMPLE_ORIGIN, EXAMPLE_TIME
from hub.state_texts import DELIVERY_STATES

EVENT_ID = EXAMPLE_ID
EVENT_URL, DELIVERY_URL = (
    f"{EXAMPLE_ORIGIN}/api/v1/events/{EVENT_ID}",
    f"/api/v1/deliveries/{DELIVERY_ID}",
)

EVENT_INPUT = {
    "id": "o-1001",
    "type": "order.created",
    "data": {"number": "A-1001", "total": 12.5, "currency": "EUR"},
}

ACCEPTED = {
    "id": EVENT_ID,
    "sender_id": "o-1001",
    "type": "order.created",
    "tenant": "acme",
    "accepted_at": EXAMPLE_TIME,
    "url": EVENT_URL,
    "page_url": f"{EXAMPLE_ORIGIN}/open/events/{EVENT_ID}",
    "deliveries": [
        {"id": DELIVERY_ID, "connector": "slack", "connection": EVENT_ID, "state": "waiting"}
    ],
}

DELIVERY = {
    "id": DELIVERY_ID,
    "url": f"{EXAMPLE_ORIGIN}{DELIVERY_URL}",
    "page_url": f"{EXAMPLE_ORIGIN}/open/deliveries/{DELIVERY_ID}",
    "event": EVENT_ID,
    "event_type": "order.created",
    "tenant": "acme",
    "route": {"id": EVENT_ID, "name": "Orders to #sales"},
    "connector": "slack",
    "connection": EXAMPLE_CONNECTION,
    "state": "held",
    "reason": "needs_reconnect",
    "sentence": "The authorization has expired or was revoked.",
    "action": "Reconnect the account.",
    "detail": "",
    "attempt_count": 0,
    "possibly_delivered": False,
    "replay_number": 0,
    "due_at": EXAMPLE_TIME,
    "accepted_at": EXAMPLE_TIME,
    "state_changed_at": EXAMPLE_TIME,
}

ATTEMPT = {
    "number": 1,
    "started_at": EXAMPLE_TIME,
    "milliseconds": 85,
    "outcome": "reconnect",
    "reason": "token_revoked",
    "detail": "",
    "reference": "",
}

EXCHANGE = {
    "at": EXAMPLE_TIME,
    "method": "POST",
    "url": "https://slack.com/api/chat.postMessage",
    "status": 200,
    "error": "",
}

SWITCH_OFF = {"scope": "tenant", "tenant": "acme", "reason": "Stocktaking."}

SWITCH = SWITCH_OFF | {
    "expires_at": "2026-11-25T18:00:00Z",
    "id": "tenant:acme",
    "url": f"{EXAMPLE_ORIGIN}/api/v1/switches/tenant:acme",
    "connector": "",
    "route": None,
    "activated_at": EXAMPLE_TIME,
}

EVENT = {
    "id": EVENT_ID,
    "url": EVENT_URL,
    "page_url": f"{EXAMPLE_ORIGIN}/open/events/{EVENT_ID}",
    "sender_id": "o-1001",
    "source": "api",
    "type": "order.created",
    "tenant": "acme",
    "occurred_at": EXAMPLE_TIME,
    "accepted_at": EXAMPLE_TIME,
    "reason": "",
    "sentence": "",
}

CHECKS = [
    {
        "name": "accepted",
        "passed": True,
        "sentence": "Accepted on 2026-11-25 12:00:00 UTC.",
        "detail": "order.created",
    },
    {
        "name": "connection",
        "passed": False,
        "sentence": (
            "The authorization has expired or was revoked. This has been the case since "
            "2026-11-25 12:00:01 UTC."
        ),
        "detail": "Slack rejected it: token revoked.",
    },
]

EXPLANATION = {name: DELIVERY[name] for name in ("state", "reason", "sentence", "action")} | {
    "next_try": None,
    "checks": CHECKS,
}


def build_state_example(state: str) -> dict[str, str]:
    return {"state": state, "reason": "", "sentence": DELIVERY_STATES[state].sentence, "action": ""}
