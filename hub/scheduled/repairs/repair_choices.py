"""The forms of the actions on a discrepancy: which side a repair changes, why it is ignored."""

from dataclasses import dataclass
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from connectors.registry import find_connector_label
from hub.actions import ActionForm
from hub.scheduled.models import LOCAL, REMOTE, Discrepancy
from hub.scheduled.repairs.filters import REPAIRABLE_STATES


@dataclass(frozen=True, slots=True)
class RepairChoice:
    """One way to repair a discrepancy; `side` is the side that is changed."""

    side: str
    label: str
    is_default: bool  # as the field's owner says


def find_system_label(discrepancy: Discrepancy) -> str:
    """Return the name of the other system."""
    return find_connector_label(discrepancy.connection.connector_key)


def list_repair_choices(discrepancy: Discrepancy) -> list[RepairChoice]:
    """List the possible repairs of a discrepancy, the owner's first; empty if none is possible."""
    names = {"system": find_system_label(discrepancy)}
    owner_side = {"ours": REMOTE, "theirs": LOCAL}.get(discrepancy.owner, "")
    if discrepancy.state not in REPAIRABLE_STATES:
        return []
    if discrepancy.verdict == Discrepancy.Verdict.MISSING_THERE:
        return [RepairChoice(REMOTE, _("Create it in %(system)s") % names, True)]
    if discrepancy.verdict == Discrepancy.Verdict.MISSING_HERE:
        return [RepairChoice(LOCAL, _("Create it in our application"), True)]
    if discrepancy.verdict != Discrepancy.Verdict.DIFFERS:
        return []
    labels = {
        REMOTE: _("Write our value to %(system)s") % names,
        LOCAL: _("Write the value of %(system)s to our application") % names,
    }
    choices = [RepairChoice(side, label, side == owner_side) for side, label in labels.items()]
    return sorted(choices, key=lambda choice: not choice.is_default)


class RepairForm(ActionForm):
    side = forms.ChoiceField(label=gettext_lazy("Change"), required=False, widget=forms.RadioSelect)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        assert isinstance(self.obj, Discrepancy)
        choices, side = list_repair_choices(self.obj), self.fields["side"]
        assert isinstance(side, forms.ChoiceField)
        side.choices = [(choice.side, choice.label) for choice in choices]
        side.initial = next((choice.side for choice in choices if choice.is_default), None)
        if not choices:  # the action says why it cannot be repaired
            del self.fields["side"]


class IgnoreForm(ActionForm):
    reason = forms.CharField(
        label=gettext_lazy("Reason to ignore it"),
        max_length=300,
        error_messages={"required": gettext_lazy("Enter a reason of at most 300 characters.")},
    )
