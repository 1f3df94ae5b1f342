"""People hear once that something must be done, are reminded while nobody does it, and hear when it
is done.
"""

from datetime import timedelta

import pytest
from django.utils import translation

from hub.mail.models import Mail
from hub.notices import mailing
from hub.notices.forms import MailPreferencesForm, QuietHoursForm
from hub.notices.kinds import NOTICE_KINDS
from hub.notices.models import MailPreference, Notice, QuietHours
from hub.notices.notify import create_notice
from hub.notices.tasks import wake_for_due_notices
from hub.outgoing.intake.notices import publish_notices
from hub.outgoing.models import Event, EventBody
from hub.prune.batches import RetentionCutoffs, prune_batches
from hub.queue import WakeUp
from tenants.models import Membership
from tests.factories import MINUTE, NOON
from tests.fakes import MailServer
from tests.mails import deliver_mails
from tests.markup import normalize_markup
from tests.translations.bracketed_language import OPEN, bracketed_language

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


@pytest.fixture
def acme(make):
    return make.tenant("acme", name="Acme Ltd")


@pytest.fixture
def ann(make, acme):
    """She connected the account."""
    user = make.user("ann@acme.test")
    make.membership(acme, user, role="admin")
    return user


@pytest.fixture
def owner(make, acme):
    user = make.user("owner@acme.test")
    make.membership(acme, user, role="owner")
    return user


@pytest.fixture
def slack(make, acme, ann, owner):
    make.membership(acme, make.user("bystander@acme.test"))
    return make.connection(acme, connector="slack", name="Our Slack", connected_by=ann)


def mail_due_notices(at=NOON):
    """Who gets a mail then."""
    for notice in mailing.find_due_notices(now=at):
        mailing.mail_notice(notice, now=at)
    server = MailServer()
    deliver_mails(server, at)
    return sorted(to for letter in server.taken for to in letter.to)


def test_who_connected_it_and_the_owners_get_one_mail(slack):
    slack.mark_needs_reconnect("token_revoked", now=NOON)
    assert mail_due_notices() == ["ann@acme.test", "owner@acme.test"]
    assert mail_due_notices(NOON + 60 * MINUTE) == []


def test_the_mail_says_what_why_and_where(slack, settings):
    slack.mark_needs_reconnect("token_revoked", now=NOON)
    mailing.mail_notice(Notice.unscoped.get(), now=NOON)
    sent, _ = deliver_mails(at=NOON)
    assert sent.subject == "A connection must be authorized again: Our Slack"
    assert "Slack rejected it: token revoked. New deliveries wait until it is fixed." in sent.body
    assert (
        f"Authorize it again: {settings.HUB_PUBLIC_URL}/t/acme/connections/{slack.public_id}/"
        "reconnect/\n" in sent.body
    )


PAGES = {  # by kind: what the page behind its mail's link begins with
    "needs_reconnect": "Connect Our Slack again",
    "failing": "Events",
    "discrepancies": "Discrepancies",
    "log_lines_late": "Log shipping",
    "log_lines_dropped": "Log shipping",
    "log_lines_rejected": "Log shipping",
    "run_failed": "Run of Orders",
    "deadline_missed": "Run of Orders",
    "schema_drift": "Schema",
    "webhooks_threatened": "Webhook health",
    "source_gap": "Gap · Our Slack",
}


@pytest.mark.corrections(item="3.9")
@pytest.mark.parametrize("kind", sorted(NOTICE_KINDS))
def test_a_mail_leads_to_the_page_on_which_the_reader_does_what_it_says(
    make, client, acme, owner, slack, kind
):
    run = make.finished_run(make.job(acme, connector="slack", name="Orders"))
    subject = make.gap(make.source(slack, "message")) if kind == "source_gap" else run
    create_notice(
        kind,
        "",
        {},
        occurrence=f"{subject.public_id}:{NOON.isoformat()}",  # it may happen to it again
        now=NOON,
        tenant_id=acme.pk,
        connection_id=slack.pk,
    )
    client.force_login(owner)
    page = client.get(Notice.unscoped.get(kind=kind).path)
    heading = normalize_markup(page.content.decode()).partition("<h1>")[2]
    assert heading.startswith(PAGES.get(kind, "Our Slack"))


