"""Reason codes of working connections that will stop."""

from django.utils.translation import gettext_noop as _

from hub.reason_codes.reason import Reason

EXPIRY_REASONS = {  # of a working connection that will stop
    "unsure": Reason(
        _(
            "The response to a token refresh may have been lost. The next refresh shows "
            "whether the authorization is still valid."
        ),
        _("If it is not, the customer must authorize it again."),
    ),
    "refresh_failing": Reason(
        _("The last token refresh failed."), _("Check the timeline of the authorization.")
    ),
    "unused": Reason(
        _("Its refresh token expires when it is not used for a certain time."),
        _("Resume the connection, or start a test."),
    ),
    "no_refresh": Reason(
        _("Its access token expires, and there is no refresh token."),
        _("Authorize it again."),
    ),
    "only_fails": Reason(
        _("All attempts have failed since %(since)s. It will be disabled."),
        _("Ask the customer to check the system."),
    ),
}
