"""Form of staff that plans the replay of items: which items, and the reason."""

from django import forms

from connectors.registry import CONNECTORS
from hub.incoming.models import InboundItem
from hub.operations.forms import (
    ANY_CHOICE,
    SelectedIdsField,
    SelectionPlanForm,
)
from hub.outgoing.models import EVENT_TYPE
from hub.staff import MomentField

SELECTED_LIMIT = 1000  # items that are selected one by one


class ReplayPlanForm(SelectionPlanForm):
    items = SelectedIdsField("items", SELECTED_LIMIT)
    state = forms.ChoiceField(choices=[*ANY_CHOICE, *InboundItem.State.choices], required=False)
    connector = forms.ChoiceField(
        choices=[*ANY_CHOICE, *((entry.key, entry.label) for entry in CONNECTORS.values())],
        required=False,
    )
    type = forms.CharField(
        max_length=120, required=False, label="Event type", validators=[EVENT_TYPE]
    )
    since = MomentField(
        required=False, label="Received since", help_text="UTC, such as 2026-11-25 12:00."
    )

    filter_fields = ("state", "connector", "type", "since", "items")
    no_filter_error = "Set a filter. Without one, all items would be replayed."
    reason_label = "Reason for this replay"
    no_tenant_error = "Enter the tenant. A replay covers one tenant."
