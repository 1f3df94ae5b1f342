"""Forms of the actions on a connection, which admin and portal share."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from hub import staff

PAUSE_LENGTHS = {
    "1": _("for one hour"),
    "4": _("for four hours"),
    "24": _("for a day"),
    "168": _("for a week"),
    "": _("until it is resumed"),
}


class ReasonForm(forms.Form):
    reason = forms.CharField(
        label=_("Reason"),
        max_length=300,
        help_text=_("Shown with the affected deliveries and kept in the audit log."),
    )


class PauseForm(ReasonForm):
    length = forms.ChoiceField(
        label=_("Duration"), choices=list(PAUSE_LENGTHS.items()), required=False
    )


REVOKE_LATER = "later"


class DisconnectForm(forms.Form):
    revoke = forms.ChoiceField(
        label=_("End of our access"),
        choices=[
            (REVOKE_LATER, _("In 24 hours. Until then the disconnect can be undone")),
            ("now", _("Now: disconnect and revoke. This cannot be undone")),
        ],
        initial=REVOKE_LATER,
        required=False,
        widget=forms.RadioSelect,
        help_text=_("Nothing is sent or processed from now on, whichever you choose."),
    )
    what_waits = forms.ChoiceField(
        label=_("Waiting deliveries"),
        choices=[
            ("hold", _("Hold them until it is connected again")),
            ("cancel", _("Cancel them")),
        ],
        initial="hold",
        widget=forms.RadioSelect,
    )
    reason = forms.CharField(
        label=_("Reason"), max_length=300, required=False, help_text=_("Kept in the audit log.")
    )


class StaffPauseForm(PauseForm, staff.ActionForm):
    """The form in the style of the staff pages."""


class StaffDisconnectForm(DisconnectForm, staff.ActionForm):
    """The form in the style of the staff pages; staff have to give a reason."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].required = True


def compute_pause_end(data: Mapping[str, Any], now: datetime) -> datetime | None:
    """Return when the pause ends, from the data of a PauseForm; None: it has no end."""
    return now + timedelta(hours=int(data["length"])) if data["length"] else None
