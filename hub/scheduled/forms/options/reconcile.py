"""The options of a reconciliation as fields, with a table of the compared fields."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from connectors.registry import CONNECTORS
from hub.reason_codes import translate_text
from hub.scheduled.forms.options.conditions import ConditionsField
from hub.scheduled.forms.options.option_form import PREFIX, OptionForm, Options, Path
from hub.scheduled.insight.run_results import THEIR_RECORDS
from hub.scheduled.jobs.option_errors import REQUIRED
from hub.scheduled.models import Discrepancy
from hub.scheduled.reconciliation.option_checks import FIELD_TYPES, FIELDS_MAX, NAME_LENGTH_MAX
from hub.scheduled.reconciliation.options import LOCAL_CONNECTOR

EMPTY_ROWS_OFFERED = 3
PERCENT = 100
CONDITIONS_TEXT_MAX = 20_000  # characters
CONDITIONS_HELP = _(
    "A condition on each line: Number is not null, Stage != Closed, Stage in Won, Lost. Texts are "
    "compared without case."
)
TYPE_LABELS = {
    "text": _("Text"),
    "integer": _("Whole number"),
    "decimal": _("Decimal number"),
    "boolean": _("Yes or no"),
    "datetime": _("Time"),
    "date": _("Date"),
    "picklist": _("Picklist"),
    "reference": _("Reference"),
}
OWNER_CHOICES = (
    ("report", _("Report only")),
    ("ours", _("Ours is right")),
    ("theirs", _("Theirs is right")),
    ("newer", _("The newer is right")),
)
MISSING_CHOICES = (("report", _("Report only")), ("create", _("Create it")))

DELETED_CHOICES = (("report", _("Report only")), ("delete", _("Delete it, too")))


class FieldRowForm(forms.Form):
    """One compared field."""

    name = forms.CharField(label=_("Name"), max_length=NAME_LENGTH_MAX, required=False)
    local = forms.CharField(label=_("Our field"), max_length=1000, required=False)
    remote = forms.CharField(label=_("Their field"), max_length=1000, required=False)
    type = forms.ChoiceField(
        label=_("Type"), choices=[(key, TYPE_LABELS[key]) for key in FIELD_TYPES], initial="text"
    )
    owner = forms.ChoiceField(label=_("Whose value"), choices=OWNER_CHOICES, initial="report")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():  # the head of the column is what others see
            field.widget.attrs["aria-label"] = field.label

    @property
    def is_empty(self) -> bool:
        """Return whether the row has no field name; it is then ignored."""
        return not any(self.cleaned_data.get(name) for name in ("name", "local", "remote"))

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if any(data.get(name) for name in ("name", "local", "remote")):
            for name in ("name", "local", "remote"):
                if not data.get(name):
                    self.add_error(name, _(REQUIRED))
        return data


FieldRows = forms.formset_factory(FieldRowForm, extra=EMPTY_ROWS_OFFERED, max_num=FIELDS_MAX)


class ReconcileOptionForm(OptionForm):
    option_paths: Mapping[str, Path] = {
        "local_collection": ("local", "collection"),
        "remote_collection": ("remote", "collection"),
        "remote_object": ("remote", "query", "object"),
        "remote_fields": ("remote", "query", "fields"),
        "local_conditions": ("local", "conditions"),
        "remote_conditions": ("remote", "conditions"),
        "match_local": ("match", "local"),
        "match_remote": ("match", "remote"),
        "mode": ("mode",),
        "read": ("read",),
        "missing_here": ("missing", "here"),
        "missing_there": ("missing", "there"),
        "deleted_here": ("deleted", "here"),
        "deleted_there": ("deleted", "there"),
        "limit_count": ("limits", "count"),
        "local_action": ("repair", "local_action"),
        "remote_action": ("repair", "remote_action"),
    }

    local_collection = forms.ChoiceField(label=_("Our records"))
    remote_collection = forms.ChoiceField(label=THEIR_RECORDS)
    remote_object = forms.CharField(
        label=_("Their object"), max_length=80, help_text=_("Its API name, such as Order__c.")
    )
    remote_fields = forms.CharField(
        label=_("Their fields that are read"),
        max_length=1000,
        help_text=_("API names, separated by commas."),
    )
    local_conditions = ConditionsField(
        label=_("Only our records with"),
        max_length=CONDITIONS_TEXT_MAX,
        required=False,
        help_text=CONDITIONS_HELP,
    )
    remote_conditions = ConditionsField(
        label=_("Only their records with"),
        max_length=CONDITIONS_TEXT_MAX,
        required=False,
        help_text=CONDITIONS_HELP,
    )
    match_local = forms.CharField(
        label=_("Our key"),
        max_length=1000,
        required=False,
        help_text=_("The field by which records belong together, such as number."),
    )
    match_remote = forms.CharField(label=_("Their key"), max_length=1000, required=False)
    mode = forms.ChoiceField(
        label=_("Differences"),
        choices=(("propose", _("Are proposed to you")), ("apply", _("Are repaired at once"))),
        initial="propose",
    )
    read = forms.ChoiceField(
        label=_("What is read"),
        choices=(("full", _("All records")), ("incremental", _("What changed since the last run"))),
        initial="full",
    )
    missing_here = forms.ChoiceField(
        label=Discrepancy.Verdict.MISSING_HERE.label, choices=MISSING_CHOICES, initial="report"
    )
    missing_there = forms.ChoiceField(
        label=Discrepancy.Verdict.MISSING_THERE.label, choices=MISSING_CHOICES, initial="report"
    )
    deleted_here = forms.ChoiceField(
        label=_("Ours, if theirs was deleted"),
        choices=DELETED_CHOICES,
        initial="report",
        required=False,
    )
    deleted_there = forms.ChoiceField(
        label=_("Theirs, if ours was deleted"),
        choices=DELETED_CHOICES,
        initial="report",
        required=False,
    )
    limit_share = forms.IntegerField(
        label=_("Stop and ask above (percent of the records)"),
        min_value=0,
        max_value=PERCENT,
        required=False,
    )
    limit_count = forms.IntegerField(
        label=_("Stop and ask above (records)"), min_value=0, required=False
    )
    local_action = forms.ChoiceField(label=_("Our records are changed by"), required=False)
    remote_action = forms.ChoiceField(label=_("Their records are changed by"), required=False)

    def __init__(
        self, data: Mapping[str, Any] | None, *, options: Mapping[str, Any], connector_key: str
    ) -> None:
        super().__init__(data, options=options, connector_key=connector_key)
        share = (options.get("limits") or {}).get("share")
        if isinstance(share, int | float):
            self.initial["limit_share"] = round(share * PERCENT)
        stored_fields = options.get("fields")
        stored = [entry for entry in stored_fields or () if isinstance(entry, Mapping)]
        self.stored_rows = {str(entry.get("name")): entry for entry in stored}
        self.rows = FieldRows(data, prefix=f"{PREFIX}-fields", initial=stored)

    def prepare_fields(self) -> None:
        for side, key in (("local", LOCAL_CONNECTOR), ("remote", self.connector_key)):
            self.set_choices(f"{side}_collection", list_collections(key))
            self.set_choices(f"{side}_action", [("", _("Not changed")), *list_updates(key)])
        schema = CONNECTORS[self.connector_key].schema
        if schema is None or not schema.reads_any_object:
            del self.fields["remote_object"], self.fields["remote_fields"]

    @property
    def all_fields(self) -> list[forms.Field]:
        of_rows = [field for row in self.rows for field in row.fields.values()]
        return [*super().all_fields, *of_rows]

    def is_valid(self) -> bool:
        is_valid = super().is_valid()
        return bool(self.rows.is_valid()) and is_valid

    def has_changed(self) -> bool:
        return bool(super().has_changed() or self.rows.has_changed())

    def build(self) -> Options:
        options = super().build()
        share = self.cleaned_data["limit_share"]
        if share is not None:
            options["limits"] = {**options.get("limits", {}), "share": share / PERCENT}
        options["fields"] = [
            {**self.stored_rows.get(row.cleaned_data["name"], {}), **row.cleaned_data}
            for row in self.rows
            if row.cleaned_data and not row.is_empty
        ]
        return options


def list_collections(connector_key: str) -> list[tuple[str, Any]]:
    """List the collections that can be reconciled."""
    return [
        (entry.key, translate_text(entry.label))
        for entry in CONNECTORS[connector_key].collections
        if entry.reads_changes and entry.has_ids
    ]


def list_updates(connector_key: str) -> list[tuple[str, Any]]:
    """List the actions that change a record."""
    return [
        (action.key, translate_text(action.label))
        for action in CONNECTORS[connector_key].actions
        if action.key.startswith("update")
    ]
