"""Send due mails to the mail server, one by one, and store the result of each.

A mail whose worker died while sending is sent again with the same Message-ID.
"""

import smtplib
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Protocol

import structlog
from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models import QuerySet

from hub.crypto.sealed import CannotOpen
from hub.db.state_machine import InvalidTransition
from hub.mail.models import Mail
from hub.mail.rendering import build_email

CLAIM_LEASE = timedelta(minutes=2)  # longer than sending one mail to a slow server takes
# After each attempt; later attempts use the last delay.
RETRY_DELAYS = tuple(timedelta(minutes=number) for number in (1, 5, 15, 60, 180, 360))
# After an unreachable server: each attempt to reach it costs a worker some seconds.
SERVER_AWAY_DELAY = timedelta(minutes=1)
SERVER_AWAY_REASON, PUT_OFF_REASON, REFUSED_REASON = (
    "mail_server_away",
    "mail_put_off",
    "mail_refused",
)

log = structlog.get_logger(__name__)


class ResultRecorder(Protocol):
    """Records whether a mail was sent, where its text came from."""

    def __call__(self, about: str, /, *, reason: str, sent_at: datetime | None) -> None: ...


MAIL_RESULTS: dict[str, ResultRecorder] = {}  # by the template of a mail; see hub/wiring.py


class MailServer(Protocol):
    """The interface of Django's mail backends."""

    def open(self) -> object: ...
    def send_messages(self, messages: list[EmailMessage]) -> object: ...
    def close(self) -> None: ...


def find_due_mails(*, now: datetime) -> QuerySet[Mail]:
    return Mail.objects.filter(state="waiting", due_at__lte=now).order_by("due_at", "pk")


def deliver_due_mails(
    server: MailServer,
    *,
    clock: Callable[[], datetime],
    may_continue: Callable[[], bool],
    max_mails: int,
) -> None:
    """Send due mails, at most `max_mails`, until `may_continue` is false.

    Call it outside transactions. If the mail server is unreachable, all due mails are postponed by
    SERVER_AWAY_DELAY.
    """
    try:
        for mail in find_due_mails(now=clock())[:max_mails]:
            if not may_continue():
                return
            if (
                claim_mail(mail, now=clock())
                and send_claimed_mail(mail, server, clock=clock) == SERVER_AWAY_REASON
            ):
                find_due_mails(now=clock() + SERVER_AWAY_DELAY).update(
                    due_at=clock() + SERVER_AWAY_DELAY
                )
                return
    finally:
        with suppress(OSError):
            server.close()


def claim_mail(mail: Mail, *, now: datetime) -> bool:
    """Claim the mail for CLAIM_LEASE; return False if another worker claimed it first."""
    mails = Mail.objects.filter(pk=mail.pk, state="waiting", due_at=mail.due_at)
    mail.due_at, mail.attempt_count = now + CLAIM_LEASE, mail.attempt_count + 1
    return bool(mails.update(due_at=mail.due_at, attempt_count=mail.attempt_count))


def send_claimed_mail(mail: Mail, server: MailServer, *, clock: Callable[[], datetime]) -> str:
    """Send the mail and store the result; return a failure's reason code, empty if it was sent."""
    reason = "mail_expired" if mail.until <= clock() else try_sending(mail, server)
    with suppress(InvalidTransition), transaction.atomic():  # withdrawn meanwhile
        store_mail_result(mail, reason, now=clock())
        report_mail_result(mail, now=clock())
    log_context = {
        "mail": str(mail.public_id),
        "kind": mail.kind_label,
        "attempt_count": mail.attempt_count,
    }
    if reason:
        log.warning("mail.not_sent", reason=reason, state=mail.state, **log_context)
    else:
        log.info("mail.sent", **log_context)
    return reason


def try_sending(mail: Mail, server: MailServer) -> str:
    try:
        message = build_email(mail.to, **mail.open(), id=str(mail.public_id))
        server.open()
        server.send_messages([message])
    except CannotOpen:
        return "mail_unreadable"
    except (
        smtplib.SMTPRecipientsRefused,
        smtplib.SMTPDataError,
    ) as error:  # only this mail was rejected
        return (
            REFUSED_REASON if min(extract_smtp_codes(error), default=0) >= 500 else PUT_OFF_REASON
        )
    except OSError:  # including smtplib's own, such as a rejected sender or password
        return SERVER_AWAY_REASON
    except ValueError:  # the address may contain characters that SMTP cannot transmit
        return REFUSED_REASON
    return ""


def extract_smtp_codes(error: smtplib.SMTPRecipientsRefused | smtplib.SMTPDataError) -> list[int]:
    if isinstance(error, smtplib.SMTPDataError):
        return [error.smtp_code]
    return [code for code, _ in error.recipients.values()]


def store_mail_result(mail: Mail, reason: str, *, now: datetime) -> None:
    if not reason:
        mail.mark_sent(now=now)
    elif reason == "mail_expired":
        mail.mark_expired()
    elif reason in (SERVER_AWAY_REASON, PUT_OFF_REASON):
        retry_at = min(
            now + RETRY_DELAYS[min(mail.attempt_count, len(RETRY_DELAYS)) - 1], max(mail.until, now)
        )
        mails = Mail.objects.filter(pk=mail.pk, state="waiting", due_at=mail.due_at)
        mail.due_at, mail.reason = retry_at, reason
        mails.update(due_at=retry_at, reason=reason)
    else:
        mail.mark_dead(reason)


def report_mail_result(mail: Mail, *, now: datetime) -> None:
    """Report the result to the function that records it for this kind of mail, if any."""
    if mail.kind in MAIL_RESULTS:
        MAIL_RESULTS[mail.kind](mail.about, reason=mail.reason, sent_at=mail.sent_at)
