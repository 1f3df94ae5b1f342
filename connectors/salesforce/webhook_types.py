"""The event types that outbound messages become, with the documented shape of their data."""

from collections.abc import Mapping
from typing import Any, Literal

from connectors.i18n import _
from connectors.webhook_sources import IncomingEventType

Change = Literal["created", "updated", "deleted"]
CHANGE_PARAMETER = "change"  # of the URL's query
CREATED: Change = "created"
UPDATED: Change = "updated"
DELETED: Change = "deleted"  # no flow tells of it: only a read does
CHANGES: tuple[Change, ...] = (CREATED, UPDATED)

# the API names of the objects that the hub registers, by our word
OBJECT_NAMES: Mapping[str, str] = {
    "account": "Account",
    "lead": "Lead",
    "opportunity": "Opportunity",
    "order": "Order",
}
LABELS: Mapping[str, str] = {
    CREATED: _("A record of %(object)s was created."),
    UPDATED: _("A record of %(object)s was changed."),
    DELETED: _("A record of %(object)s was deleted. Found only where missed changes are read."),
}
SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        "id": {"type": "string"},
        "object": {"type": "string"},
        "record": {"type": "object", "additionalProperties": {"type": ["string", "null"]}},
    },
    "required": ["id", "object", "record"],
}
EVENT_TYPES = tuple(
    IncomingEventType(
        f"{key}.{change}",
        LABELS[change] % {"object": object},
        SCHEMA,
        {
            "id": "8015g00000ABCDEAAA",
            "object": object,
            "record": {"Id": "8015g00000ABCDEAAA", "Name": "A-1001", "Description": None},
        },
        is_only_read=change == DELETED,
    )
    for key, object in OBJECT_NAMES.items()
    for change in (*CHANGES, DELETED)
)
