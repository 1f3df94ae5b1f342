"""The options of reports, log shipping and syncs, as fields."""

from collections.abc import Mapping

from django import forms
from django.utils.translation import gettext_lazy as _

from connectors.registry import CONNECTORS
from hub.reason_codes import translate_text
from hub.scheduled.forms.options.option_form import OptionForm, Options, Path
from hub.scheduled.models import LogSource
from hub.scheduled.reports.options import (
    OWN,
    QUERIED_CONNECTORS,
    QUERY_SECTIONS,
    RECORD_FIGURES,
    find_usual_kind,
)
from hub.scheduled.shipping.options import APPLICATION
from hub.scheduled.sync.options import MAX_LOOKBACK_HOURS, MAX_OVERLAP_MINUTES, find_objects

OWN_LABEL = _("What the hub counts itself")
PERIOD_CHOICES = (
    ("last_day", _("Yesterday")),
    ("last_week", _("Last week")),
    ("last_month", _("Last month")),
    ("last_quarter", _("Last quarter")),
)


class ReportOptionForm(OptionForm):
    option_paths: Mapping[str, Path] = {
        "period": ("period",),
        "title": ("title",),
        "query": ("query", "kind"),
        "object": ("query", "object"),
        "time_field": ("query", "time_field"),
        "group_by": ("query", "group_by"),
        "count": ("query", "count"),
        "channel": ("message", "channel"),
        "shows_chart": ("chart", "show"),
    }

    period = forms.ChoiceField(label=_("Period"), choices=PERIOD_CHOICES, initial="last_week")
    title = forms.CharField(label=_("Title"), max_length=200, required=False)
    query = forms.ChoiceField(label=_("What is reported"))
    object = forms.CharField(
        label=_("Object"),
        max_length=80,
        required=False,
        help_text=_("Such as Order or Opportunity."),
    )
    time_field = forms.CharField(
        label=_("Field with the time"),
        max_length=80,
        required=False,
        help_text=_("By which a record belongs to the period, such as CreatedDate."),
    )
    group_by = forms.CharField(
        label=_("Grouped by"),
        max_length=80,
        required=False,
        help_text=_("A field. Empty: by parts of the period."),
    )
    count = forms.ChoiceField(
        label=_("What the hub counts"),
        choices=(
            ("", _("Not counted by the hub")),
            ("orders", _("Orders of our application")),
            ("events", _("Events")),
            ("deliveries", _("Deliveries")),
        ),
        required=False,
    )
    channel = forms.CharField(
        label=_("Channel"),
        max_length=200,
        required=False,
        help_text=_("The channel's ID. Empty: as the connection says."),
    )
    shows_chart = forms.BooleanField(label=_("With a chart"), required=False, initial=True)

    def prepare_fields(self) -> None:
        kinds = [kind for kind in QUERY_SECTIONS if self._is_possible(kind)]
        source = CONNECTORS[self.connector_key].report_source
        labels = {OWN: OWN_LABEL} | ({source.kind: translate_text(source.label)} if source else {})
        self.set_choices("query", [(kind, labels[kind]) for kind in kinds])
        self.initial.setdefault("query", find_usual_kind(self.connector_key))
        for name in ("object", "time_field") if RECORD_FIGURES.keys().isdisjoint(kinds) else ():
            del self.fields[name]

    def _is_possible(self, kind: str) -> bool:
        needed = QUERIED_CONNECTORS.get(kind)
        return needed is None or needed.key == self.connector_key

    def build(self) -> Options:
        """Return the options; the query contains only the parameters of its kind."""
        options = super().build()
        field_names = QUERY_SECTIONS[self.cleaned_data["query"]].fields
        query = {name: value for name, value in options["query"].items() if name in field_names}
        return options | {"query": query}


class ShippingOptionForm(OptionForm):
    option_paths: Mapping[str, Path] = {
        "source": ("source",),
        "collection": ("collection",),
        "index": ("index",),
        "sourcetype": ("sourcetype",),
        "host": ("host",),
        "batch_seconds": ("batch_seconds",),
    }

    source = forms.ChoiceField(label=_("Log"), choices=LogSource.choices, initial=LogSource.API)
    collection = forms.ChoiceField(
        label=_("Collection of our application"),
        required=False,
        help_text=_("Only for lines that are read from our application."),
    )
    index = forms.CharField(
        label=_("Index"), max_length=200, required=False, help_text=_("Empty: as the token says.")
    )
    sourcetype = forms.CharField(label=_("Source type"), max_length=200, required=False)
    host = forms.CharField(label=_("Host"), max_length=200, required=False)
    batch_seconds = forms.IntegerField(
        label=_("Seconds for a batch"),
        min_value=0,
        max_value=30,
        required=False,
        help_text=_("How long the first line waits for more. Empty: one second."),
    )

    def prepare_fields(self) -> None:
        collections = CONNECTORS[APPLICATION].collections
        choices = [(entry.key, translate_text(entry.label)) for entry in collections]
        self.set_choices("collection", [("", _("Lines of the operational log")), *choices])

    def build(self) -> Options:
        options = super().build()
        if self.cleaned_data["source"] != LogSource.COLLECTION:
            options.pop("collection", None)
        return options


class SyncOptionForm(OptionForm):
    option_paths: Mapping[str, Path] = {
        "collection": ("collection",),
        "changes": ("changes",),
        "overlap_minutes": ("overlap_minutes",),
        "lookback_hours": ("lookback_hours",),
    }

    collection = forms.ChoiceField(label=_("Records"), required=False)
    changes = forms.MultipleChoiceField(
        label=_("Changes"),
        choices=(("created", _("New records")), ("updated", _("Changed records"))),
        initial=["created"],
        widget=forms.CheckboxSelectMultiple,
    )
    overlap_minutes = forms.IntegerField(
        label=_("Overlap (minutes)"),
        min_value=1,
        max_value=MAX_OVERLAP_MINUTES,
        required=False,
        help_text=_("How far before the last change that was read a run begins. Empty: 10."),
    )
    lookback_hours = forms.IntegerField(
        label=_("First run (hours back)"),
        min_value=1,
        max_value=MAX_LOOKBACK_HOURS,
        required=False,
        help_text=_("How far back the first run reads. Empty: 24."),
    )

    def prepare_fields(self) -> None:
        collections = CONNECTORS[self.connector_key].collections
        labels = {entry.key: translate_text(entry.label) for entry in collections}
        keys = list(find_objects(self.connector_key))
        self.set_choices("collection", [(key, labels.get(key, key)) for key in keys])
