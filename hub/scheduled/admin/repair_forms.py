"""The form of staff that plans the repair of many discrepancies."""

from django import forms

from hub.operations.forms import (
    ANY_CHOICE,
    SelectedIdsField,
    SelectionPlanForm,
)
from hub.scheduled.insight.discrepancies import SELECTED_LIMIT
from hub.scheduled.insight.review_rows import STATE_LABELS
from hub.scheduled.models import Discrepancy
from hub.scheduled.repairs.filters import REPAIRABLE_STATES, REPAIRABLE_VERDICTS


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
