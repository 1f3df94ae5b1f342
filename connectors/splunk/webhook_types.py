"""The event type that Splunk's alerts become, with the documented shape of its data."""

from connectors.i18n import _
from connectors.webhook_sources import IncomingEventType

TEXT = {"type": "string"}
ALERT_CREATED = "alert.created"
EVENT_TYPES = (
    IncomingEventType(
        ALERT_CREATED,
        _("A saved search triggered an alert."),
        {
            "type": "object",
            "properties": {
                "sid": TEXT,
                "search_name": TEXT,
                "app": TEXT,
                "owner": TEXT,
                "results_link": TEXT,
                "result": {"type": "object"},
            },
            "required": ["app", "owner", "result", "results_link", "search_name", "sid"],
        },
        {
            "sid": "scheduler__admin__search__RMD5d2b1_at_1764000000_42",
            "search_name": "Failed logins",
            "app": "search",
            "owner": "admin",
            "results_link": "https://splunk.example.com:8000/app/search/@go?sid=scheduler__42",
            "result": {"sourcetype": "access", "count": "8"},
        },
    ),
)
