"""Ask for a mail: a row, in the caller's transaction, and a bell for the worker that sends it."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings

from hub.mail.letters import rendered
from hub.mail.models import Mail
from hub.queue import ring
from hub.secrets import seal

LASTS = timedelta(days=3)


class NotSetUp(Exception):
    """There is no mail server, so the mail is not asked for either."""


def send(
    to: str,
    template: str,
    context: Mapping[str, Any],
    *,
    now: datetime,
    about: str = "",
    after: datetime | None = None,
    until: datetime | None = None,
) -> None:
    """It does not go before `after`, and is worth trying `until`; `about` is what HUB_MAIL_NEWS tells of it, and
    `withdraw()` takes."""
    if not settings.HUB_EMAIL_URL:
        raise NotSetUp("Mail is not set up: HUB_EMAIL_URL is not set.")
    subject, text = rendered(template, context)
    goes = after or now
    row = Mail(to=to, kind=template, about=about, created_at=goes, due_at=goes, until=until or goes + LASTS)
    row.sealed = seal({"subject": subject, "text": text}, row.binding)
    row.save(force_insert=True)
    ring("mail", now=now)


def withdraw(*about: str) -> None:
    """What has not gone yet does not go any more: something newer was said, or its cause is gone."""
    Mail.objects.filter(about__in=[name for name in about if name]).exclude(state="sent").delete()
