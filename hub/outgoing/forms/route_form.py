"""The form of a route with its mapping."""

import re
from collections.abc import Callable
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from connectors.registry import CONNECTORS
from hub.connections.models import Connection
from hub.mappings.forms import (
    FilterField,
    OrderKeyField,
    TargetForm,
    build_target,
    find_target_action,
)
from hub.mappings.json_fields import BodyField, format_json_text
from hub.mappings.mapping_actions import NEEDS_A_BODY, SHARED_MAPPING
from hub.mappings.models import FieldMapping
from hub.mappings.translate import compile_filter, compile_mapping
from hub.mappings.versions import is_same_json
from hub.outgoing.insight.dry_run import RouteDraft
from hub.outgoing.models import Route
from hub.outgoing.subscriptions.route_actions import find_reference_problems
from hub.staff import apply_admin_style, parse_number
from tenants.models import Tenant
from tenants.scoping import changeable_rows, visible_rows

SCHEDULE_MAX_WAITS, SCHEDULE_MAX_WAIT = 30, 7 * 86400  # number, seconds
NUMBER = re.compile(r"[0-9]{1,9}(\.[0-9]{1,3})?", re.ASCII)
CHOICES_LIMIT = 200  # rows in one select
MAX_EXPIRY_SECONDS = 365 * 86400  # seconds
OUR_APPLICATION = ("", "Our own application")
ORIGINS = [
    OUR_APPLICATION,
    *((key, entry.label) for key, entry in CONNECTORS.items() if entry.webhook_source),
]


class ScheduleField(forms.CharField):
    """Seconds between attempts, as numbers with commas or spaces."""

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(f"{wait:g}" for wait in value) if isinstance(value, list) else value

    def clean(self, value: Any) -> list[float]:
        waits = re.split(r"[\s,]+", super().clean(value)) if value and value.strip() else []
        if len(waits) > SCHEDULE_MAX_WAITS:
            raise ValidationError(f"At most {SCHEDULE_MAX_WAITS} waits.")
        if invalid := [
            wait
            for wait in waits
            if not NUMBER.fullmatch(wait) or not 1 <= float(wait) <= SCHEDULE_MAX_WAIT
        ]:
            raise ValidationError(
                f"“{invalid[0][:20]}” is not a number of seconds between 1 and "
                f"{SCHEDULE_MAX_WAIT:,} (7 days)."
            )
        return [float(wait) for wait in waits]

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(self.prepare_value(initial or []) != (data or "").strip())