def test_reminders_come_after_one_three_and_seven_days_and_then_it_is_quiet(slack):
    slack.mark_needs_reconnect("token_revoked", now=NOON)
    days = [day for day in range(30) if mail_due_notices(NOON + day * DAY)]
    assert days == [0, 1, 3, 7]


def test_a_reminder_says_since_when(slack):
    slack.mark_needs_reconnect("token_revoked", now=NOON)
    mail_due_notices()
    mailing.mail_notice(Notice.unscoped.get(), now=NOON + DAY)
    sent = deliver_mails(at=NOON + DAY)[0]
    assert sent.subject.startswith("Reminder: ")
    assert "This has been the case since 2026-11-25 12:00 UTC." in sent.body


def test_after_a_recovery_there_are_no_reminders_but_a_notice_that_it_works_again(make, slack):
    slack.mark_needs_reconnect("token_revoked", now=NOON)
    mail_due_notices()
    for _ in range(3):
        make.delivery(slack)
    slack.mark_healthy(now=NOON + MINUTE)
    notice = Notice.unscoped.get(kind="works_again")
    assert notice.sentence == "“Our Slack” works again. 3 waiting events are sent now."
    assert mail_due_notices(NOON + MINUTE) == ["ann@acme.test", "owner@acme.test"]
    assert not [day for day in range(1, 30) if mail_due_notices(NOON + day * DAY)]


def test_a_connection_paused_by_a_person_sends_no_reminders(slack):
    slack.mark_needs_reconnect("token_revoked", now=NOON)
    slack.pause("holiday", until=None, now=NOON)
    assert (mail_due_notices(), Notice.unscoped.get().resolved_at) == ([], NOON)


def test_a_former_member_gets_no_mail(slack, ann):
    ann.memberships.all().delete()
    slack.mark_needs_reconnect("token_revoked", now=NOON)
    assert mail_due_notices() == ["owner@acme.test"]


def test_a_member_who_may_not_sign_in_gets_no_mail(slack, ann):
    ann.is_active = False
    ann.save()
    slack.mark_needs_reconnect("token_revoked", now=NOON)
    assert mail_due_notices() == ["owner@acme.test"]


def test_a_recovery_before_the_mail_was_sent_withdraws_it(slack):
    slack.mark_needs_reconnect("token_revoked", now=NOON)
    mailing.mail_notice(Notice.unscoped.get(), now=NOON)
    deliver_mails(MailServer(MailServer.AWAY), NOON)
    slack.mark_healthy(now=NOON + MINUTE)
    mail_due_notices(NOON + MINUTE)
    assert {mail.kind_label for mail in Mail.objects.all()} == {"notice"}
    assert (
        Mail.objects.filter(
            about=Notice.unscoped.get(kind="needs_reconnect").mail_reference
        ).count()
        == 0
    )


def test_a_mail_is_tried_until_the_reminder_has_its_turn(slack):
    slack.mark_needs_reconnect("token_revoked", now=NOON)
    mailing.mail_notice(Notice.unscoped.get(), now=NOON)
    assert set(Mail.objects.values_list("until", flat=True)) == {NOON + DAY}


def test_without_mail_the_pages_tell_it_all_the_same(slack, settings):
    settings.HUB_EMAIL_URL = ""
    slack.mark_needs_reconnect("token_revoked", now=NOON)
    assert mail_due_notices() == []
    assert Notice.unscoped.get().next_mail_at == NOON + DAY


def test_two_workers_tell_it_once(slack):
    slack.mark_needs_reconnect("token_revoked", now=NOON)
    (mine,), (theirs,) = (
        list(mailing.find_due_notices(now=NOON)),
        list(mailing.find_due_notices(now=NOON)),
    )
    mailing.mail_notice(mine, now=NOON)
    mailing.mail_notice(theirs, now=NOON)
    assert Mail.objects.count() == 2


