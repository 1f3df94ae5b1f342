"""Reasons that the hub states where a person gives none: in English, translated when shown."""

from django.utils.translation import gettext, gettext_noop

REQUESTED_IN_LOG = gettext_noop("requested on the log pages")
REQUESTED_IN_REVIEW = gettext_noop("requested in the discrepancy review")
REQUESTED_AT_ENDPOINT = gettext_noop("requested on the endpoint's page")
ACCOUNT_DISCONNECTED = gettext_noop("it was disconnected")
OWN_REASONS = (
    REQUESTED_IN_LOG,
    REQUESTED_IN_REVIEW,
    REQUESTED_AT_ENDPOINT,
    ACCOUNT_DISCONNECTED,
)


def translate_reason(reason: str) -> str:
    """Return a stored reason in the reader's language; what a person wrote stays as it is."""
    return gettext(reason) if reason in OWN_REASONS else reason
