"""Mail: `queue_mail` stores a row, and a worker sends it, so no page waits for a mail server."""

from hub.mail.languages import register_language_finder
from hub.mail.outbox import JUST_SENT, NOT_CONFIGURED, MailNotConfigured, queue_mail, withdraw_mails
from hub.mail.rendering import build_absolute_url

__all__ = [
    "JUST_SENT",
    "NOT_CONFIGURED",
    "MailNotConfigured",
    "build_absolute_url",
    "queue_mail",
    "register_language_finder",
    "withdraw_mails",
]
