"""What staff fill in: a route with its mapping, an event to try it on, and a test event."""

import re
from collections.abc import Iterable, Sequence
from functools import reduce
from operator import or_
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db.models import Q

from connectors.http import dump_json
from connectors.registry import CONNECTORS
from hub.connections.models import Connection
from hub.mappings.forms import (
    JsonObjectField,
    TargetForm,
    TenantField,
    build_target,
    find_target_action,
    format_json_text,
)
from hub.mappings.models import FieldMapping
from hub.mappings.translate import CompiledFilter, MappingError, compile_filter, compile_mapping
from hub.mappings.versions import is_same_json
from hub.outgoing.insight.dry_run import RouteDraft
from hub.outgoing.models import EVENT_TYPE, Event, Route
from hub.staff import ActionForm, apply_admin_style
from tenants.models import Tenant
from tenants.scoping import changeable_rows, visible_rows

CHOICES_LIMIT = 200  # rows in one select
RECENT_EVENTS_SCANNED = 10_000  # events that are looked through for those of the type
SAMPLES_LIMIT = 20  # of them
SCHEDULE_MAX_WAITS, SCHEDULE_MAX_WAIT = 30, 7 * 86400
MAX_EXPIRY = 365 * 86400

NUMBER = re.compile(r"[0-9]{1,9}(\.[0-9]{1,3})?", re.ASCII)
EXAMPLE_ORDER = {
    "number": "A-1001",
    "customer": "Ann Example",
    "email": "ann@example.com",
    "total": 129.5,
    "currency": "EUR",
}


class FilterField(forms.CharField):
    """A JMESPath expression; clean keeps the text, once it compiles."""

    noun = "filter"

    widget = forms.Textarea(attrs={"rows": 3, "spellcheck": "false", "data-code": ""})

    def clean(self, value: Any) -> str:
        text = super().clean(value)
        if text:
            _compile_or_reject(text, self.noun)
        return text


class OrderKeyField(FilterField):
    noun = "order key"


def _compile_or_reject(text: str, noun: str) -> CompiledFilter:
    try:
        return compile_filter(text)
    except MappingError as error:
        raise ValidationError(f"The {noun} {error.message}.") from None


class ScheduleField(forms.CharField):
    """Seconds between attempts, as numbers with commas or spaces."""

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(f"{wait:g}" for wait in value) if isinstance(value, list) else value

    def clean(self, value: Any) -> list[float]:
        waits = re.split(r"[\s,]+", super().clean(value)) if value and value.strip() else []
        if len(waits) > SCHEDULE_MAX_WAITS:
            raise ValidationError(f"At most {SCHEDULE_MAX_WAITS} waits.")
        if wrong := [
            wait
            for wait in waits
            if not NUMBER.fullmatch(wait) or not 1 <= float(wait) <= SCHEDULE_MAX_WAIT
        ]:
            raise ValidationError(
                f"“{wrong[0][:20]}” is not a number of seconds between 1 and {SCHEDULE_MAX_WAIT:,} (7 days)."
            )
        return [float(wait) for wait in waits]

    def has_changed(self, initial: Any, data: Any) -> bool:
        return self.prepare_value(initial or []) != (data or "").strip()


