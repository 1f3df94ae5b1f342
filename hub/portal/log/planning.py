"""Which deliveries an operation means, as an address says it, and what is to be done to them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _

from hub.connections.models import Connection
from hub.outgoing.bulk import SELECTED_MOST
from hub.outgoing.models import EVENT_TYPE, Delivery
from hub.portal.log.pages import uuid_or_none
from hub.words import REASONS
from tenants.models import Tenant

KINDS = (
    ("retry", _("Retry: what failed, is held or was cancelled goes again as it is, under the same id.")),
    ("send_again", _("Send again: what has ended is made anew by the settings of today, under the same id.")),
    ("cancel", _("Cancel: what waits or is held is not sent; it can be retried later.")),
    ("skip", _("Skip: what is held or failed is left aside for good; it can still be sent again.")),
)


MOMENTS = ("since", "until", "stopped_since")
WORDS = {
    "state": _("State"),
    "reason": _("Reason"),
    "connection": _("To"),
    "event_type": _("Event type"),
    "since": _("From"),
    "until": _("Before"),
    "stopped_since": _("Stopped since"),
}


class PlanForm(forms.Form):
    kind = forms.ChoiceField(choices=KINDS, widget=forms.RadioSelect, label=_("What to do"))
    why = forms.CharField(
        max_length=300,
        required=False,
        label=_("Why"),
        help_text=_("Kept in the audit, for your team. It may be empty."),
    )


def which(data: QueryDict) -> dict[str, Any]:
    """As an operation keeps it; empty where nothing is said, or something that is not understood: then none is meant.

    Selected rows are meant as they are: nothing else narrows them.
    """
    if ids := [uuid_or_none(id) for id in data.getlist("deliveries")]:
        known = [str(id) for id in ids if id]
        return {"deliveries": known} if len(known) == len(ids) <= SELECTED_MOST else {}
    try:
        return {name: READ[name](data[name]) for name in READ if data.get(name)}
    except (ValueError, ValidationError):
        return {}


def moment(text: str) -> str:
    read: datetime | None = parse_datetime(text)
    if read is None or read.tzinfo is None:
        raise ValueError(text)
    return read.isoformat()


def event_type(text: str) -> str:
    EVENT_TYPE(text)
    return text


def one_of(known: Any) -> Any:
    def read(text: str) -> str:
        if text not in known:
            raise ValueError(text)
        return text

    return read


def public_id(text: str) -> str:
    if (id := uuid_or_none(text)) is None:
        raise ValueError(text)
    return str(id)


def worded(chosen: Mapping[str, Any], tenant: Tenant, zone: ZoneInfo) -> list[str]:
    """The same for people, in the zone in which they read."""
    return [f"{WORDS[name]}: {value_of(name, value, tenant, zone)}" for name, value in chosen.items() if name in WORDS]


def value_of(name: str, value: str, tenant: Tenant, zone: ZoneInfo) -> str:
    if name in MOMENTS:
        return f"{datetime.fromisoformat(value).astimezone(zone):%Y-%m-%d %H:%M %Z}"
    if name == "connection":
        connection = Connection.objects.of(tenant).filter(public_id=value).first()
        return str(connection) if connection else value
    return value if name == "event_type" else value.replace("_", " ")


READ = {
    "state": one_of(Delivery.State.values),
    "reason": one_of(REASONS),
    "connection": public_id,
    "event_type": event_type,
    "since": moment,
    "until": moment,
    "stopped_since": moment,
}
