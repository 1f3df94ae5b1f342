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

from connectors.registry import CONNECTORS
from connectors.wire import dumps
from hub.connections.models import Connection
from hub.mappings.forms import JsonObjectField, TargetForm, TenantField, action_of, pretty, target_of
from hub.mappings.models import FieldMapping
from hub.mappings.revise import same
from hub.mappings.translate import CompiledFilter, MappingError, compile_filter, compile_mapping
from hub.outgoing.models import EVENT_TYPE, Event, Route
from hub.outgoing.rehearse import Draft
from hub.staff import Form, styled
from tenants.models import Tenant
from tenants.scoping import changeable_by, visible_to

OFFERED = 200  # rows in one select
RECENT = 10_000  # events that are looked through for those of the type
SAMPLES_MOST = 20  # of them
TRIES_MOST, WAIT_MOST = 30, 7 * 86400
EXPIRY_MOST = 365 * 86400

NUMBER = re.compile(r"[0-9]{1,9}(\.[0-9]{1,3})?", re.ASCII)
ORDER = {"number": "A-1001", "customer": "Ann Example", "email": "ann@example.com", "total": 129.5, "currency": "EUR"}


class FilterField(forms.CharField):
    """A JMESPath expression; clean keeps the text, once it compiles."""

    noun = "filter"

    widget = forms.Textarea(attrs={"rows": 3, "spellcheck": "false", "data-code": ""})

    def clean(self, value: Any) -> str:
        text = super().clean(value)
        if text:
            compiled(text, self.noun)
        return text


class OrderKeyField(FilterField):
    noun = "order key"


def compiled(text: str, noun: str) -> CompiledFilter:
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
        if len(waits) > TRIES_MOST:
            raise ValidationError(f"At most {TRIES_MOST} waits.")
        if wrong := [wait for wait in waits if not NUMBER.fullmatch(wait) or not 1 <= float(wait) <= WAIT_MOST]:
            raise ValidationError(f"“{wrong[0][:20]}” is not a number of seconds between 1 and {WAIT_MOST:,} (7 days).")
        return [float(wait) for wait in waits]

    def has_changed(self, initial: Any, data: Any) -> bool:
        return self.prepare_value(initial or []) != (data or "").strip()


