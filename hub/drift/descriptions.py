"""The texts of a finding: what has changed, and how a person can fix it."""

from collections.abc import Mapping
from typing import Any

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
    "object_removed": _("The object was removed, or the connected user may no longer see it."),
}
ADVICE = {
    "renamed": _("Use the new name in the mappings and jobs that are listed."),
    "removed": _("Remove the field from the mappings and jobs that are listed, or restore it."),
    "retyped": _("Check that the mappings write or expect a value of the new type."),
    "newly_required": _("Fill the field in the mappings that create records."),
    "picklist_value_gone": _("Use another value, or add the value again in the other system."),
    "object_removed": _(
        "Restore the object or the permission to see it, or disable what is listed."
    ),
}
# where an event is read
PLACE_LABELS = {"filter": _("filter"), "mapping": _("mapping"), "order_key": _("order key")}


def describe_change(finding: DriftFinding) -> str:
    """Return what has changed, in the active language."""
    return str(SENTENCES[finding.change]) % _build_parameters(finding)


def describe_change_in_english(finding: DriftFinding) -> str:
    with translation.override("en"):
        return describe_change(finding)


def advise(finding: DriftFinding) -> str:
    """Return how a person can fix it, in the active language."""
    return str(ADVICE[finding.change])


def describe_break(entry: Mapping[str, Any], *, system: str) -> str:
    """Return what an entry of `DriftFinding.breaks` reads or writes, in the active language.

    Returns "" for a job, whose own page shows it. `system`: the name of the other system.
    """
    if entry["kind"] == "job":
        return ""
    if not entry.get("is_source"):
        return str(_("writes to %(system)s")) % {"system": system}
    if not entry["reads"]:
        return str(_("takes events from %(system)s")) % {"system": system}
    paths = ", ".join(_describe_read(read) for read in entry["reads"])
    return str(_("reads %(paths)s from %(system)s")) % {"paths": paths, "system": system}


def describe_break_in_english(entry: Mapping[str, Any], *, system: str) -> str:
    with translation.override("en"):
        return describe_break(entry, system=system)


def _describe_read(read: Mapping[str, Any]) -> str:
    places = ", ".join(str(PLACE_LABELS[place]) for place in read["places"])
    return f"{read['path']} ({places})"


def _build_parameters(finding: DriftFinding) -> Mapping[str, str]:
    if finding.change == DriftFinding.Change.RETYPED:
        return {"before": label_type(finding.before), "after": label_type(finding.after)}
    return {"before": finding.before, "after": finding.after}
