"""What the API's description says of events, deliveries and operations: its words, and an example of each."""

from hub.rest.describe import (
    ANY_ID,
    DECIDING,
    HUB,
    MOMENT,
    READING,
    all_of,
    asking,
    described,
    either,
    header,
    listed,
    page_of,
)
from hub.words import STATES

__all__ = ["DECIDING", "MOMENT", "READING", "all_of", "asking", "described", "either", "header", "listed", "page_of"]

EVENT_ID, DELIVERY_ID = ANY_ID, "01a21100-0000-7000-8000-000000000002"
EVENT_URL, DELIVERY_URL = f"{HUB}/api/v1/events/{EVENT_ID}", f"/api/v1/deliveries/{DELIVERY_ID}"

TOLD = {"id": "o-1001", "type": "order.created", "data": {"number": "A-1001", "total": 12.5, "currency": "EUR"}}

ACCEPTED = {
    "id": EVENT_ID,
    "sender_id": "o-1001",
    "type": "order.created",
    "tenant": "acme",
    "accepted_at": MOMENT,
    "url": EVENT_URL,
    "page_url": f"{HUB}/open/events/{EVENT_ID}",
    "deliveries": [{"id": DELIVERY_ID, "connector": "slack", "connection": EVENT_ID, "state": "waiting"}],
}

DELIVERY = {
    "id": DELIVERY_ID,
    "url": f"{HUB}{DELIVERY_URL}",
    "page_url": f"{HUB}/open/deliveries/{DELIVERY_ID}",
    "event": EVENT_ID,
    "event_type": "order.created",
    "tenant": "acme",
    "route": {"id": EVENT_ID, "name": "Orders to #sales"},
    "connector": "slack",
    "connection": {"id": EVENT_ID, "name": "Acme's workspace"},
    "state": "held",
    "reason": "needs_reconnect",
    "sentence": "The authorization has ended.",
    "action": "Reconnect the account.",
    "detail": "",
    "attempt_count": 0,
    "possibly_delivered": False,
    "replay_number": 0,
    "due_at": MOMENT,
    "accepted_at": MOMENT,
    "state_changed_at": MOMENT,
}

ATTEMPT = {
    "number": 1,
    "started_at": MOMENT,
    "milliseconds": 85,
    "outcome": "reconnect",
    "reason": "token_revoked",
    "detail": "",
    "reference": "",
}

EXCHANGE = {"at": MOMENT, "method": "POST", "url": "https://slack.com/api/chat.postMessage", "status": 200, "error": ""}

PLANNING = {
    "kind": "retry",
    "filter": {"state": "failed", "connector": "slack", "stopped_since": MOMENT},
    "tenant": "acme",
    "reason": "Slack is back.",
}

OPERATION = {
    "id": EVENT_ID,
    "url": f"{HUB}/api/v1/operations/{EVENT_ID}",
    "page_url": f"{HUB}/open/operations/{EVENT_ID}",
    **PLANNING,
    "state": "planned",
    "detail": "",
    "count": 120,
    "more": False,
    "processed_count": 0,
    "excluded_count": 0,
    "seconds_left": None,
    "plan": {
        "oldest": MOMENT,
        "tenants": 1,
        "connections": [
            DELIVERY["connection"] | {"connector": "slack", "tenant": "acme", "held": "", "rows": 120},
        ],
        "other_connections": 0,
        "seconds": 132,
        "possibly_delivered": 2,
        "doubles": 2,
        "sample": [
            {
                "id": DELIVERY_ID,
                "event_type": "order.created",
                "tenant": "acme",
                "state": "failed",
                "reason": "exhausted",
            },
        ],
    },
    "planned_at": MOMENT,
    "started_at": None,
    "finished_at": None,
}

SWITCHING = {"scope": "tenant", "tenant": "acme", "reason": "Stocktaking."}

SWITCH = SWITCHING | {
    "expires_at": "2026-11-25T18:00:00Z",
    "id": "tenant:acme",
    "url": f"{HUB}/api/v1/switches/tenant:acme",
    "connector": "",
    "route": None,
    "activated_at": MOMENT,
}

EVENT = {
    "id": EVENT_ID,
    "url": EVENT_URL,
    "page_url": f"{HUB}/open/events/{EVENT_ID}",
    "sender_id": "o-1001",
    "source": "api",
    "type": "order.created",
    "tenant": "acme",
    "occurred_at": MOMENT,
    "accepted_at": MOMENT,
    "reason": "",
    "sentence": "",
}

CHECKS = [
    {"name": "accepted", "passed": True, "sentence": "Accepted on 2026-11-25 12:00:00 UTC.", "detail": "order.created"},
    {
        "name": "connection",
        "passed": False,
        "sentence": "The authorization has ended since 2026-11-25 12:00:01 UTC.",
        "detail": "Slack refuses it: token revoked.",
    },
]

EXPLANATION = {name: DELIVERY[name] for name in ("state", "reason", "sentence", "action")} | {
    "next_try": None,
    "checks": CHECKS,
}


def in_state(state: str) -> dict[str, str]:
    return {"state": state, "reason": "", "sentence": STATES[state].sentence, "action": ""}
