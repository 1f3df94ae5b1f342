"""Quiet hours hold what can wait, one mail a day tells it together, and each connection may have
its own choice.
"""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from hub.console.health import measure_longest_mail_wait
from hub.mail.models import Mail
from hub.notices import digest, mailing
from hub.notices.forms import ConnectionMailPreferencesForm, MailPreferencesForm, QuietHoursForm
from hub.notices.kinds import NOTICE_KINDS
from hub.notices.models import Notice, QuietHours
from hub.notices.notify import resolve_notices
from hub.notices.quiet_hours import find_next_occurrence, find_quiet_end
from hub.notices.tasks import wake_for_due_notices
from hub.queue import WakeUp
from tests.factories import MINUTE, NOON
from tests.fakes import MailServer
from tests.mails import deliver_mails

pytestmark = pytest.mark.django_db

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
BERLIN = ZoneInfo("Europe/Berlin")
NIGHT = (time(22), time(7))


@pytest.fixture
def acme(make):
    return make.tenant("acme", name="Acme Ltd", time_zone="Europe/Berlin")


@pytest.fixture
def owner(make, acme):
    return make.membership(acme, make.user("owner@acme.test"), role="owner")


@pytest.fixture
def slack(make, acme, owner):
    return make.connection(acme, connector="slack", name="Our Slack", connected_by=owner.user)


def hours(member, *, now=NOON, **fields):
    row = QuietHours.unscoped.filter(membership=member).first() or QuietHours(membership=member)
    form = QuietHoursForm({"time_zone": "", "digest_hour": "8"} | fields, instance=row)
    assert form.is_valid(), form.errors
    form.save_hours(now=now)


def notice(connection, kind="works_again", at=NOON):
    return Notice.unscoped.create(
        key=f"{kind}:{connection.pk}:{at}",
        kind=kind,
        stored_sentence=f"“{connection}”: {kind}.",
        tenant=connection.tenant,
        connection=connection,
        created_at=at,
        next_mail_at=at,
    )


def list_due_mails(at):
    """Mails that go then, as subject and address."""
    for row in mailing.find_due_notices(now=at):
        mailing.mail_notice(row, now=at)
    for row in digest.find_due_digests(now=at).select_related(
        "membership__tenant", "membership__user"
    ):
        digest.mail_digest(row, now=at)
    server = MailServer()
    deliver_mails(server, at)
    return [(letter.to[0], letter.subject) for letter in server.taken]


# --- the arithmetic ---


@pytest.mark.parametrize(
    ("since", "until", "local", "ends"),
    [
        (*NIGHT, "2026-11-25T23:00", "2026-11-26T07:00"),
        (*NIGHT, "2026-11-26T06:59", "2026-11-26T07:00"),
        (*NIGHT, "2026-11-26T07:00", None),
        (*NIGHT, "2026-11-26T12:00", None),
        (time(12), time(13), "2026-11-26T12:30", "2026-11-26T13:00"),
        (time(12), time(12), "2026-11-26T12:00", None),
        (None, None, "2026-11-26T12:00", None),
        (*NIGHT, "2026-03-28T23:00", "2026-03-29T07:00"),  # the clock goes forward in that night
        (*NIGHT, "2026-10-24T23:00", "2026-10-25T07:00"),  # and back in that
        (
            time(22),
            time(2, 30),
            "2026-03-28T23:00",
            "2026-03-29T03:30",
        ),  # there is no 02:30 in that night
    ],
)
def test_quiet_ends_when_a_clock_there_says_so(since, until, local, ends):
    now = datetime.fromisoformat(local).replace(tzinfo=BERLIN).astimezone(UTC)
    quiet_end = find_quiet_end(since, until, BERLIN, now=now)
    assert quiet_end == (
        datetime.fromisoformat(ends).replace(tzinfo=BERLIN).astimezone(UTC) if ends else None
    )


