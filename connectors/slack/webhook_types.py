"""The event types that Slack's webhooks become, with the documented shape of their data."""

from collections.abc import Mapping
from typing import Any

from connectors.i18n import _
from connectors.webhook_sources import IncomingEventType

TEXT = {"type": "string"}


def _describe_object(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": dict(properties), "required": sorted(properties)}


MESSAGE = _describe_object(
    dict.fromkeys(("channel", "channel_type", "user", "text", "ts", "thread_ts"), TEXT)
)
QUESTION = {
    "channel": "C0123456789",
    "channel_type": "channel",
    "user": "U0123456789",
    "text": "<@U0BOT00001> where is order A-1001?",
    "ts": "1764000000.000100",
    "thread_ts": "",
}
EVENT_TYPES = (
    IncomingEventType(
        "mention.created",
        _("A person mentions the app in a channel."),
        MESSAGE,
        QUESTION,
        permissions=("app_mentions:read",),
    ),
    IncomingEventType(
        "message.created",
        _("A person sends a direct message to the app."),
        MESSAGE,
        QUESTION | {"channel": "D0123456789", "channel_type": "im", "text": "Good morning"},
        permissions=("im:history",),
    ),
    IncomingEventType(
        "command.created",
        _("A person uses a slash command of the app."),
        _describe_object({"command": TEXT, "text": TEXT, "channel": TEXT, "user": TEXT}),
        {"command": "/order", "text": "A-1001", "channel": "C0123456789", "user": "U0123456789"},
        permissions=("commands",),
    ),
    IncomingEventType(
        "interaction.created",
        _("A person uses a button, menu, shortcut or dialog of the app."),
        _describe_object(
            {
                "kind": TEXT,
                "callback": TEXT,
                "channel": TEXT,
                "user": TEXT,
                "actions": {"type": "array"},
                "view": {"type": "object"},
            }
        ),
        {
            "kind": "block_actions",
            "callback": "",
            "channel": "C0123456789",
            "user": "U0123456789",
            "actions": [{"action_id": "approve", "value": "A-1001"}],
            "view": {},
        },
    ),
    IncomingEventType(
        "app.uninstalled",
        _("The app was removed from the workspace."),
        MESSAGE,
        dict.fromkeys(QUESTION, ""),
    ),
    IncomingEventType(
        "app.rate_limited",
        _("Slack left out events of one minute, as there were more than 30,000 in an hour."),
        {"type": "object", "properties": {"minute": {"type": "string"}}},
        {"minute": "2026-11-24T15:11:00+00:00"},
    ),
    IncomingEventType(
        "tokens.revoked",
        _("Tokens of the app were revoked."),
        MESSAGE,
        dict.fromkeys(QUESTION, ""),
    ),
)