class RouteForm(TargetForm):
    ALL_TENANTS_HELP = "Leave empty for a platform route, which applies to all tenants."

    origin_connector_key = forms.ChoiceField(
        choices=ORIGINS,
        required=False,
        label="Received from",
        help_text="The system whose events it takes. The hub registers webhooks there.",
    )
    origin = forms.ModelChoiceField(
        Connection.unscoped.none(),
        required=False,
        label="Received by",
        empty_label="All connections of the tenant at that system",
        help_text="Only for events that are received from another system.",
    )
    filter = FilterField(
        required=False,
        help_text=(
            "A JMESPath expression, such as data.total > `100`. Leave empty for all events of "
            "the type."
        ),
    )
    connection = forms.ModelChoiceField(
        Connection.unscoped.none(),
        required=False,
        empty_label="All connections of the tenant at this system",
    )
    body = BodyField(
        required=False,
        label="Field mapping",
        help_text=(
            "A JSON object. Its strings are JMESPath expressions over id, type, tenant, "
            "occurred_at and data. Numbers, true, false and null are used as they are. Write "
            "fixed text in single quotes."
        ),
    )
    mapping = forms.ModelChoiceField(
        FieldMapping.unscoped.none(),
        required=False,
        empty_label="A new mapping from the text below",
        help_text="Changes to a shared mapping apply to all routes that use it.",
    )
    retry_schedule = ScheduleField(
        required=False,
        label="Custom retry schedule",
        help_text=(
            "Seconds between attempts, such as 5, 300, 1800. Leave empty for the default "
            "schedule over 75 hours."
        ),
    )

    order_key = OrderKeyField(
        required=False,
        help_text=(
            "A JMESPath expression, such as data.number. Only events with the same key keep "
            "their order. Leave empty to keep the order of all events."
        ),
    )
    expires_after = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=MAX_EXPIRY_SECONDS,
        label="Expires after",
        help_text=(
            "Seconds after which a delivery fails instead of being sent late. Leave empty for "
            "no expiry."
        ),
    )

    class Meta:
        model = Route
        fields = (
            "name",
            "enabled",
            "tenant",
            "event_type",
            "origin_connector_key",
            "origin",
            "filter",
            "connection",
            "mapping",
            "retry_schedule",
            "ordered",
            "order_key",
            "never_twice",
            "expires_after",
        )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in (
            "tenant",
            "target",
            "body",
            "origin_connector_key",
            "origin",
            "filter",
            "connection",
            "mapping",
            "retry_schedule",
            "order_key",
            "expires_after",
        ):
            apply_admin_style(self.fields[name])
        owner = self.find_owner()
        for name in ("connection", "origin"):
            self.set_choices(
                name,
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
        """Return the tenant that is entered in the form, if any."""
        reference = (self.data.get("tenant") if self.is_bound else self.initial.get("tenant")) or ""
        return (
            visible_rows(Tenant, self.user).filter(reference=reference).first()
            if "\0" not in reference
            else None
        )

    def set_choices(
        self,
        name: str,
        model: type[Connection] | type[FieldMapping],
        owner: Tenant | None,
        label: Callable[[Any], str],
    ) -> None:
        """Accept every row that the user may see, but list only the rows of the route's tenant."""
        field = self.fields[name]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = visible = visible_rows(model, self.user)
        listed = model.objects.of(owner) if owner else visible.filter(tenant=None)
        rows = list(listed.order_by("name")[:CHOICES_LIMIT])
        values = self.data if self.is_bound else self.initial
        selected = parse_number(str(values.get(name) or ""))
        if selected is not None:
            is_listed = any(row.pk == selected for row in rows)
            rows += [] if is_listed else visible.filter(pk=selected)
        field.choices = [("", field.empty_label), *((row.pk, label(row)) for row in rows)]

    def first_body(self) -> str:
        """Return the current mapping; for a new route the example of its action."""
        if self.instance.pk:
            return format_json_text(self.instance.mapping.current.ordered_body)
        target = self.initial.get("target")
        return format_json_text(find_target_action(target).example) if target else ""

    # --- what must match ---

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        if "body" in data and not data["body"] and not self.has_default():
            self.add_error("body", NEEDS_A_BODY)
        if self.errors.keys() & {"tenant", "target"}:
            return data
        for name, problem in find_reference_problems(self.build_route()).items():
            self.add_error(name, problem)
        if "body" in data and self.changes_mapping() and not self.can_change_mapping():
            self.add_error(
                "body",
                SHARED_MAPPING,
            )
        return data

    def has_default(self) -> bool:
        target = self.cleaned_data.get("target")
        return not target or bool(find_target_action(target).default)

    def build_route(self) -> Route:
        """Build an unsaved route from the references in the form."""
        data = self.cleaned_data
        return Route(
            connector_key=self.instance.connector_key,
            action=self.instance.action,
            origin_connector_key=data.get("origin_connector_key") or "",
            **{name: data.get(name) for name in ("tenant", "origin", "connection", "mapping")},
        )

    def changes_mapping(self) -> bool:
        """Return whether saving changes an existing mapping."""
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
        """Compile the draft for a dry run; None if target, filter or mapping is invalid."""
        data = self.cleaned_data
        if self.errors.keys() & {"target", "filter", "body"}:
            return None
        action, filter = find_target_action(data["target"]), data["filter"]
        return RouteDraft(
            action,
            compile_mapping(data["body"] or dict(action.default)),
            compile_filter(filter) if filter else None,
        )
