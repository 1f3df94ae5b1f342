"""What a customer fills in."""

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from connectors.base import Connector
from hub.connections.forms import PAUSES, Stated
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


class DisconnectForm(forms.Form):
    waiting = forms.ChoiceField(
        label=_("What waits for it"),
        choices=[("keep", _("Keep it held, until it is connected again")), ("cancel", _("Cancel it"))],
        initial="keep",
        widget=forms.RadioSelect,
    )
    reason = forms.CharField(label=_("Why"), max_length=300, required=False, help_text=_("It stands in the activity."))
    sure = forms.BooleanField(label=_("I have read what happens"))


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
