"""The form of an operation: its kind, and the filter of its deliveries, which the URL holds."""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _

from hub.connections.models import Connection
from hub.outgoing.models import EVENT_TYPE, Delivery
from hub.outgoing.operations.planning import SELECTED_LIMIT
from hub.portal.log.pages import parse_uuid
from hub.reason_codes import REASONS
from hub.staff import MomentField
from tenants.models import Tenant

OPERATION_KINDS = (
    (
        "retry",
        _(
            "Retry: send failed, held or cancelled deliveries again, unchanged and with "
            "the same ID."
        ),
    ),
    (
        "send_again",
        _(
            "Replay: create new deliveries from finished ones with the current settings and "
            "the same ID."
        ),
    ),
    ("cancel", _("Cancel: do not send waiting or held deliveries. They can be retried later.")),
    ("skip", _("Skip: close held or failed deliveries permanently. They can still be replayed.")),
)


TIME_FILTERS = ("since", "until", "stopped_since")
FILTER_LABELS = {
    "state": _("State"),
    "reason": _("Reason"),
    "connection": _("To"),
    "event_type": _("Event type"),
    "since": _("From"),
    "until": _("Before"),
    "stopped_since": _("Stopped since"),
}


REASON_HELP = _("Kept in the audit log for your organisation.")


class OperationForm(forms.Form):
    kind = forms.ChoiceField(choices=OPERATION_KINDS, widget=forms.RadioSelect, label=_("Action"))
    reason = forms.CharField(
        max_length=300,
        required=False,
        label=_("Reason"),
        help_text=REASON_HELP,
    )


def parse_operation_filter(data: QueryDict) -> dict[str, Any]:
    """Return the filter of an operation from a URL; empty, which selects nothing, if it is invalid.

    It is also empty if the URL has no filter. Selected deliveries exclude all other filters.
    """
    if ids := [parse_uuid(id) for id in data.getlist("deliveries")]:
        valid_ids = [str(id) for id in ids if id]
        return {"deliveries": valid_ids} if len(valid_ids) == len(ids) <= SELECTED_LIMIT else {}
    try:
        return {name: FILTER_PARSERS[name](data[name]) for name in FILTER_PARSERS if data.get(name)}
    except (ValueError, ValidationError):
        return {}


def normalize_time(text: str) -> str:
    parsed: datetime | None = parse_datetime(text)
    if parsed is None or parsed.tzinfo is None:
        raise ValueError(text)
    return str(MomentField().clean(parsed).isoformat())


def check_event_type(text: str) -> str:
    EVENT_TYPE(text)
    return text


def build_choice_parser(values: Collection[str]) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in values:
            raise ValueError(text)
        return text

    return parse


def normalize_public_id(text: str) -> str:
    if (id := parse_uuid(text)) is None:
        raise ValueError(text)
    return str(id)


def describe_filter(
    operation_filter: Mapping[str, Any], tenant: Tenant, zone: ZoneInfo
) -> list[str]:
    """Describe the filter in sentences, with times in the reader's zone."""
    return [
        f"{FILTER_LABELS[name]}: {format_operation_value(name, value, tenant, zone)}"
        for name, value in operation_filter.items()
        if name in FILTER_LABELS
    ]


def format_operation_value(name: str, value: str, tenant: Tenant, zone: ZoneInfo) -> str:
    if name in TIME_FILTERS:
        return f"{datetime.fromisoformat(value).astimezone(zone):%Y-%m-%d %H:%M %Z}"
    if name == "connection":
        connection = Connection.objects.of(tenant).filter(public_id=value).first()
        return str(connection) if connection else value
    return value if name == "event_type" else value.replace("_", " ")


FILTER_PARSERS: dict[str, Callable[[Any], str]] = {
    "state": build_choice_parser(Delivery.State.values),
    "reason": build_choice_parser(REASONS),
    "connection": normalize_public_id,
    "event_type": check_event_type,
    "since": normalize_time,
    "until": normalize_time,
    "stopped_since": normalize_time,
}
