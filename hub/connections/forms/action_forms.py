"""The forms that disconnect an account, which admin and portal share."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from hub import staff

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


class StaffDisconnectForm(DisconnectForm, staff.ActionForm):
    """The form in the style of the staff pages; staff have to give a reason."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].required = True
