"""The query in the log's URL: a form validates it and translates it into database filters."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from hub.connections.models import Connection
from hub.db.ids import smallest_id_at
from hub.mappings.forms import FilterField
from hub.outgoing.insight.search.conditions import (
    match_deliveries,
    match_events,
    match_states_of_reason,
)
from hub.outgoing.models import TYPE_PATTERN, Delivery
from hub.outgoing.operations.filters import OPERATION_FILTERS
from hub.reason_codes import REASONS
from hub.staff import LocalDateTimeField
from tenants.models import Tenant

NO_ROUTE, NO_ROUTE_LABEL = "no_route", _("no matching route")
API_PARAMETERS = ("state", "reason", "connection", "type", "until")
BODY_FILTERS = {"value", "where"}  # filters that read the body of an event
TIME_SPANS = {
    "15m": (_("the last 15 minutes"), timedelta(minutes=15)),
    "1h": (_("the last hour"), timedelta(hours=1)),
    "24h": (_("the last 24 hours"), timedelta(days=1)),
    "7d": (_("the last 7 days"), timedelta(days=7)),
    "30d": (_("the last 30 days"), timedelta(days=30)),
}
ANY_CHOICE = ("", _("any"))
CONNECTIONS_OFFERED = 200  # connections in the select


class LogForm(forms.Form):
    """The filters of the log; times without an offset are in the reader's zone."""

    q = forms.CharField(max_length=200, required=False, label=_("ID"), widget=forms.SearchInput())
    state = forms.ChoiceField(
        choices=[ANY_CHOICE, *Delivery.State.choices, (NO_ROUTE, NO_ROUTE_LABEL)],
        required=False,
        label=_("State"),
    )
    type = forms.CharField(
        max_length=120, required=False, validators=[TYPE_PATTERN], label=_("Event type")
    )
    connection = forms.ChoiceField(required=False, label=_("To"))
    reason = forms.ChoiceField(
        choices=[
            ANY_CHOICE,
            *(
                (code, _(REASONS[code].marked_sentence))
                for code in sorted(REASONS)
                if code != NO_ROUTE
            ),
        ],
        required=False,
        label=_("Reason"),
    )
    span = forms.ChoiceField(
        choices=[ANY_CHOICE, *((key, words) for key, (words, _l) in TIME_SPANS.items())],
        required=False,
        label=_("Period"),
    )
    since = LocalDateTimeField(required=False, label=_("From"))
    until = LocalDateTimeField(required=False, label=_("Before"))
    value = forms.CharField(max_length=200, required=False, label=_("Value in the event"))
    where = FilterField(
        max_length=300,
        required=False,
        label=_("Only if"),
        help_text=_("A JMESPath expression, as in filters."),
        widget=forms.TextInput(attrs={"spellcheck": "false", "placeholder": "data.total > `100`"}),
    )

    def __init__(self, *args: Any, connections: Iterable[Connection], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.names = {str(connection.public_id): str(connection) for connection in connections}
        field = self.fields["connection"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [ANY_CHOICE, *self.names.items()]


@dataclass(frozen=True, slots=True)
class LogQuery:
    """A validated query of the log.

    indexed_filter: the conditions that indexes answer; unindexed_filter: those that are applied to
    a bounded number of rows.
    """

    form: LogForm
    data: dict[str, Any]
    indexed_filter: Q
    unindexed_filter: Q | None

    @property
    def lists_events(self) -> bool:
        """Return whether the query lists events without a route; these have no deliveries."""
        return self.data.get("state") == NO_ROUTE

    @property
    def reads_bodies(self) -> bool:
        return bool(self.data.keys() & BODY_FILTERS)

    @property
    def is_page_only(self) -> bool:
        """Return whether it has filters that neither the API nor an operation has."""
        return self.reads_bodies or "q" in self.data or "*" in self.data.get("type", "")

    def to_api_query(self, *, now: datetime) -> dict[str, str]:
        """Return the filters that the API supports, by its parameter names."""
        parameters = {name: self.data[name] for name in API_PARAMETERS if name in self.data}
        if since := resolve_since(self.data, now=now):
            parameters["since"] = since
        if "*" in parameters.get("type", ""):
            del parameters["type"]
        if self.lists_events:
            parameters = {
                name: parameters[name] for name in ("state", "type") if name in parameters
            }
        return {
            name: value.isoformat() if isinstance(value, datetime) else value
            for name, value in parameters.items()
        }

    def to_operation_filter(self, *, now: datetime) -> dict[str, str] | None:
        """Return the filter of an operation; None if operations lack one of the query's filters."""
        if self.is_page_only or self.lists_events:
            return None
        parameters = self.to_api_query(now=now)
        return parameters | ({"event_type": parameters.pop("type")} if "type" in parameters else {})


def parse_log_query(parameters: Any, tenant: Tenant, zone: ZoneInfo, *, now: datetime) -> LogQuery:
    """Parse the query; an invalid parameter becomes a form error and does not filter."""
    form = LogForm(
        parameters, connections=Connection.objects.of(tenant).order_by("name")[:CONNECTIONS_OFFERED]
    )
    with timezone.override(zone):
        form.is_valid()
    data = {name: value for name, value in form.cleaned_data.items() if value}
    return LogQuery(
        form, data, build_indexed_filter(data, tenant, now=now), build_unindexed_filter(data)
    )


def resolve_since(data: dict[str, Any], *, now: datetime) -> datetime | None:
    """Return the later of the explicit start and the start of the time span; None without both."""
    spans = [now - TIME_SPANS[data["span"]][1]] if "span" in data else []
    explicit = [data["since"]] if "since" in data else []
    return max([*spans, *explicit], default=None)


def build_indexed_filter(data: dict[str, Any], tenant: Tenant, *, now: datetime) -> Q:
    condition = Q()
    if since := resolve_since(data, now=now):
        condition &= Q(public_id__gte=smallest_id_at(since))
    if "until" in data:
        condition &= Q(public_id__lt=smallest_id_at(data["until"]))
    if data.get("state") == NO_ROUTE:
        return (
            condition & match_events(data["q"].strip(), [tenant.pk]) if "q" in data else condition
        )
    if "q" in data:
        condition &= match_deliveries(data["q"].strip(), [tenant.pk])
    if "state" in data:
        condition &= OPERATION_FILTERS["state"](data["state"])
    if "reason" in data:
        condition &= OPERATION_FILTERS["reason"](data["reason"]) & match_states_of_reason(
            data["reason"]
        )
    return condition


def build_unindexed_filter(data: dict[str, Any]) -> Q | None:
    """Return the filters without an index; None if there are none."""
    is_for_events = data.get("state") == NO_ROUTE
    type_lookup = "type" if is_for_events else "event__type"
    condition = Q(reason=NO_ROUTE) if is_for_events else Q()
    if type := data.get("type"):
        condition &= (
            Q(**{f"{type_lookup}__startswith": type[:-1]})
            if type.endswith("*")
            else Q(**{type_lookup: type})
        )
    if "connection" in data and not is_for_events:
        condition &= OPERATION_FILTERS["connection"](data["connection"])
    return condition if condition or data.keys() & BODY_FILTERS else None
