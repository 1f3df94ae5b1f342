"""The outcomes of attempts, as pages and explanations show them."""

from django.utils.translation import gettext_noop

from hub.reason_codes import translate_text

OUTCOME_TITLES = {  # its label, and the state with its colour and icon
    "delivered": (gettext_noop("Delivered"), "delivered"),
    "later": (gettext_noop("Temporary failure"), "waiting"),
    "never": (gettext_noop("Permanent failure"), "failed"),
    "refresh": (gettext_noop("The access token had expired"), "held"),
    "reconnect": (gettext_noop("The authorization has expired or was revoked"), "failed"),
    "disable": (gettext_noop("The endpoint no longer exists"), "failed"),
    "unknown": (gettext_noop("It may have arrived"), "held"),
    "pending": (gettext_noop("Accepted, not confirmed yet"), "sending"),
}


def name_outcome(outcome: str) -> str:
    """Return the label of an attempt's outcome."""
    label, _look = OUTCOME_TITLES.get(outcome, (outcome, ""))
    return translate_text(label)