def test_the_sweep_rings_for_reminders(slack):
    slack.mark_needs_reconnect("token_revoked", now=NOON)
    mail_due_notices()
    WakeUp.objects.all().delete()
    wake_for_due_notices(now=NOON + MINUTE)
    assert not WakeUp.objects.exists()
    wake_for_due_notices(now=NOON + DAY)
    assert WakeUp.objects.filter(name="tell").exists()


# --- what people want -----------------------------------------------------------------------------


def test_a_member_chooses_which_mails_to_have(slack, owner):
    form = MailPreferencesForm({"works_again": "on"}, membership=owner.memberships.get())
    assert form.is_valid()
    form.save()
    slack.mark_needs_reconnect("token_revoked", now=NOON)
    assert mail_due_notices() == ["ann@acme.test"]
    assert MailPreference.unscoped.count() == len(NOTICE_KINDS)
    assert MailPreferencesForm(membership=owner.memberships.get())["works_again"].initial is True


def test_without_a_choice_the_kind_of_notice_decides(slack):
    slack.mark_degraded("unavailable", now=NOON)
    assert mail_due_notices() == []
    assert Notice.unscoped.get().sentence.startswith(
        "“Our Slack”: It is in use, but has a problem."
    )


# --- our application ------------------------------------------------------------------------------


def test_our_application_hears_of_it_once_as_of_any_event(make, slack):
    slack.mark_needs_reconnect("token_revoked", now=NOON)
    publish_notices(now=NOON)
    publish_notices(now=NOON)
    event = Event.unscoped.get()
    assert (event.type, event.tenant, event.source) == (
        "connection.needs_reconnect",
        slack.tenant,
        "hub",
    )
    page_text = bytes(EventBody.objects.get().body).decode()
    assert str(slack.public_id) in page_text
    assert '"reason":"token_revoked"' in page_text


def test_what_happens_to_the_platforms_own_connection_is_for_staff(make):
    row = make.connection(connector="app")
    row.mark_needs_reconnect("unauthorized", now=NOON)
    publish_notices(now=NOON)
    assert (Event.unscoped.count(), Notice.unscoped.get().next_mail_at) == (0, None)


def test_a_notice_is_translated_when_it_is_shown(slack):
    slack.mark_needs_reconnect("token_revoked", now=NOON)
    notice = Notice.unscoped.get()
    with bracketed_language():
        assert notice.sentence.startswith(OPEN)


def test_the_mail_is_in_the_language_that_the_member_chose(slack, owner, settings):
    settings.LANGUAGES = [("en", "English"), ("de", "Deutsch")]
    membership = owner.memberships.get()
    form = QuietHoursForm(
        {"language": "de", "digest_hour": "8"}, instance=QuietHours(membership=membership)
    )
    assert form.is_valid(), form.errors
    form.save_hours(now=NOON)
    assert mailing.choose_language(Membership.unscoped.get(pk=membership.pk)) == "de"


def test_what_is_published_is_english(slack):
    slack.mark_needs_reconnect("token_revoked", now=NOON)
    with translation.override("de"):
        publish_notices(now=NOON)
    body = bytes(EventBody.objects.get().body).decode()
    assert "New deliveries wait until it is fixed." in body


def test_a_notice_from_before_messages_keeps_its_sentence(slack):
    notice = Notice.unscoped.create(
        key="old", kind="degraded", stored_sentence="It was slow.", created_at=NOON
    )
    assert notice.sentence == "It was slow."


def test_old_notices_are_pruned_and_open_ones_stay(slack):
    slack.mark_degraded("unavailable", now=NOON)
    slack.mark_needs_reconnect("token_revoked", now=NOON)
    list(prune_batches(RetentionCutoffs.at(NOON + 100 * DAY)))
    assert [notice.kind for notice in Notice.unscoped.all()] == ["needs_reconnect"]