def test_the_next_time_is_never_now():
    eight = datetime(2026, 11, 25, 7, tzinfo=UTC)
    assert find_next_occurrence(time(8), BERLIN, now=eight) == eight + DAY
    assert find_next_occurrence(time(8), BERLIN, now=eight - MINUTE) == eight


# --- quiet hours ---


def test_what_can_wait_goes_when_quiet_hours_end(slack, owner):
    hours(owner, quiet_from="12:30", quiet_until="15:00")  # it is 13:00 in Berlin
    notice(slack)
    assert list_due_mails(NOON) == [] and list_due_mails(NOON + HOUR) == []
    assert list_due_mails(NOON + 2 * HOUR) == [
        ("owner@acme.test", "A connection works again: Our Slack")
    ]
    assert list_due_mails(NOON + 3 * HOUR) == []


def test_they_are_those_of_the_persons_own_zone(slack, owner):
    hours(owner, quiet_from="12:30", quiet_until="15:00", time_zone="Asia/Tokyo")
    notice(slack)
    assert len(list_due_mails(NOON)) == 1


def test_that_it_must_be_authorized_again_comes_at_once(slack, owner):
    hours(owner, quiet_from="00:00", quiet_until="23:59", digest="on")
    slack.mark_needs_reconnect("token_revoked", now=NOON)
    assert len(list_due_mails(NOON)) == 1


def test_what_has_ended_by_the_end_of_quiet_hours_is_not_mailed(slack, owner):
    hours(owner, quiet_from="12:30", quiet_until="15:00")
    notice(slack, "failing")
    list_due_mails(NOON)
    resolve_notices("failing", connection_id=slack.pk, now=NOON + HOUR)
    assert list_due_mails(NOON + 2 * HOUR) == [] and not Mail.objects.exists()


def test_a_mail_is_tried_long_enough_after_quiet_hours(slack, owner):
    hours(owner, quiet_from="12:30", quiet_until="15:00")
    notice(slack)
    list_due_mails(NOON)
    mail = Mail.objects.get()
    assert measure_longest_mail_wait(now=NOON + HOUR) == timedelta(
        0
    )  # it is no fault of the mail server
    assert (mail.due_at, mail.until) == (NOON + 2 * HOUR, NOON + 2 * HOUR + DAY)


# --- one mail a day ---


def test_one_mail_a_day_tells_what_can_wait(slack, owner):
    hours(owner, digest="on", digest_hour="15")
    notice(slack)
    notice(slack, "failing", NOON + MINUTE)
    assert list_due_mails(NOON + HOUR) == []
    at = NOON + 2 * HOUR  # 15:00 in Berlin
    assert list_due_mails(at) == [
        ("owner@acme.test", "2 notices about the connections of Acme Ltd")
    ]
    assert list_due_mails(at + DAY) == []


def test_it_says_what_and_where(slack, owner, settings):
    hours(owner, digest="on", digest_hour="15")
    notice(slack, "failing")
    list_due_mails(NOON)
    digest.mail_digest(QuietHours.unscoped.get(), now=NOON + 2 * HOUR)
    (mail,) = Mail.objects.all()
    text = mail.open()["text"]
    assert "2026-11-25 13:00 CET: “Our Slack”: failing." in text
    assert (
        f"View the failures: {settings.HUB_PUBLIC_URL}/t/acme/events/?connection={slack.public_id}"
        in text
    )


def test_what_is_mended_before_is_left_out(slack, owner):
    hours(owner, digest="on", digest_hour="15")
    notice(slack, "failing")
    list_due_mails(NOON)
    resolve_notices("failing", connection_id=slack.pk, now=NOON + HOUR)
    assert list_due_mails(NOON + 2 * HOUR) == []


def test_a_sentence_stays_within_its_line(make, acme, slack, owner):
    hours(owner, digest="on", digest_hour="15")
    row = notice(slack, "failing")
    Notice.unscoped.filter(pk=row.pk).update(
        stored_sentence="“x\n\nClick here: https://evil.test/”"
    )
    list_due_mails(NOON)
    digest.mail_digest(QuietHours.unscoped.get(), now=NOON + 2 * HOUR)
    assert "\nClick here" not in Mail.objects.get().open()["text"]


