"""The one door to mail: what is to be sent is a row first, and a worker sends it. No page waits for a mail server."""

from hub.mail.outbox import MailNotConfigured, queue_mail, withdraw_mails
from hub.mail.rendering import build_absolute_url

__all__ = ["MailNotConfigured", "build_absolute_url", "queue_mail", "withdraw_mails"]
