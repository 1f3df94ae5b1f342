"""Hand the mails that are due to the mail server, one by one, and note what it said of each.

A mail that was on its way when its worker died goes again, under the same Message-ID.
"""

import smtplib
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Protocol

import structlog
from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models import QuerySet
from django.utils.module_loading import import_string

from hub.mail.letters import written
from hub.mail.models import Mail
from hub.secrets import CannotOpen
from hub.states import WrongState

CLAIM = timedelta(minutes=2)  # longer than all steps of talking to a slow server about one mail
PAUSES = tuple(timedelta(minutes=number) for number in (1, 5, 15, 60, 180, 360))  # after each try; then the last
LEFT_ALONE = timedelta(minutes=1)  # a server that is away: each look at it costs a worker some seconds
AWAY, PUT_OFF, REFUSED = "mail_server_away", "mail_put_off", "mail_refused"

log = structlog.get_logger(__name__)


class Server(Protocol):
    """As Django's mail backends are."""

    def open(self) -> object: ...
    def send_messages(self, messages: list[EmailMessage]) -> object: ...
    def close(self) -> None: ...


def due(*, now: datetime) -> QuerySet[Mail]:
    return Mail.objects.filter(state="waiting", due_at__lte=now).order_by("due_at", "pk")


def deliver(server: Server, *, clock: Callable[[], datetime], go_on: Callable[[], bool], most: int) -> None:
    """No transaction is open here. Where the server is away, the others are not tried after the first."""
    try:
        for mail in due(now=clock())[:most]:
            if not go_on():
                return
            if claimed(mail, now=clock()) and handed_over(mail, server, clock=clock) == AWAY:
                due(now=clock() + LEFT_ALONE).update(due_at=clock() + LEFT_ALONE)
                return
    finally:
        with suppress(OSError):
            server.close()


def claimed(mail: Mail, *, now: datetime) -> bool:
    """Where another worker has it, it is due later already."""
    rows = Mail.objects.filter(pk=mail.pk, state="waiting", due_at=mail.due_at)
    mail.due_at, mail.attempt_count = now + CLAIM, mail.attempt_count + 1
    return bool(rows.update(due_at=mail.due_at, attempt_count=mail.attempt_count))


def handed_over(mail: Mail, server: Server, *, clock: Callable[[], datetime]) -> str:
    """Why the server did not take it; empty where it did."""
    reason = "mail_expired" if mail.until <= clock() else refusal(mail, server)
    with suppress(WrongState), transaction.atomic():  # taken back meanwhile
        settle(mail, reason, now=clock())
        tell(mail, now=clock())
    told = {"mail": str(mail.public_id), "kind": mail.called, "attempt_count": mail.attempt_count}
    if reason:
        log.warning("mail.not_sent", reason=reason, state=mail.state, **told)
    else:
        log.info("mail.sent", **told)
    return reason


def refusal(mail: Mail, server: Server) -> str:
    try:
        letter = written(mail.to, **mail.open(), id=str(mail.public_id))
        server.open()
        server.send_messages([letter])
    except CannotOpen:
        return "mail_unreadable"
    except (smtplib.SMTPRecipientsRefused, smtplib.SMTPDataError) as error:  # it is about this mail
        return REFUSED if min(codes(error), default=0) >= 500 else PUT_OFF
    except OSError:  # smtplib's own are OSErrors; among them a sender or password that no mail goes with
        return AWAY
    except ValueError:  # an address may be none that SMTP can say
        return REFUSED
    return ""


def codes(error: smtplib.SMTPRecipientsRefused | smtplib.SMTPDataError) -> list[int]:
    if isinstance(error, smtplib.SMTPDataError):
        return [error.smtp_code]
    return [code for code, _ in error.recipients.values()]


def settle(mail: Mail, reason: str, *, now: datetime) -> None:
    if not reason:
        mail.taken(now=now)
    elif reason == "mail_expired":
        mail.expire()
    elif reason in (AWAY, PUT_OFF):
        again = min(now + PAUSES[min(mail.attempt_count, len(PAUSES)) - 1], max(mail.until, now))
        rows = Mail.objects.filter(pk=mail.pk, state="waiting", due_at=mail.due_at)
        mail.due_at, mail.reason = again, reason
        rows.update(due_at=again, reason=reason)
    else:
        mail.give_up(reason)


def tell(mail: Mail, *, now: datetime) -> None:
    """Whoever asked for it may keep what became of it; the settings know by name who."""
    if mail.kind in settings.HUB_MAIL_NEWS:
        import_string(settings.HUB_MAIL_NEWS[mail.kind])(mail.about, reason=mail.reason, sent_at=mail.sent_at)
