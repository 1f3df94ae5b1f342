"""What the address of the log asks for: one form reads it, and gives it in the words of the database."""

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
from hub.outgoing.chosen import WAYS
from hub.outgoing.forms import FilterField
from hub.outgoing.models import TYPE_PATTERN, Delivery
from hub.outgoing.search import deliveries_by, events_by, floor_of, states_for
from hub.words import REASONS
from tenants.models import Tenant

NO_ROUTE = "no_route"
BY_API = ("state", "reason", "connection", "type", "until")
INSIDE = {"value", "where"}  # what only an event that is opened tells
SPANS = {
    "15m": (_("the last 15 minutes"), timedelta(minutes=15)),
    "1h": (_("the last hour"), timedelta(hours=1)),
    "24h": (_("the last 24 hours"), timedelta(days=1)),
    "7d": (_("the last 7 days"), timedelta(days=7)),
    "30d": (_("the last 30 days"), timedelta(days=30)),
}
ANY = ("", _("any"))
OFFERED = 200  # connections in the select


class MomentField(forms.DateTimeField):
    widget = forms.DateTimeInput(attrs={"type": "datetime-local", "step": 1}, format="%Y-%m-%dT%H:%M:%S")


class LogForm(forms.Form):
    """Moments without an offset are of the zone in which the person reads."""

    q = forms.CharField(max_length=200, required=False, label=_("An id"), widget=forms.SearchInput())
    state = forms.ChoiceField(
        choices=[ANY, *Delivery.State.choices, (NO_ROUTE, _("not routed"))], required=False, label=_("State")
    )
    type = forms.CharField(max_length=120, required=False, validators=[TYPE_PATTERN], label=_("Event type"))
    connection = forms.ChoiceField(required=False, label=_("To"))
    reason = forms.ChoiceField(
        choices=[ANY, *((code, _(REASONS[code].marked)) for code in sorted(REASONS) if code != NO_ROUTE)],
        required=False,
        label=_("Reason"),
    )
    span = forms.ChoiceField(choices=[ANY, *((key, words) for key, (words, _l) in SPANS.items())], required=False,
                             label=_("Within"))  # fmt: skip
    since = MomentField(required=False, label=_("From"))
    until = MomentField(required=False, label=_("Before"))
    value = forms.CharField(max_length=200, required=False, label=_("A value in the event"))
    where = FilterField(
        max_length=300, required=False, label=_("Only where"), help_text=_("JMESPath, as filters are written."),
        widget=forms.TextInput(attrs={"spellcheck": "false", "placeholder": "data.total > `100`"}),
    )  # fmt: skip

    def __init__(self, *args: Any, connections: Iterable[Connection], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.names = {str(row.public_id): str(row) for row in connections}
        self.fields["connection"].choices = [ANY, *self.names.items()]  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class Asked:
    """`found_by` stands on indexes; `narrowed_by` does not, so it is asked of a bounded number of rows."""

    form: LogForm
    said: dict[str, Any]
    found_by: Q
    narrowed_by: Q | None

    @property
    def of_events(self) -> bool:
        """Events that no route took have no delivery to be listed by."""
        return self.said.get("state") == NO_ROUTE

    @property
    def opens_events(self) -> bool:
        return bool(self.said.keys() & INSIDE)

    @property
    def only_here(self) -> bool:
        """Neither the API nor an operation can say it."""
        return self.opens_events or "q" in self.said or "*" in self.said.get("type", "")

    def for_api(self, *, now: datetime) -> dict[str, str]:
        """As far as the API has the words for it."""
        said = {name: self.said[name] for name in BY_API if name in self.said}
        if since := since_of(self.said, now=now):
            said["since"] = since
        if "*" in said.get("type", ""):
            del said["type"]
        if self.of_events:
            said = {name: said[name] for name in ("state", "type") if name in said}
        return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in said.items()}

    def for_operation(self, *, now: datetime) -> dict[str, str] | None:
        """The same in the words of an operation; None where an operation cannot say it."""
        if self.only_here or self.of_events:
            return None
        said = self.for_api(now=now)
        return said | ({"event_type": said.pop("type")} if "type" in said else {})


def asked_of(data: Any, tenant: Tenant, zone: ZoneInfo, *, now: datetime) -> Asked:
    """What is not understood is told by the form, and narrows nothing."""
    form = LogForm(data, connections=Connection.objects.of(tenant).order_by("name")[:OFFERED])
    with timezone.override(zone):
        form.is_valid()
    said = {name: value for name, value in form.cleaned_data.items() if value}
    return Asked(form, said, found_by(said, tenant, now=now), narrowed_by(said))


def since_of(said: dict[str, Any], *, now: datetime) -> datetime | None:
    """The later of the two, where both are said."""
    spans = [now - SPANS[said["span"]][1]] if "span" in said else []
    exact = [said["since"]] if "since" in said else []
    return max([*spans, *exact], default=None)


def found_by(said: dict[str, Any], tenant: Tenant, *, now: datetime) -> Q:
    wanted = Q()
    if since := since_of(said, now=now):
        wanted &= Q(public_id__gte=floor_of(since))
    if "until" in said:
        wanted &= Q(public_id__lt=floor_of(said["until"]))
    if said.get("state") == NO_ROUTE:
        return wanted & events_by(said["q"].strip(), [tenant.pk]) if "q" in said else wanted
    if "q" in said:
        wanted &= deliveries_by(said["q"].strip(), [tenant.pk])
    if "state" in said:
        wanted &= WAYS["state"](said["state"])
    if "reason" in said:
        wanted &= WAYS["reason"](said["reason"]) & states_for(said["reason"])
    return wanted


def narrowed_by(said: dict[str, Any]) -> Q | None:
    """None: nothing but what indexes answer."""
    of_event = said.get("state") == NO_ROUTE
    way = "type" if of_event else "event__type"
    ways = Q(reason=NO_ROUTE) if of_event else Q()
    if type := said.get("type"):
        ways &= Q(**{f"{way}__startswith": type[:-1]}) if type.endswith("*") else Q(**{way: type})
    if "connection" in said and not of_event:
        ways &= WAYS["connection"](said["connection"])
    return ways if ways or said.keys() & INSIDE else None