class RouteForm(TargetForm):
    ALL = "Empty: a route of the platform, for all tenants."

    filter = FilterField(
        required=False,
        help_text="JMESPath, such as data.total > `100`. Empty: every event of the type.",
    )
    connection = forms.ModelChoiceField(
        Connection.unscoped.none(),
        required=False,
        empty_label="Every connection of the tenant at this system",
    )
    mapping = forms.ModelChoiceField(
        FieldMapping.unscoped.none(), required=False, empty_label="A mapping of its own, made from the text below",
        help_text="A mapping that several routes share is changed for all of them.",
    )  # fmt: skip
    retry_schedule = ScheduleField(
        required=False,
        label="Own retry schedule",
        help_text="Seconds between attempts, such as 5, 300, 1800. Empty: the hub's own, over 75 hours.",
    )

    order_key = OrderKeyField(
        required=False,
        help_text="JMESPath, such as data.number: only events of the same key keep their order. Empty: all of them.",
    )
    expires_after = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=MAX_EXPIRY,
        label="Expires after",
        help_text="Seconds; then it is given up and never sent late. Empty: it does not expire.",
    )

    class Meta:
        model = Route
        fields = (
            "name", "enabled", "tenant", "event_type", "filter", "connection", "mapping", "retry_schedule",
            "ordered", "order_key", "never_twice", "expires_after",
        )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in (
            "filter",
            "connection",
            "mapping",
            "retry_schedule",
            "order_key",
            "expires_after",
        ):
            apply_admin_style(self.fields[name])
        owner = self.find_owner()
        self.set_choices(
            "connection",
            Connection,
            owner,
            lambda instance: f"{instance} ({instance.connector_key})",
        )
        self.set_choices(
            "mapping",
            FieldMapping,
            owner,
            lambda instance: f"{instance} ({build_target(instance)})",
        )
        if "body" not in self.initial:
            self.initial["body"] = self.first_body()

    def find_owner(self) -> Tenant | None:
        """Whose route it is or becomes, as far as the form says."""
        reference = (self.data.get("tenant") if self.is_bound else self.initial.get("tenant")) or ""
        return (
            visible_rows(Tenant, self.user).filter(reference=reference).first()
            if "\0" not in reference
            else None
        )

    def set_choices(self, name: str, model: Any, owner: Tenant | None, label: Any) -> None:
        """All that the person may see can be chosen; those of the route's tenant are listed."""
        field = self.fields[name]
        field.queryset = visible_rows(model, self.user)
        listed = model.objects.of(owner) if owner else field.queryset.filter(tenant=None)
        selected = self.data.get(name) if self.is_bound else self.initial.get(name)
        rows = list(listed.order_by("name")[:CHOICES_LIMIT])
        if (
            str(selected or "").isdigit()
            and int(selected) not in {instance.pk for instance in rows}
            and int(selected) < 2**63
        ):
            rows += field.queryset.filter(pk=selected)
        field.choices = [
            ("", field.empty_label),
            *((instance.pk, label(instance)) for instance in rows),
        ]

    def first_body(self) -> str:
        """What the mapping says now; of a new route, the example of its action."""
        if self.instance.pk:
            return format_json_text(self.instance.mapping.current.body)
        target = self.initial.get("target")
        return format_json_text(find_target_action(target).example) if target else ""

    # --- what must fit together ---

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        if self.errors.keys() & {"tenant", "target"}:
            return data
        for name, refusal in (
            ("connection", self.connection_refusal()),
            ("mapping", self.mapping_refusal()),
        ):
            if refusal:
                self.add_error(name, refusal)
        if "body" in data and self.changes_mapping() and not self.can_change_mapping():
            self.add_error(
                "body",
                "This mapping is the platform's, for all tenants. Choose a mapping of its own.",
            )
        return data

    def connection_refusal(self) -> str:
        connection, tenant = self.cleaned_data.get("connection"), self.cleaned_data.get("tenant")
        if connection is None:
            return ""
        if connection.connector_key != self.instance.connector_key:
            return f"This connection is at {connection.connector.label}, and the action at {self.connector_label}."
        if connection.tenant_id is None or (tenant and connection.tenant_id == tenant.pk):
            return ""
        if tenant is None:
            return (
                "A route for all tenants goes to each tenant's own connections: leave this empty."
            )
        return f"This connection does not belong to {tenant}."

    def mapping_refusal(self) -> str:
        mapping, tenant = self.cleaned_data.get("mapping"), self.cleaned_data.get("tenant")
        if mapping is None:
            return ""
        if build_target(mapping) != build_target(self.instance):
            return f"This mapping is made for {build_target(mapping)}, and the action is {build_target(self.instance)}."
        if mapping.tenant_id is None or (tenant and mapping.tenant_id == tenant.pk):
            return ""
        return (
            f"This mapping does not belong to {tenant}."
            if tenant
            else "A route for all tenants needs a mapping for all."
        )

    @property
    def connector_label(self) -> str:
        return CONNECTORS[self.instance.connector_key].label

    def changes_mapping(self) -> bool:
        """Whether saving lets an existing mapping say something else."""
        mapping = self.cleaned_data.get("mapping")
        return mapping is not None and not is_same_json(
            mapping.current.body, self.cleaned_data["body"] or {}
        )

    def can_change_mapping(self) -> bool:
        return (
            changeable_rows(FieldMapping, self.user)
            .filter(pk=self.cleaned_data["mapping"].pk)
            .exists()
        )

    def build_draft(self) -> RouteDraft | None:
        """As it stands, to be tried; None where target, filter or mapping do not stand yet."""
        return compile_form_draft(self)


