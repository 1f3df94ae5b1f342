"""Reason codes of mails that were not sent."""

from django.utils.translation import gettext_noop as _

from hub.reason_codes.reason import Reason

MAIL_REASONS = {  # of a mail that was not sent
    "mail_server_away": Reason(
        _(
            "The mail server could not be reached or does not accept mail from the hub. "
            "Sending is retried automatically."
        ),
        _("Check HUB_EMAIL_URL and HUB_EMAIL_FROM, and whether the mail server is running."),
    ),
    "mail_put_off": Reason(_("The mail server deferred it. Sending is retried automatically.")),
    "mail_refused": Reason(
        _("The mail server rejected this e-mail. Most often the address does not exist."),
        _("Correct the address where it was entered, or send the e-mail again."),
    ),
    "mail_expired": Reason(
        _("No mail server accepted it before it expired."),
        _("Request it again if it is still needed."),
    ),
    "mail_unreadable": Reason(
        _("Its content can no longer be decrypted."), _("Request it again if it is still needed.")
    ),
}
