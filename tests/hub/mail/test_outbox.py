"""A mail is a row until a server has taken it: nothing is lost, nothing goes for ever, nothing lies
open.
"""

import smtplib
from datetime import timedelta

import pytest
from django.db import transaction

from hub import mail
from hub.crypto.sealed import seal
from hub.mail.deliver import RETRY_DELAYS, deliver_due_mails
from hub.mail.models import Mail
from hub.mail.tasks import wake_for_due_mails
from hub.prune.batches import RetentionCutoffs, prune_batches
from hub.queue import WakeUp
from hub.reason_codes import MAIL_REASONS
from tests.factories import MINUTE, NOON
from tests.fakes import MailServer
from tests.mails import deliver_mails

pytestmark = pytest.mark.django_db

INVITED = {"inviter": "Ann", "tenant": "Acme", "url": "https://hub.test/i/7/", "until": NOON}
DAY = timedelta(days=1)


def queue_invitation(to="robin@example.com", **options):
    mail.queue_mail(to, "mail/invitation.txt", INVITED, **{"now": NOON} | options)
    return Mail.objects.latest("pk")


def send(server=None, at=NOON):
    deliver_mails(server, at)


def read_state(row):
    row.refresh_from_db()
    return row.state, row.reason


def test_it_lies_sealed_until_it_was_sent_and_then_no_more():
    row = queue_invitation()
    assert "hub.test" not in str(Mail.objects.values().get()) and "Ann" not in str(
        Mail.objects.values().get()
    )
    server = MailServer()
    send(server)
    (letter,) = server.taken
    assert (letter.to, letter.subject) == (["robin@example.com"], "Ann invites you to Acme")
    assert (*read_state(row), row.sealed, row.sent_at) == ("sent", "", None, NOON)
    send(server, NOON + DAY)
    assert len(server.taken) == 1


def test_it_is_asked_for_with_what_it_tells_of_or_not_at_all():
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        queue_invitation()
        raise ZeroDivisionError
    assert not Mail.objects.exists() and not WakeUp.objects.filter(name="mail").exists()
    queue_invitation()
    assert WakeUp.objects.filter(name="mail").exists()


def test_without_a_server_nothing_is_asked_for(settings):
    settings.HUB_EMAIL_URL = ""
    with pytest.raises(mail.MailNotConfigured, match="HUB_EMAIL_URL is not set"):
        queue_invitation()
    assert not Mail.objects.exists()


AWAY = {
    "refused": ConnectionRefusedError(),
    "silent": TimeoutError(),
    "hung up": smtplib.SMTPServerDisconnected("bye"),
    "busy": smtplib.SMTPConnectError(421, b"later"),
    "wrong password": smtplib.SMTPAuthenticationError(535, b"no"),
    "wrong sender": smtplib.SMTPSenderRefused(550, b"not you", "hub@hub.test"),
    "no TLS": smtplib.SMTPNotSupportedError("STARTTLS"),
}


@pytest.mark.parametrize("error", AWAY.values(), ids=AWAY)
def test_a_server_that_takes_nothing_is_tried_again_ever_more_rarely(error):
    row, server = queue_invitation(until=NOON + 3 * DAY), MailServer(error)
    at = NOON
    for pause in (*RETRY_DELAYS, RETRY_DELAYS[-1]):
        send(server, at)
        assert read_state(row) == ("waiting", "mail_server_away")
        assert row.due_at == at + pause
        at = row.due_at
    server.answer = None
    send(server, at)
    assert read_state(row) == ("sent", "")


def test_a_server_that_is_away_is_left_alone_for_all():
    """One try of one mail; the others wait without having been tried."""
    server = MailServer(MailServer.AWAY)
    rows = [queue_invitation(f"person{number}@example.com") for number in range(5)]
    send(server)
    send(server)
    assert server.asked == 1
    assert [Mail.objects.get(pk=row.pk).attempt_count for row in rows] == [1, 0, 0, 0, 0]
    server.answer = None
    send(server, NOON + MINUTE)
    assert len(server.taken) == 5


ABOUT_THIS_MAIL = {
    "no such user": (
        smtplib.SMTPRecipientsRefused({"a": (550, b"no such user")}),
        ("failed", "mail_refused"),
    ),
    "put off": (
        smtplib.SMTPRecipientsRefused({"a": (451, b"greylisted")}),
        ("waiting", "mail_put_off"),
    ),
    "looks like spam": (smtplib.SMTPDataError(554, b"spam"), ("failed", "mail_refused")),
    "mailbox busy": (smtplib.SMTPDataError(452, b"full"), ("waiting", "mail_put_off")),
    "no address at all": (ValueError("Invalid address"), ("failed", "mail_refused")),
}


@pytest.mark.parametrize(("error", "becomes"), ABOUT_THIS_MAIL.values(), ids=ABOUT_THIS_MAIL)
def test_what_the_server_says_of_one_mail_holds_no_other(error, becomes):
    first, second = queue_invitation("wrong@example.com"), queue_invitation("right@example.com")
    server = MailServer(error)
    send(server)
    assert (read_state(first), read_state(second)) == (becomes, becomes)
    assert server.asked == 2