def compile_form_draft(form: TargetForm) -> RouteDraft | None:
    data = form.cleaned_data
    if form.errors.keys() & {"target", "filter", "body"}:
        return None
    action = find_target_action(data.get("target") or build_target(form.instance))
    filter = data.get("filter")
    return RouteDraft(
        action,
        compile_mapping(data["body"] or dict(action.default)),
        compile_filter(filter) if filter else None,
    )


class SampleForm(ActionForm):
    """A real event of late, or one that is made up, to try a route or a mapping on."""

    event = forms.ChoiceField(required=False, label="A recent event")
    data = JsonObjectField(
        required=False, label="Or data of your own", help_text="The data of an event, as JSON."
    )

    def __init__(self, *args: Any, events: Iterable[Event], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.events = {str(event.pk): event for event in events}
        labels = [
            (pk, f"{event.type} · {event.sender_id[:40]} · {event.tenant}")
            for pk, event in self.events.items()
        ]
        empty = "The newest one" if labels else "There is none yet: paste data below"
        self.fields["event"].choices = [("", empty), *labels]
        self.fields["data"].widget.attrs["rows"] = 5

    def selected_event(self) -> Event | None:
        return self.events.get(self.cleaned_data.get("event") or next(iter(self.events), ""))


def recent_events(
    user: Any, *, tenant: Tenant | None = None, patterns: Sequence[str] = ("*",)
) -> list[Event]:
    """The newest events that a route of one of these patterns would see, among the newest of all."""
    events = visible_rows(Event, user).order_by("-pk")
    events = events.filter(tenant=tenant) if tenant else events
    condition = reduce(or_, (_match_event_pattern(pattern) for pattern in patterns))
    recent = Event.unscoped.filter(
        condition, pk__in=events.values("pk")[:RECENT_EVENTS_SCANNED]
    ).select_related("tenant")
    return list(recent.order_by("-pk")[:SAMPLES_LIMIT])


def _match_event_pattern(pattern: str) -> Q:
    """As `routing.matches_event_type` has it."""
    if pattern == "*":
        return Q()
    return Q(type__startswith=pattern[:-1]) if pattern.endswith(".*") else Q(type=pattern)


class ReasonForm(ActionForm):
    """Before what has an effect outside, or ends something."""

    reason = forms.CharField(max_length=300, help_text="It is kept in the audit.")


class SendEventForm(ActionForm):
    tenant = TenantField(help_text="Its reference.")
    type = forms.CharField(
        max_length=120,
        validators=[EVENT_TYPE],
        widget=forms.TextInput(attrs={"list": "event-types", "autocomplete": "off"}),
        help_text="Such as order.created.",
    )
    data = JsonObjectField(help_text="What happened, as a JSON object.")
    id = forms.CharField(
        max_length=200,
        required=False,
        label="Your id",
        help_text="The same id again is the same event. Empty: a new one.",
    )

    def __init__(self, *args: Any, user: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["tenant"].user = user

    def clean_data(self) -> dict[str, Any]:
        data = self.cleaned_data["data"]
        if len(dump_json(data)) > settings.HUB_EVENT_BYTES:
            raise ValidationError(f"An event holds at most {settings.HUB_EVENT_BYTES // 1024} KiB.")
        return data
