"""The event types that Pipedrive's webhooks become, with the documented shape of their data."""

from collections.abc import Mapping
from typing import Any

from connectors.i18n import _
from connectors.webhook_sources import IncomingEventType

# our word for a change, by Pipedrive's
CHANGES: Mapping[str, str] = {
    "create": "created",
    "change": "updated",
    "delete": "deleted",
}
# labels by the object that a webhook names
OBJECT_LABELS: Mapping[str, str] = {
    "person": _("person"),
    "organization": _("organization"),
    "deal": _("deal"),
    "lead": _("lead"),
    "activity": _("activity"),
    "note": _("note"),
}
LABELS: Mapping[str, str] = {
    "created": _("A %(object)s was created."),
    "updated": _("A %(object)s was changed."),
    "deleted": _("A %(object)s was deleted."),
}
PERMISSION = "admin"  # webhooks are created, listed and deleted with it only
SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        "id": {"type": "string"},
        "record": {"type": "object"},
        "previous": {"type": "object"},
        "user": {"type": "string"},
    },
    "required": ["id", "previous", "record", "user"],
}
EXAMPLE = {
    "id": "31",
    "record": {"id": 31, "name": "Ann Able", "emails": [{"value": "ann@acme.test"}]},
    "previous": {},
    "user": "7",
}
EVENT_TYPES = tuple(
    IncomingEventType(
        f"{object}.{change}",
        LABELS[change] % {"object": OBJECT_LABELS[object]},
        SCHEMA,
        EXAMPLE,
        permissions=(PERMISSION,),
    )
    for object in OBJECT_LABELS
    for change in CHANGES.values()
)