def test_ending_and_beginning_quiet_hours_again_mails_nothing_twice(slack, owner):
    hours(owner, digest="on", digest_hour="15")
    notice(slack)
    assert list_due_mails(NOON) == []
    hours(owner, now=NOON + MINUTE)
    assert len(list_due_mails(NOON + 2 * MINUTE)) == 1
    notice(slack, at=NOON + 2 * MINUTE)
    assert len(list_due_mails(NOON + 2 * MINUTE)) == 1
    hours(owner, now=NOON + 3 * MINUTE, digest="on", digest_hour="15")
    assert list_due_mails(NOON + 2 * HOUR) == []


def test_a_lost_bell_is_rung_again_when_it_is_time(slack, owner):
    hours(owner, digest="on", digest_hour="15")
    wake_for_due_notices(now=NOON)
    assert not WakeUp.objects.filter(name="tell").exists()
    wake_for_due_notices(now=NOON + 2 * HOUR)
    assert WakeUp.objects.filter(name="tell").exists()


def test_two_workers_tell_it_once(slack, owner):
    hours(owner, digest="on", digest_hour="15")
    notice(slack)
    list_due_mails(NOON)
    quiet_hours, theirs = QuietHours.unscoped.get(), QuietHours.unscoped.get()
    digest.mail_digest(quiet_hours, now=NOON + 2 * HOUR)
    digest.mail_digest(theirs, now=NOON + 2 * HOUR)
    assert Mail.objects.count() == 1


def test_sixty_things_are_one_mail(slack, owner):
    hours(owner, digest="on", digest_hour="15")
    for number in range(60):
        notice(slack, at=NOON + timedelta(seconds=number))
    assert [subject for _to, subject in list_due_mails(NOON + 2 * HOUR)] == [
        "50 notices about the connections of Acme Ltd"
    ]


@pytest.mark.parametrize(
    "said",
    [
        {"quiet_from": "22:00"},
        {"digest_hour": "24"},
        {"time_zone": "Mars/Base"},
        {"quiet_until": "noon"},
    ],
)
def test_nonsense_is_refused(owner, said):
    form = QuietHoursForm(
        {"time_zone": "", "digest_hour": "8"} | said, instance=QuietHours(membership=owner)
    )
    assert not form.is_valid()


# --- one connection ---


def choose(member, connection, own, *kinds):
    form = ConnectionMailPreferencesForm(
        {"scope": own} | dict.fromkeys(kinds, "on"), membership=member, connection=connection
    )
    assert form.is_valid()
    form.save()


def test_a_connection_has_a_choice_of_its_own(make, acme, slack, owner):
    other = make.connection(acme, connector="slack", name="Other", connected_by=owner.user)
    choose(owner, slack, "own", "needs_reconnect")
    notice(slack)
    notice(other)
    assert [subject for _to, subject in list_due_mails(NOON)] == ["A connection works again: Other"]


def test_taken_back_the_choice_for_all_holds_again(slack, owner):
    choose(owner, slack, "own")
    choose(owner, slack, "")
    notice(slack)
    assert len(list_due_mails(NOON)) == 1


def test_a_member_who_wants_the_mail_gets_it_too(make, acme, slack):
    member = make.membership(acme, make.user("member@acme.test"))
    choose(member, slack, "own", "works_again")
    notice(slack)
    mailing.mail_notice(Notice.unscoped.get(), now=NOON)
    texts = {mail.to: mail.open()["text"] for mail in Mail.objects.all()}
    assert "because you turned on notifications" in texts["member@acme.test"]
    assert "because you connected" in texts["owner@acme.test"] and len(texts) == 2


def test_for_all_nothing_and_for_this_one_something(slack, owner):
    form = MailPreferencesForm({}, membership=owner)
    assert form.is_valid()
    form.save()
    choose(owner, slack, "own", *NOTICE_KINDS)
    notice(slack)
    assert len(list_due_mails(NOON)) == 1
