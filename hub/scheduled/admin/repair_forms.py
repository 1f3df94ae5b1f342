"""Forms of staff that repair one discrepancy, or plan the repair of many."""

from typing import Any

from django import forms

from hub.operations.forms import (
    ANY_CHOICE,
    SelectedIdsField,
    SelectionPlanForm,
)
from hub.scheduled.insight.discrepancies import SELECTED_LIMIT
from hub.scheduled.insight.review_rows import STATE_LABELS, list_repair_choices
from hub.scheduled.models import Discrepancy
from hub.scheduled.repairs.filters import REPAIRABLE_STATES, REPAIRABLE_VERDICTS
from hub.staff import ActionForm


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


class RepairPlanForm(SelectionPlanForm):
    discrepancies = SelectedIdsField("discrepancies", SELECTED_LIMIT)
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

    filter_fields = ("job", "run", "verdict", "field", "state", "record_key", "discrepancies")
    no_filter_error = "Set a filter. Without one, all discrepancies would be repaired."
    reason_label = "Reason for the repairs"
    no_tenant_error = "Enter the tenant. The repairs cover one tenant."
