"""A reason code's sentence, and the action that resolves the cause."""

from collections.abc import Mapping
from typing import NamedTuple

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _


class Reason(NamedTuple):
    """The sentence of a reason code, and the action that resolves it (empty: none)."""

    marked_sentence: str
    marked_action: str = ""
    names: Mapping[str, str] = {}  # values that are known only when the reason occurs

    @property
    def sentence(self) -> str:
        return translate_text(self.marked_sentence, self.names)

    @property
    def action(self) -> str:
        return translate_text(self.marked_action, self.names)


def translate_text(text: str, names: Mapping[str, str] = {}) -> str:
    translated = gettext(text) if text else ""
    return translated % names if names else translated


# actions that resolve the causes of several reasons
RECONNECT_WITH_PERMISSION = _("Reconnect the account and allow that permission.")
RESUME_CONNECTION = _("Resume the connection.")
ENABLE_CONNECTION = _("Enable the connection.")
RESTORE_TENANT = _("Restore the tenant.")
SWITCH_ON = _("Switch it on again.")
START_READ_AGAIN = _("Start the read again.")
CORRECT_JOB_OPTIONS = _("Correct the options of the job.")

# reasons of deliveries and of webhook subscriptions
CREDENTIAL_UNREADABLE = Reason(
    _("The stored credential cannot be decrypted."), _("Enter the credential again.")
)
CHECK_STOPPED = Reason(
    _("An internal error of the hub stopped the check of its registrations."),
    _("Wait for the next release."),
)