def test_a_refused_mail_is_sent_again_on_request():
    row = queue_invitation()
    send(MailServer(MailServer.REFUSES))
    row.refresh_from_db()
    assert row.can_send_again(now=NOON)
    row.send_again(now=NOON + MINUTE)
    server = MailServer()
    send(server, NOON + MINUTE)
    assert read_state(row) == ("sent", "")
    assert len(server.taken) == 1


def test_a_mail_sent_twice_is_the_same_mail():
    row, servers = queue_invitation(), [MailServer(), MailServer()]
    send(servers[0])
    Mail.objects.update(
        state="waiting", due_at=NOON, sealed=seal({"subject": "a", "text": "b"}, row.binding)
    )
    send(servers[1])
    first, second = (server.taken[0].message()["Message-ID"] for server in servers)
    assert first == second == f"<{row.public_id}@hub.test>"


def test_what_is_worth_nothing_any_more_is_not_sent_and_not_kept():
    row, server = queue_invitation(until=NOON + 15 * MINUTE), MailServer()
    send(MailServer(MailServer.AWAY))
    send(server, NOON + 16 * MINUTE)
    assert (*read_state(row), row.sealed, server.taken) == ("failed", "mail_expired", None, [])
    assert not row.can_send_again(now=NOON + 16 * MINUTE)


def test_the_last_try_is_not_later_than_it_is_worth():
    row = queue_invitation(until=NOON + 3 * MINUTE)
    for minutes in range(2):
        send(MailServer(MailServer.AWAY), NOON + minutes * MINUTE)
    assert read_state(row) == ("waiting", "mail_server_away")
    assert row.due_at == NOON + 3 * MINUTE


def test_what_does_not_open_holds_no_other(settings):
    broken, other, server = queue_invitation(), queue_invitation(), MailServer()
    Mail.objects.filter(pk=broken.pk).update(sealed=seal({}, "of another row"))
    send(server)
    assert (read_state(broken), read_state(other)) == (("failed", "mail_unreadable"), ("sent", ""))


def test_two_workers_send_it_once():
    row = queue_invitation()
    mail_server = MailServer()

    class Slow(MailServer):
        def send_messages(self, messages):
            send(mail_server)  # the other one looks meanwhile
            super().send_messages(messages)

    slow = Slow()
    send(slow)
    assert (len(slow.taken), len(mail_server.taken), read_state(row)) == (1, 0, ("sent", ""))


def test_a_worker_that_died_on_the_way_is_followed_by_another():
    row = queue_invitation()

    class Killed(MailServer):
        def send_messages(self, messages):
            raise SystemExit

    with pytest.raises(SystemExit):
        send(Killed())
    server = MailServer()
    send(server, NOON + MINUTE)
    assert not server.taken
    send(server, NOON + 2 * MINUTE)
    assert (len(server.taken), read_state(row), row.attempt_count) == (1, ("sent", ""), 2)


def test_what_is_withdrawn_does_not_go_and_nothing_else_is_withdrawn_with_it():
    queue_invitation(about="a"), queue_invitation(about="b"), queue_invitation()
    mail.withdraw_mails("a", "")
    server = MailServer()
    send(server)
    assert len(server.taken) == 2


def test_withdrawn_while_it_is_on_its_way_it_leaves_no_trace():
    queue_invitation(about="a")

    class Late(MailServer):
        def send_messages(self, messages):
            mail.withdraw_mails("a")
            super().send_messages(messages)

    send(Late())
    assert not Mail.objects.exists()


def test_a_worker_that_shall_stop_leaves_the_rest():
    queue_invitation(), queue_invitation()
    server, answers = MailServer(), iter([True, False])
    deliver_due_mails(server, clock=lambda: NOON, may_continue=lambda: next(answers), max_mails=9)
    assert len(server.taken) == 1


def test_the_sweep_rings_when_another_try_is_due():
    queue_invitation()
    send(MailServer(MailServer.AWAY))
    WakeUp.objects.all().delete()
    wake_for_due_mails(now=NOON)
    assert not WakeUp.objects.exists()
    wake_for_due_mails(now=NOON + MINUTE)
    assert WakeUp.objects.filter(name="mail").exists()


def test_every_reason_has_its_words_and_who_stands_still_an_action():
    for code in (
        "mail_server_away",
        "mail_put_off",
        "mail_refused",
        "mail_expired",
        "mail_unreadable",
    ):
        assert MAIL_REASONS[code].sentence
    assert all(
        MAIL_REASONS[code].action for code in ("mail_refused", "mail_expired", "mail_unreadable")
    )


def test_old_mails_are_pruned_and_those_that_wait_stay():
    invitation, waits = queue_invitation(), queue_invitation(until=NOON + 100 * DAY)
    Mail.objects.filter(pk=invitation.pk).update(state="sent")
    list(prune_batches(RetentionCutoffs.at(NOON + 31 * DAY)))
    assert list(Mail.objects.all()) == [waits]
