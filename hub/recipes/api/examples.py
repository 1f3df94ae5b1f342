"""OpenAPI examples of recipes, rehearsals and integrations."""

from hub.rest.openapi import EXAMPLE_ID, EXAMPLE_ORIGIN, EXAMPLE_TIME

QUESTION = {
    "key": "channel",
    "kind": "choice",
    "label": "Channel",
    "help": "New orders are posted there.",
    "connector": "slack",
    "choices": "channel",
    "default": "",
    "required": True,
    "options": [],
}
RECIPE = {
    "key": "order_to_slack",
    "version": 1,
    "title": "When an order is placed, post it to Slack",
    "summary": "Each new order becomes a message in the channel of your choice.",
    "connectors": ["slack"],
    "permissions": [{"connector": "slack", "permissions": ["chat:write"]}],
    "questions": [QUESTION],
}
RECIPE_ANSWERS = {"channel": "C024BE91L"}
CREATE = {"recipe": "order_to_slack", "answers": {"channel": "C0616EHMM"}}
REHEARSAL = {
    "succeeds": True,
    "answers": {"slack": EXAMPLE_ID, **RECIPE_ANSWERS},
    "parts": [
        {
            "key": "message",
            "kind": "route",
            "name": "New order: a message in Slack",
            "event": EXAMPLE_ID,
            "result": {
                "state": "waiting",
                "reason": "",
                "sentence": "It would be sent.",
                "detail": "",
                "result": {"channel": "C024BE91L", "text": "New order A-1001 from Ann"},
                "missing_identities": [],
                "missing_values": [],
            },
            "slots": [],
            "overlaps": None,
        }
    ],
}
INTEGRATION = {
    "id": EXAMPLE_ID,
    "url": f"{EXAMPLE_ORIGIN}/api/v1/integrations/{EXAMPLE_ID}",
    "recipe": "order_to_slack",
    "recipe_version": 1,
    "newer_version": None,
    "title": "When an order is placed, post it to Slack",
    "tenant": "acme",
    "state": "on",
    "answers": {"slack": EXAMPLE_ID, **RECIPE_ANSWERS},
    "parts": [
        {
            "key": "message",
            "kind": "route",
            "id": EXAMPLE_ID,
            "url": f"{EXAMPLE_ORIGIN}/api/v1/routes/{EXAMPLE_ID}",
            "name": "New order: a message in Slack",
        }
    ],
    "created_at": EXAMPLE_TIME,
    "changed_at": EXAMPLE_TIME,
}
ACTIVITY = {
    "since": "2026-11-18T12:00:00Z",
    "delivered": 41,
    "waiting": 1,
    "held": 0,
    "failed": 0,
    "finished_runs": 0,
    "failed_runs": 0,
    "open_runs": 0,
    "last_at": EXAMPLE_TIME,
    "partial": False,
}
UPGRADE = {
    "from_version": 1,
    "to_version": 2,
    "questions": [],
    "problems": {},
    "differences": [
        {
            "key": "message",
            "name": "New order: a message in Slack",
            "kind": "changed",
            "changes": [{"path": "mapping.unfurl_links", "before": None, "after": "`false`"}],
            "kept": ["mapping.text"],
        }
    ],
}
