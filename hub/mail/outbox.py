"""Queue mails in the caller's transaction, and wake the worker that sends them."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext_noop

from hub.crypto.sealed import seal
from hub.mail.languages import choose_mail_language
from hub.mail.models import Mail
from hub.mail.rendering import render_mail
from hub.queue import wake_up

MAIL_LIFETIME = timedelta(days=3)


JUST_SENT = gettext_noop("An e-mail has just been sent. Wait a minute.")
NOT_CONFIGURED = gettext_noop("E-mail is not set up, so no e-mail can be sent.")


class MailNotConfigured(Exception):
    """HUB_EMAIL_URL is not set, so the mail is not queued."""


def queue_mail(
    to: str,
    template: str,
    context: Mapping[str, Any],
    *,
    now: datetime,
    about: str = "",
    after: datetime | None = None,
    until: datetime | None = None,
    language: str = "",
) -> None:
    """Render and store a mail that is sent after `after` and expires at `until`.

    Raises MailNotConfigured if HUB_EMAIL_URL is not set. about: the reference by which
    `withdraw_mails` finds the mail. language: its language; by default the recipient's, never that
    of the request.
    """
    if not settings.HUB_EMAIL_URL:
        raise MailNotConfigured("Mail is not set up: HUB_EMAIL_URL is not set.")
    language = language or choose_mail_language(to)
    with translation.override(language):
        subject, text = render_mail(template, context)
    send_at = after or now
    mail = Mail(
        to=to,
        kind=template,
        about=about,
        created_at=send_at,
        due_at=send_at,
        until=until or send_at + MAIL_LIFETIME,
    )
    mail.sealed = seal({"subject": subject, "text": text, "language": language}, mail.binding)
    mail.save(force_insert=True)
    wake_up("mail", now=now)


def withdraw_mails(*about: str) -> None:
    """Delete the mails about these references that were not sent yet."""
    Mail.objects.filter(about__in=[name for name in about if name]).exclude(state="sent").delete()
