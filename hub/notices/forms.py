"""The forms of a member's mail preferences; pages show all notices regardless."""

from datetime import datetime
from typing import Any, cast

from django import forms
from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from hub.notices.kinds import NOTICE_KINDS
from hub.notices.models import DIGEST_DELAY, ConnectionMailPreference, MailPreference, QuietHours
from tenants.models import Membership, available_time_zones

ENTER_TIME_ZONE = _("Enter a time zone such as Europe/Berlin.")


class MailPreferencesForm(forms.Form):
    """The kinds of notices that a member receives by mail, one box for each kind."""

    def __init__(self, *args: Any, membership: Membership, **options: Any) -> None:
        super().__init__(*args, **options)
        self.membership = membership
        choices = self.read_choices()
        for kind, entry in NOTICE_KINDS.items():
            is_wanted = choices.get(kind, entry.is_mailed)
            self.fields[kind] = forms.BooleanField(
                label=entry.label, required=False, initial=is_wanted
            )

    def read_choices(self) -> dict[str, bool]:
        return dict(
            MailPreference.unscoped.filter(membership=self.membership).values_list(
                "kind", "enabled"
            )
        )

    def save(self) -> None:
        choices = [
            MailPreference(membership=self.membership, kind=kind, enabled=self.cleaned_data[kind])
            for kind in NOTICE_KINDS
        ]
        MailPreference.unscoped.bulk_create(
            choices,
            update_conflicts=True,
            unique_fields=["membership", "kind"],
            update_fields=["enabled"],
        )


class ConnectionMailPreferencesForm(MailPreferencesForm):
    """The mail preferences for one connection: as chosen for all connections, or separately."""

    SCOPES = (("", _("Same as for all connections")), ("own", _("Custom for this connection")))

    scope = forms.ChoiceField(
        label=_("E-mails about this connection"),
        choices=SCOPES,
        required=False,
        widget=forms.RadioSelect,
    )

    def __init__(self, *args: Any, connection: Any, **options: Any) -> None:
        self.connection = connection
        super().__init__(*args, **options)
        self.initial["scope"] = "own" if self.filter_choices().exists() else ""

    def filter_choices(self) -> Any:
        return ConnectionMailPreference.unscoped.filter(
            membership=self.membership, connection=self.connection
        )

    def read_choices(self) -> dict[str, bool]:
        return super().read_choices() | dict(self.filter_choices().values_list("kind", "enabled"))

    @transaction.atomic
    def save(self) -> None:
        self.filter_choices().delete()
        if self.cleaned_data["scope"]:
            ConnectionMailPreference.unscoped.bulk_create(
                ConnectionMailPreference(
                    membership=self.membership,
                    connection=self.connection,
                    kind=kind,
                    enabled=self.cleaned_data[kind],
                )
                for kind in NOTICE_KINDS
            )


class QuietHoursForm(forms.ModelForm):
    """The quiet hours of a member, and the hour of the daily mail."""

    time_zone = forms.CharField(
        label=_("My time zone"),
        max_length=64,
        required=False,
        widget=forms.TextInput(
            attrs={"list": "zones", "autocomplete": "off", "spellcheck": "false"}
        ),
        help_text=_("Leave empty to use the organisation's time zone."),
    )

    language = forms.ChoiceField(label=_("Language of my e-mails"), required=False)

    class Meta:
        model = QuietHours
        fields = (
            "language",
            "time_zone",
            "away_until",
            "quiet_from",
            "quiet_until",
            "digest",
            "digest_hour",
        )
        labels = {
            "away_until": _("Away until"),
            "quiet_from": _("Quiet from"),
            "quiet_until": _("Quiet until"),
            "digest": _("One summary e-mail per day for notices that are not urgent"),
            "digest_hour": _("Time of the daily e-mail"),
        }
        help_texts = {
            "away_until": _(
                "If everyone whom a notice concerns is away, other members receive it as well. "
                "Leave it empty when you are here."
            ),
            "quiet_until": _(
                "Notices that are not urgent are sent after the quiet hours. Leave both "
                "empty for no quiet hours."
            ),
        }
        widgets = {
            "away_until": forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
            "quiet_from": forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
            "quiet_until": forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
            "digest_hour": forms.Select(choices=[(hour, f"{hour:02}:00") for hour in range(24)]),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if len(settings.LANGUAGES) < 2:
            del self.fields["language"]
        else:
            choice = cast(forms.ChoiceField, self.fields["language"])
            choice.choices = [("", _("Default language")), *settings.LANGUAGES]

    def clean_time_zone(self) -> str:
        zone: str = self.cleaned_data["time_zone"]
        if zone and zone not in available_time_zones():
            raise forms.ValidationError(ENTER_TIME_ZONE)
        return zone

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if (data.get("quiet_from") is None) != (
            data.get("quiet_until") is None
        ) and not self.errors:
            self.add_error("quiet_until", _("Enter both the start and the end of the quiet hours."))
        return data

    def save_hours(self, *, now: datetime) -> None:
        """Save the hours; if the daily mail is switched off, schedule a last one."""
        hours: QuietHours = self.save(commit=False)
        if hours.digest and hours.digest_at is None:
            hours.digested_at = now
        has_ended = not hours.digest and hours.digest_at is not None
        hours.digest_at = now + DIGEST_DELAY if has_ended else hours.next_digest(now=now)
        hours.save()