class RouteForm(TargetForm):
    ALL = "Empty: a route of the platform, for all tenants."

    filter = FilterField(
        required=False, help_text="JMESPath, such as data.total > `100`. Empty: every event of the type."
    )
    connection = forms.ModelChoiceField(
        Connection.unscoped.none(), required=False, empty_label="Every connection of the tenant at this system"
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
        max_value=EXPIRY_MOST,
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
        for name in ("filter", "connection", "mapping", "retry_schedule", "order_key", "expires_after"):
            styled(self.fields[name])
        owner = self.owner()
        self.offer("connection", Connection, owner, lambda row: f"{row} ({row.connector_key})")
        self.offer("mapping", FieldMapping, owner, lambda row: f"{row} ({target_of(row)})")
        if "body" not in self.initial:
            self.initial["body"] = self.first_body()

    def owner(self) -> Tenant | None:
        """Whose route it is or becomes, as far as the form says."""
        reference = (self.data.get("tenant") if self.is_bound else self.initial.get("tenant")) or ""
        return visible_to(Tenant, self.user).filter(reference=reference).first() if "\0" not in reference else None

    def offer(self, name: str, model: Any, owner: Tenant | None, label: Any) -> None:
        """All that the person may see can be chosen; those of the route's tenant are listed."""
        field = self.fields[name]
        field.queryset = visible_to(model, self.user)
        listed = model.objects.of(owner) if owner else field.queryset.filter(tenant=None)
        chosen = self.data.get(name) if self.is_bound else self.initial.get(name)
        rows = list(listed.order_by("name")[:OFFERED])
        if str(chosen or "").isdigit() and int(chosen) not in {row.pk for row in rows} and int(chosen) < 2**63:
            rows += field.queryset.filter(pk=chosen)
        field.choices = [("", field.empty_label), *((row.pk, label(row)) for row in rows)]

    def first_body(self) -> str:
        """What the mapping says now; of a new route, the example of its action."""
        if self.instance.pk:
            return pretty(self.instance.mapping.current.body)
        target = self.initial.get("target")
        return pretty(action_of(target).example) if target else ""

    # --- what must fit together ---

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if self.errors.keys() & {"tenant", "target"}:
            return cleaned
        for name, refusal in (("connection", self.connection_refusal()), ("mapping", self.mapping_refusal())):
            if refusal:
                self.add_error(name, refusal)
        if "body" in cleaned and self.revises() and not self.may_revise():
            self.add_error("body", "This mapping is the platform's, for all tenants. Choose a mapping of its own.")
        return cleaned

    def connection_refusal(self) -> str:
        connection, tenant = self.cleaned_data.get("connection"), self.cleaned_data.get("tenant")
        if connection is None:
            return ""
        if connection.connector_key != self.instance.connector_key:
            return f"This connection is at {connection.connector.label}, and the action at {self.connector_label}."
        if connection.tenant_id is None or (tenant and connection.tenant_id == tenant.pk):
            return ""
        if tenant is None:
            return "A route for all tenants goes to each tenant's own connections: leave this empty."
        return f"This connection does not belong to {tenant}."

    def mapping_refusal(self) -> str:
        mapping, tenant = self.cleaned_data.get("mapping"), self.cleaned_data.get("tenant")
        if mapping is None:
            return ""
        if target_of(mapping) != target_of(self.instance):
            return f"This mapping is made for {target_of(mapping)}, and the action is {target_of(self.instance)}."
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

    def revises(self) -> bool:
        """Whether saving lets an existing mapping say something else."""
        mapping = self.cleaned_data.get("mapping")
        return mapping is not None and not same(mapping.current.body, self.cleaned_data["body"] or {})

    def may_revise(self) -> bool:
        return changeable_by(FieldMapping, self.user).filter(pk=self.cleaned_data["mapping"].pk).exists()

    def draft(self) -> Draft | None:
        """As it stands, to be tried; None where target, filter or mapping do not stand yet."""
        return draft_of(self)


def draft_of(form: TargetForm) -> Draft | None:
    cleaned = form.cleaned_data
    if form.errors.keys() & {"target", "filter", "body"}:
        return None
    action = action_of(cleaned.get("target") or target_of(form.instance))
    filter = cleaned.get("filter")
    return Draft(
        action, compile_mapping(cleaned["body"] or dict(action.default)), compile_filter(filter) if filter else None
    )


class SampleForm(Form):
    """A real event of late, or one that is made up, to try a route or a mapping on."""

    event = forms.ChoiceField(required=False, label="A recent event")
    data = JsonObjectField(required=False, label="Or data of your own", help_text="The data of an event, as JSON.")

    def __init__(self, *args: Any, events: Iterable[Event], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.events = {str(event.pk): event for event in events}
        labels = [(pk, f"{event.type} · {event.sender_id[:40]} · {event.tenant}") for pk, event in self.events.items()]
        empty = "The newest one" if labels else "There is none yet: paste data below"
        self.fields["event"].choices = [("", empty), *labels]
        self.fields["data"].widget.attrs["rows"] = 5

    def chosen(self) -> Event | None:
        return self.events.get(self.cleaned_data.get("event") or next(iter(self.events), ""))


def recent_events(user: Any, *, tenant: Tenant | None = None, patterns: Sequence[str] = ("*",)) -> list[Event]:
    """The newest events that a route of one of these patterns would see, among the newest of all."""
    rows = visible_to(Event, user).order_by("-pk")
    rows = rows.filter(tenant=tenant) if tenant else rows
    meant = reduce(or_, (of_pattern(pattern) for pattern in patterns))
    found = Event.unscoped.filter(meant, pk__in=rows.values("pk")[:RECENT]).select_related("tenant")
    return list(found.order_by("-pk")[:SAMPLES_MOST])


def of_pattern(pattern: str) -> Q:
    """As `match.matches` has it."""
    if pattern == "*":
        return Q()
    return Q(type__startswith=pattern[:-1]) if pattern.endswith(".*") else Q(type=pattern)


class WhyForm(Form):
    """Before what has an effect outside, or ends something."""

    reason = forms.CharField(max_length=300, help_text="It is kept in the audit.")


class SendForm(Form):
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
        if len(dumps(data)) > settings.HUB_EVENT_BYTES:
            raise ValidationError(f"An event holds at most {settings.HUB_EVENT_BYTES // 1024} KiB.")
        return data
