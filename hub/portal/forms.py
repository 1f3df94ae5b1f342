"""What a customer fills in."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from connectors.base import Choices, Connector
from hub.connections.choices import Offer
from hub.connections.forms import PAUSES, Stated
from hub.connections.models import Connection
from hub.outgoing.tell_in import Place
from hub.portal.log.saved import narrowing
from tenants.models import Tenant, time_zones

NAME_MOST = 200


class FillInForm(Stated):
    """A new connection: its name, and what its connector needs."""

    name = forms.CharField(label=_("Name"), max_length=NAME_MOST, help_text=_("What you call it here."))

    def __init__(self, *args: Any, connector: Connector, **kwargs: Any) -> None:
        super().__init__(*args, stated=connector.fields, known={}, kept={}, **kwargs)
        self.initial.setdefault("name", connector.label)


class PauseForm(forms.Form):
    length = forms.ChoiceField(label=_("For how long"), choices=list(PAUSES.items()), required=False)
    reason = forms.CharField(label=_("Why"), max_length=300, help_text=_("It is shown beside what stops."))

    def until(self, now: datetime) -> datetime | None:
        length = self.cleaned_data["length"]
        return now + timedelta(hours=int(length)) if length else None


class NameForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=NAME_MOST)


class ViewForm(forms.Form):
    """What narrows the log now, and how the team calls it."""

    name = forms.CharField(label=_("Name"), max_length=60)
    query = forms.CharField(widget=forms.HiddenInput)

    def clean_query(self) -> str:
        if not (query := narrowing(self.cleaned_data["query"])):
            raise forms.ValidationError(_("Nothing narrows the log."))
        return query


class DisconnectForm(forms.Form):
    what_waits = forms.ChoiceField(
        label=_("What waits for it"),
        choices=[("hold", _("Keep it held, until it is connected again")), ("cancel", _("Cancel it"))],
        initial="hold",
        widget=forms.RadioSelect,
    )
    data = forms.ChoiceField(
        label=_("What was sent over it"),
        choices=[
            ("keep", _("Keep it readable for as long as usual")),
            ("erase", _("Erase it now: what was sent and answered, and the identities. That it was sent stays known")),
        ],
        initial="keep",
        required=False,
        widget=forms.RadioSelect,
    )
    reason = forms.CharField(label=_("Why"), max_length=300, required=False, help_text=_("It stands in the activity."))
    sure = forms.BooleanField(label=_("I have read what happens"))


class OursForm(forms.Form):
    """One of our records, whose counterpart is to be said."""

    kind = forms.CharField(
        label=_("Kind"),
        max_length=60,
        widget=forms.TextInput(attrs={"list": "kinds", "autocomplete": "off"}),
        help_text=_("Such as channel, user or product."),
    )
    ours = forms.CharField(label=_("Ours"), max_length=200, help_text=_("As events name it, such as orders."))


class TheirsForm(forms.Form):
    """Its counterpart: chosen among those that the other system lists, or filled in by its id."""

    chosen = forms.CharField(required=False, max_length=401, widget=forms.Select())
    theirs = forms.CharField(required=False, max_length=200)

    def __init__(self, *args: Any, lists: Choices | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.check = lists.check if lists else lambda id: ""
        self.fields["chosen"].label = _("One of theirs")
        self.fields["theirs"].label = _("Its id there")

    def show(self, offer: Offer, *, current: str) -> None:
        """What there is to choose from, and what was said before."""
        if not offer.rows:
            del self.fields["chosen"]
            self.fields["theirs"].initial, self.fields["theirs"].required = current, True
            return
        options = {f"{id} {name}": name for id, name in offer.rows}
        listed = next((value for value in options if value.startswith(f"{current} ")), "")
        self.fields["chosen"].widget.choices = [("", _("Choose one")), *options.items()]
        self.fields["chosen"].initial, self.fields["theirs"].initial = listed, "" if listed else current
        self.fields["theirs"].label = _("Or another one, by its id there")

    def clean(self) -> dict[str, Any]:
        """Adds `id` and `name`: what is filled in counts more than what is chosen."""
        said = super().clean() or self.cleaned_data
        chosen, _space, name = said.get("chosen", "").partition(" ")
        typed = said.get("theirs", "")
        said["id"], said["name"] = (typed, "") if typed else (chosen, name)
        if not said["id"]:
            self.add_error("theirs", _("Say which one is meant."))
        elif wrong := self.check(said["id"]):
            self.add_error("theirs", wrong)
        return said


class TenantForm(forms.ModelForm):
    """What owners say of their organisation."""

    time_zone = forms.CharField(
        label=_("Time zone"),
        max_length=64,
        widget=forms.TextInput(attrs={"list": "zones", "autocomplete": "off", "spellcheck": "false"}),
        help_text=_("Times are shown in it, where a person has not chosen another. Such as Europe/Berlin."),
    )

    class Meta:
        model = Tenant
        fields = ("name", "time_zone")
        labels = {"name": _("Name")}

    def clean_time_zone(self) -> str:
        zone: str = self.cleaned_data["time_zone"]
        if zone not in time_zones():
            raise forms.ValidationError(_("This is not a time zone such as Europe/Berlin."))
        return zone


class PlacesForm(forms.Form):
    """Over which connections a tenant's people are told of notices."""

    over = forms.MultipleChoiceField(required=False, widget=forms.CheckboxSelectMultiple, label=_("Tell them in"))

    def __init__(self, *args: Any, places: Sequence[Place], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.free = {str(place.connection.public_id): place.connection for place in places if place.by is None}
        self.anyhow = [place for place in places if place.by]
        self.fields["over"].choices = [(id, str(row)) for id, row in self.free.items()]  # type: ignore[attr-defined]
        self.initial["over"] = [str(place.connection.public_id) for place in places if place.on]

    @property
    def chosen(self) -> list[Connection]:
        return [self.free[id] for id in self.cleaned_data["over"]]
