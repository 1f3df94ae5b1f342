"""OpenAPI examples of operations."""

from hub.rest.openapi import EXAMPLE_ID, EXAMPLE_ORIGIN, EXAMPLE_TIME

DELIVERY_ID = "01a21100-0000-7000-8000-000000000002"
EXAMPLE_CONNECTION = {"id": EXAMPLE_ID, "name": "Acme's workspace"}

OPERATION_PLAN = {
    "kind": "retry",
    "filter": {"state": "failed", "connector": "slack", "stopped_since": EXAMPLE_TIME},
    "tenant": "acme",
    "reason": "Slack is back.",
}

OPERATION = {
    "id": EXAMPLE_ID,
    "url": f"{EXAMPLE_ORIGIN}/api/v1/operations/{EXAMPLE_ID}",
    "page_url": f"{EXAMPLE_ORIGIN}/open/operations/{EXAMPLE_ID}",
    **OPERATION_PLAN,
    "state": "planned",
    "detail": "",
    "count": 120,
    "more": False,
    "processed_count": 0,
    "excluded_count": 0,
    "seconds_left": None,
    "plan": {
        "oldest": EXAMPLE_TIME,
        "tenants": 1,
        "connections": [
            EXAMPLE_CONNECTION | {"connector": "slack", "tenant": "acme", "held": "", "rows": 120},
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
    "planned_at": EXAMPLE_TIME,
    "started_at": None,
    "finished_at": None,
}
