"""Which notices a member of a tenant wants by mail, and when; every page tells them all the same."""

from datetime import datetime
from typing import Any

from django import forms
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from hub.notices.models import SETTLED, ConnectionMailPreference, MailPreference, QuietHours
from hub.words import NOTICES
from tenants.models import Membership, time_zones


class MailForm(forms.Form):
    """A box for each kind of notice."""

    def __init__(self, *args: Any, membership: Membership, **options: Any) -> None:
        super().__init__(*args, **options)
        self.membership = membership
        chosen = self.chosen()
        for kind, entry in NOTICES.items():
            wanted = chosen.get(kind, entry.mailed)
            self.fields[kind] = forms.BooleanField(label=entry.label, required=False, initial=wanted)

    def chosen(self) -> dict[str, bool]:
        return dict(MailPreference.unscoped.filter(membership=self.membership).values_list("kind", "enabled"))

    def save(self) -> None:
        choices = [
            MailPreference(membership=self.membership, kind=kind, enabled=self.cleaned_data[kind]) for kind in NOTICES
        ]
        MailPreference.unscoped.bulk_create(
            choices, update_conflicts=True, unique_fields=["membership", "kind"], update_fields=["enabled"]
        )


class ConnectionMailForm(MailForm):
    """The same for one connection; or as it is chosen for all."""

    OWN = (("", _("As I chose for all connections")), ("own", _("As I choose here")))

    own = forms.ChoiceField(
        label=_("Mails about this connection"), choices=OWN, required=False, widget=forms.RadioSelect
    )

    def __init__(self, *args: Any, connection: Any, **options: Any) -> None:
        self.connection = connection
        super().__init__(*args, **options)
        self.initial["own"] = "own" if self.here().exists() else ""

    def here(self) -> Any:
        return ConnectionMailPreference.unscoped.filter(membership=self.membership, connection=self.connection)

    def chosen(self) -> dict[str, bool]:
        return super().chosen() | dict(self.here().values_list("kind", "enabled"))

    @transaction.atomic
    def save(self) -> None:
        self.here().delete()
        if self.cleaned_data["own"]:
            ConnectionMailPreference.unscoped.bulk_create(
                ConnectionMailPreference(
                    membership=self.membership, connection=self.connection, kind=kind, enabled=self.cleaned_data[kind]
                )
                for kind in NOTICES
            )


class HoursForm(forms.ModelForm):
    """When mails go that can wait."""

    time_zone = forms.CharField(
        label=_("My time zone"), max_length=64, required=False,
        widget=forms.TextInput(attrs={"list": "zones", "autocomplete": "off", "spellcheck": "false"}),
        help_text=_("Empty: that of the organisation."),
    )  # fmt: skip

    class Meta:
        model = QuietHours
        fields = ("time_zone", "quiet_from", "quiet_until", "digest", "digest_hour")
        labels = {
            "quiet_from": _("Quiet from"),
            "quiet_until": _("Quiet until"),
            "digest": _("One mail a day, with all that can wait"),
            "digest_hour": _("The hour of the daily mail"),
        }
        help_texts = {"quiet_until": _("What can wait goes then. Both empty: there are no quiet hours.")}
        widgets = {
            "quiet_from": forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
            "quiet_until": forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
            "digest_hour": forms.Select(choices=[(hour, f"{hour:02}:00") for hour in range(24)]),
        }

    def clean_time_zone(self) -> str:
        zone: str = self.cleaned_data["time_zone"]
        if zone and zone not in time_zones():
            raise forms.ValidationError(_("This is not a time zone such as Europe/Berlin."))
        return zone

    def clean(self) -> dict[str, Any]:
        said = super().clean() or self.cleaned_data
        if (said.get("quiet_from") is None) != (said.get("quiet_until") is None) and not self.errors:
            self.add_error("quiet_until", _("Quiet hours have a beginning and an end."))
        return said

    def keep(self, *, now: datetime) -> None:
        """What waited for a daily mail that is wanted no longer comes in one last."""
        hours: QuietHours = self.save(commit=False)
        if hours.digest and hours.digest_at is None:
            hours.digested_at = now
        ends = not hours.digest and hours.digest_at is not None
        hours.digest_at = now + SETTLED if ends else hours.next_digest(now=now)
        hours.save()
