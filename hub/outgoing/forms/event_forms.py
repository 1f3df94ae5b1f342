"""Forms with an event: a sample for a dry run, and a test event."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import reduce
from operator import or_
from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ValidationError
from django.db.models import Q

from connectors.http import dump_json
from hub.mappings.json_fields import JsonObjectField
from hub.outgoing.models import EVENT_TYPE, Event
from hub.staff import ActionForm
from tenants.forms import TenantField
from tenants.models import Tenant, User
from tenants.scoping import visible_rows

RECENT_EVENTS_SCANNED = 10_000  # events among which those of the type are searched
SAMPLES_LIMIT = 20  # of them
EXAMPLE_ORDER = {
    "number": "A-1001",
    "customer": "Ann Example",
    "email": "ann@example.com",
    "total": 129.5,
    "currency": "EUR",
}


class OwnDataField(JsonObjectField):
    """The data of an event, typed in for a dry run."""

    def __init__(self) -> None:
        super().__init__(
            required=False, label="Or your own data", help_text="The data of an event, as JSON."
        )
        self.widget.attrs["rows"] = 5


class OwnDataForm(forms.Form):
    data = OwnDataField()  # type: ignore[assignment]  # a form has its own `data`


class SampleForm(ActionForm):
    """A recent event, or data that is typed in, for a dry run of a route."""

    event = forms.ChoiceField(required=False, label="A recent event")
    data = OwnDataField()  # type: ignore[assignment]  # a form has its own `data`

    def __init__(self, *args: Any, events: Iterable[Event], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.events = {str(event.pk): event for event in events}
        labels = [
            (pk, f"{event.type} · {event.sender_id[:40]} · {event.tenant}")
            for pk, event in self.events.items()
        ]
        empty = "The newest one" if labels else "No events yet. Enter data below."
        choice = self.fields["event"]
        assert isinstance(choice, forms.ChoiceField)
        choice.choices = [("", empty), *labels]

    def selected_event(self) -> Event | None:
        return self.events.get(self.cleaned_data.get("event") or next(iter(self.events), ""))


def recent_events(
    user: User | AnonymousUser,
    *,
    tenant: Tenant | None = None,
    patterns: Sequence[str] = ("*",),
    origin: str | None = None,
) -> list[Event]:
    """Return the newest events that match one of the patterns, among the newest of all.

    `origin`: the key of the connector that sent them, "" for our own application; None: any.
    """
    events = visible_rows(Event, user).order_by("-pk")
    if origin is not None:
        events = events.filter(Q(origin__connector_key=origin) if origin else Q(origin=None))
    events = events.filter(tenant=tenant) if tenant else events
    condition = reduce(or_, (_match_event_pattern(pattern) for pattern in patterns))
    recent = Event.unscoped.filter(
        condition, pk__in=events.values("pk")[:RECENT_EVENTS_SCANNED]
    ).select_related("tenant")
    return list(recent.order_by("-pk")[:SAMPLES_LIMIT])


def _match_event_pattern(pattern: str) -> Q:
    """Build the condition that selects what `routing.matches_event_type` matches."""
    if pattern == "*":
        return Q()
    return Q(type__startswith=pattern[:-1]) if pattern.endswith(".*") else Q(type=pattern)


def build_sample_event(
    tenant: Tenant | None, similar_event: Event | None, pattern: str = "", *, now: datetime
) -> Event:
    """Build an event for data that is typed in: of a tenant and a pattern of types, otherwise like
    a similar event.
    """
    pattern = pattern or (similar_event.type if similar_event else "example")
    owner = tenant or (similar_event.tenant if similar_event else build_sample_tenant())
    type = pattern.replace("*", "example")
    return Event(tenant=owner, type=type, sender_id="with your own data", occurred_at=now)


def build_sample_tenant() -> Tenant:
    return Tenant(name="Example", reference="example")


class SendEventForm(ActionForm):
    tenant = TenantField(help_text="Its reference.")
    type = forms.CharField(
        max_length=120,
        validators=[EVENT_TYPE],
        widget=forms.TextInput(attrs={"list": "event-types", "autocomplete": "off"}),
        help_text="Such as order.created.",
    )
    data = JsonObjectField(  # type: ignore[assignment]  # a form has its own `data`
        help_text="What happened, as a JSON object."
    )
    id = forms.CharField(
        max_length=200,
        required=False,
        label="Your ID",
        help_text="Repeating an ID refers to the same event. Leave empty for a new event.",
    )

    def __init__(self, *args: Any, user: User | AnonymousUser, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        tenant = self.fields["tenant"]
        assert isinstance(tenant, TenantField)
        tenant.user = user

    def clean_data(self) -> dict[str, Any]:
        data: dict[str, Any] = self.cleaned_data["data"]
        if len(dump_json(data)) > settings.HUB_EVENT_BYTES:
            raise ValidationError(
                f"An event can have at most {settings.HUB_EVENT_BYTES // 1024} KiB."
            )
        return data
