"""Forms of staff that repair one discrepancy, or plan the repair of many."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ValidationError

from hub.mappings.forms import TenantField
from hub.outgoing.operations.filters import serialize_filter
from hub.scheduled.insight.discrepancies import SELECTED_LIMIT
from hub.scheduled.insight.review_rows import STATE_LABELS, list_repair_choices
from hub.scheduled.models import Discrepancy
from hub.scheduled.repairs.filters import REPAIRABLE_STATES, REPAIRABLE_VERDICTS
from hub.staff import ActionForm
from tenants.models import User
from tenants.scoping import ALL_TENANTS, accessible_tenants

ANY_CHOICE = [("", "any")]


class RepairSideForm(ActionForm):
    """The form that asks which side is changed."""

    side = forms.ChoiceField(widget=forms.RadioSelect, label="Change")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        assert isinstance(self.obj, Discrepancy)
        choices, side = list_repair_choices(self.obj), self.fields["side"]
        assert isinstance(side, forms.ChoiceField)
        side.choices = [(choice.side, choice.label) for choice in choices]
        side.initial = next((choice.side for choice in choices if choice.is_default), None)


class DiscrepancyIdsField(forms.CharField):
    """The public ids of selected discrepancies, separated by spaces."""

    widget = forms.HiddenInput

    def clean(self, value: Any) -> list[str]:
        try:
            ids = [str(UUID(id)) for id in super().clean(value).split()]
        except ValueError:
            raise ValidationError("This is not a list of discrepancies.") from None
        if len(ids) > SELECTED_LIMIT:
            raise ValidationError(
                f"At most {SELECTED_LIMIT:,} discrepancies can be selected individually."
            )
        return ids


class RepairPlanForm(ActionForm):
    discrepancies = DiscrepancyIdsField(required=False)
    job = forms.UUIDField(required=False, help_text="The id of a job.")
    run = forms.UUIDField(required=False, help_text="The id of the run that saw them last.")
    verdict = forms.ChoiceField(
        choices=[
            *ANY_CHOICE,
            *((verdict, Discrepancy.Verdict(verdict).label) for verdict in REPAIRABLE_VERDICTS),
        ],
        required=False,
    )
    field = forms.CharField(max_length=80, required=False)
    state = forms.ChoiceField(
        choices=[*ANY_CHOICE, *((state, STATE_LABELS[state]) for state in REPAIRABLE_STATES)],
        required=False,
    )
    record_key = forms.CharField(
        max_length=200, required=False, label="Beginning of the record's key"
    )
    tenant = TenantField(
        required=False, help_text="The tenant's reference. Leave empty for all tenants."
    )
    audit_reason = forms.CharField(
        max_length=300, label="Reason for the repairs", help_text="Kept in the audit log."
    )

    FILTER_FIELDS = ("job", "run", "verdict", "field", "state", "record_key", "discrepancies")

    def __init__(self, *args: Any, user: User | AnonymousUser, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user
        tenant = self.fields["tenant"]
        assert isinstance(tenant, TenantField)
        tenant.user = user
        if self.selected_count:  # selected discrepancies are not filtered further
            for name in self.FILTER_FIELDS[:-1]:
                del self.fields[name]

    @property
    def selected_count(self) -> int:
        """Number of discrepancies that were selected one by one."""
        ids = self.data.get("discrepancies") if self.is_bound else self.initial.get("discrepancies")
        return len(str(ids or "").split())

    @property
    def filter(self) -> dict[str, Any]:
        """The filter in the form in which an operation stores it."""
        return serialize_filter({name: self.cleaned_data.get(name) for name in self.FILTER_FIELDS})

    def clean(self) -> dict[str, Any]:
        super().clean()
        if "discrepancies" in self.errors:  # a hidden field shows no errors of its own
            raise ValidationError(self.errors["discrepancies"].as_data())
        if self.errors:
            return self.cleaned_data
        if not self.filter:
            raise ValidationError("Set a filter. Without one, all discrepancies would be repaired.")
        is_limited = accessible_tenants(self.user) is not ALL_TENANTS
        if is_limited and not self.cleaned_data.get("tenant"):
            raise ValidationError({"tenant": "Enter the tenant. The repairs cover one tenant."})
        return self.cleaned_data
