"""Form of staff that plans an operation: the action, the deliveries, and the reason."""

from datetime import UTC, datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from connectors.registry import CONNECTORS
from hub.operations.forms import (
    ANY_CHOICE,
    SelectedIdsField,
    SelectionPlanForm,
)
from hub.outgoing.models import EVENT_TYPE, Delivery
from hub.outgoing.operations.planning import OPERATION_KINDS, SELECTED_LIMIT
from hub.reason_codes import REASONS
from hub.staff import MomentField
from tenants.models import Tenant
from tenants.scoping import ALL_TENANTS, accessible_tenants, visible_rows


class UtcField(MomentField):
    def clean(self, value: Any) -> datetime | None:
        moment: datetime | None = super().clean(value)
        return moment.astimezone(UTC) if moment else None


class PlanForm(SelectionPlanForm):
    deliveries = SelectedIdsField("deliveries", SELECTED_LIMIT)
    kind = forms.ChoiceField(choices=list(OPERATION_KINDS.items()), label="Action")
    state = forms.ChoiceField(choices=[*ANY_CHOICE, *Delivery.State.choices], required=False)
    reason = forms.ChoiceField(
        choices=[
            *ANY_CHOICE,
            *((code, code.replace("_", " ")) for code in REASONS if code != "no_route"),
        ],
        required=False,
        label="Reason code",
    )
    connector = forms.ChoiceField(
        choices=[*ANY_CHOICE, *((entry.key, entry.label) for entry in CONNECTORS.values())],
        required=False,
    )
    event_type = forms.CharField(max_length=120, required=False, validators=[EVENT_TYPE])
    since = UtcField(
        required=False, label="Accepted since", help_text="UTC, such as 2026-11-25 12:00."
    )
    until = UtcField(required=False, label="Accepted before")
    stopped_since = UtcField(
        required=False,
        label="In this state since",
        help_text="In their current state since this time or later.",
    )

    filter_fields = (
        "state",
        "reason",
        "connector",
        "event_type",
        "since",
        "until",
        "stopped_since",
        "deliveries",
    )
    no_filter_error = "Set a filter. Without one, all deliveries would be changed."
    no_tenant_error = "Enter the tenant. Your operations can only change deliveries of one tenant."

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.selected_count:
            self.fields["tenant"].widget = forms.HiddenInput()

    def find_only_tenant(self) -> Tenant | None:
        """Return the only tenant of the selection or user; None for a user who reaches all.

        Raises ValidationError when the user is limited to some tenants and more than one is
        possible.
        """
        if accessible_tenants(self.user) is ALL_TENANTS:
            return None
        tenants = visible_rows(Tenant, self.user)
        if ids := self.cleaned_data.get("deliveries"):
            tenants = tenants.filter(
                pk__in=Delivery.unscoped.filter(public_id__in=ids).values("tenant")
            )
        matching: list[Tenant] = list(tenants[:2])
        if len(matching) != 1 and ids:
            raise ValidationError(
                "Your operations can only change deliveries of one tenant. Select "
                "deliveries of one tenant."
            )
        if len(matching) != 1:
            raise ValidationError({"tenant": self.no_tenant_error})
        (tenant,) = matching
        return tenant
