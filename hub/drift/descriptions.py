"""What a finding says to people: what changed, and what to do."""

from collections.abc import Mapping

from django.utils import translation
from django.utils.translation import gettext_lazy as _

from hub.drift.models import DriftFinding
from hub.schemas.type_labels import label_type

SENTENCES = {
    "renamed": _("The field is now called %(after)s."),
    "removed": _("The field was removed, or the connected user may no longer see it."),
    "retyped": _("The type of the field changed from %(before)s to %(after)s."),
    "newly_required": _("New records now need a value in this field."),
    "picklist_value_gone": _("The value “%(after)s” can no longer be chosen."),
}
ADVICE = {
    "renamed": _("Use the new name in the mappings and jobs that are listed."),
    "removed": _("Remove the field from the mappings and jobs that are listed, or restore it."),
    "retyped": _("Check that the mappings write a value of the new type."),
    "newly_required": _("Fill the field in the mappings that create records."),
    "picklist_value_gone": _("Write another value, or add the value again in the other system."),
}


def describe_change(finding: DriftFinding) -> str:
    """Return what has changed, in the active language."""
    return str(SENTENCES[finding.change]) % _build_parameters(finding)


def describe_change_in_english(finding: DriftFinding) -> str:
    with translation.override("en"):
        return describe_change(finding)


def advise(finding: DriftFinding) -> str:
    """Return what a person can do, in the active language."""
    return str(ADVICE[finding.change])


def _build_parameters(finding: DriftFinding) -> Mapping[str, str]:
    if finding.change == DriftFinding.Change.RETYPED:
        return {"before": label_type(finding.before), "after": label_type(finding.after)}
    return {"before": finding.before, "after": finding.after}
