"""A notice whose people are all absent reaches somebody else; a connection outlives its person."""

from datetime import timedelta

import pytest
from django.test import Client

from hub.audit import ActorContext
from hub.db.clock import clock
from hub.mail.models import Mail
from hub.notices.mailing import find_recipients, mail_notice
from hub.notices.models import MailPreference, Notice, QuietHours
from tenants.models import User
from tenants.services import membership_actions
from tests.factories import NOON
from tests.tenants.door import sign_in

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
HAND = ActorContext.system()


@pytest.fixture
def acme(make):
    return make.tenant("acme", name="Acme Teas")


@pytest.fixture
def connection(make, acme):
    return make.connection(acme, name="Ours")


@pytest.fixture
def member(make, acme):
    """Makes a member who was here a moment before noon."""

    def member(name, role="member", ago=DAY):
        person = make.user(f"{name}@acme.test")
        seen = NOON - ago
        User.objects.filter(pk=person.pk).update(last_login=seen, date_joined=seen)
        membership = make.membership(acme, person, role)
        type(membership).unscoped.filter(pk=membership.pk).update(created_at=seen)
        return membership

    return member


@pytest.fixture
def notify(connection):
    """The addresses that a notice about the connection reaches, and those in their place."""

    def notify():
        connection.refresh_from_db()
        connection.mark_needs_reconnect("unauthorized", now=NOON)
        notice = Notice.unscoped.select_related("tenant", "connection").latest("pk")
        recipients, substitutes = find_recipients(notice, now=NOON)
        return [sorted(row.user.email for row in rows) for rows in (recipients, substitutes)]

    return notify


def set_absence(membership, until):
    QuietHours.unscoped.create(membership=membership, away_until=until)


def refuse_mails(membership, state="failed", reason="mail_refused"):
    Mail.objects.create(
        to=membership.user.email,
        kind="mail/notice.txt",
        state=state,
        reason=reason,
        created_at=NOON,
        until=NOON + DAY,
    )


def test_while_a_member_is_present_no_substitute_gets_a_mail(member, notify):
    member("ann", "owner")
    set_absence(member("bob", "owner"), NOON.date() + DAY)
    member("carl", "admin")
    assert notify() == [["ann@acme.test", "bob@acme.test"], []]


def test_an_absence_that_was_entered_lasts_until_its_day(member, notify):
    set_absence(member("ann", "owner"), NOON.date())
    member("carl", "admin")
    assert notify() == [["ann@acme.test"], []]


def test_admins_stand_in_for_owners_who_are_away(member, notify):
    set_absence(member("ann", "owner"), NOON.date() + DAY)
    member("carl", "admin")
    member("dora")
    assert notify() == [["ann@acme.test"], ["carl@acme.test"]]


def test_members_stand_in_where_no_admin_is_there(member, notify):
    set_absence(member("ann", "owner"), NOON.date() + DAY)
    set_absence(member("carl", "admin"), NOON.date() + DAY)
    member("dora")
    assert notify() == [["ann@acme.test"], ["dora@acme.test"]]


def test_who_has_not_signed_in_for_60_days_is_absent(member, notify):
    member("ann", "owner", ago=61 * DAY)
    member("carl", "admin", ago=59 * DAY)
    assert notify() == [["ann@acme.test"], ["carl@acme.test"]]


def test_whose_mails_are_refused_is_absent_until_one_arrives(member, notify):
    ann = member("ann", "owner")
    member("carl", "admin")
    refuse_mails(ann)
    assert notify()[1] == ["carl@acme.test"]
    refuse_mails(ann, state="sent", reason="")
    recipients, substitutes = find_recipients(Notice.unscoped.latest("pk"), now=NOON)
    assert len(recipients) == 1 and substitutes == []


def test_an_owner_who_may_not_sign_in_any_more_is_no_reader(member, notify):
    ann = member("ann", "owner")
    User.objects.filter(pk=ann.user_id).update(is_active=False)
    member("carl", "admin")
    assert notify() == [[], ["carl@acme.test"]]


def test_a_member_who_wants_no_such_mail_is_no_substitute(member, notify):
    set_absence(member("ann", "owner"), NOON.date() + DAY)
    carl = member("carl", "admin")
    MailPreference.unscoped.create(membership=carl, kind="needs_reconnect", enabled=False)
    member("dora")
    assert notify() == [["ann@acme.test"], ["dora@acme.test"]]


def test_an_owner_who_switched_the_mail_off_is_not_absent(member, notify):
    ann = member("ann", "owner")
    MailPreference.unscoped.create(membership=ann, kind="needs_reconnect", enabled=False)
    member("carl", "admin")
    assert notify() == [[], []]


def test_another_tenants_members_are_no_substitutes(make, member, notify):
    set_absence(member("ann", "owner"), NOON.date() + DAY)
    make.membership(make.tenant("globex"), make.user("eve@globex.test"), "admin")
    assert notify() == [["ann@acme.test"], []]


def test_the_mail_says_why_a_substitute_receives_it(member, notify, settings):
    set_absence(member("ann", "owner"), NOON.date() + DAY)
    member("carl", "admin")
    notify()
    mail_notice(Notice.unscoped.latest("pk"), now=NOON)
    texts = {mail.to: mail.open()["text"] for mail in Mail.objects.all()}
    assert "are absent at" in texts["carl@acme.test"]
    assert "are absent at" not in texts["ann@acme.test"]


def test_a_member_enters_an_absence_in_the_settings(member):
    ann = member("ann", "owner")
    client = Client()
    sign_in(client, "ann@acme.test")
    data = {"save": "hours", "hours-digest_hour": "8", "hours-away_until": "2030-01-31"}
    assert client.post("/t/acme/settings/", data).status_code == 302
    assert str(QuietHours.unscoped.get(membership=ann).away_until) == "2030-01-31"
    assert 'value="2030-01-31"' in client.get("/t/acme/settings/").content.decode()


# --- a person who has left ---


def connect_by(connection, membership):
    connection.connected_by = membership.user
    connection.save()


def test_the_owners_hear_of_a_connection_whose_person_was_removed(make, member, connection):
    member("ann", "owner")
    bob = member("bob", "admin")
    connect_by(connection, bob)
    make.connection(connection.tenant, name="Not his")
    membership_actions.remove_member(bob, HAND, now=clock())
    notice = Notice.unscoped.get()
    assert (notice.kind, notice.connection) == ("connected_by_former_member", connection)
    assert "bob@acme.test, who connected it, is no longer a member" in notice.english_sentence


def test_a_disconnected_connection_sends_no_notices(member, connection):
    member("ann", "owner")
    bob = member("bob", "admin")
    connect_by(connection, bob)
    connection.disable("disconnected", now=NOON)
    membership_actions.remove_member(bob, HAND, now=clock())
    assert not Notice.unscoped.exists()


def test_a_person_whom_staff_deactivate_has_left_too(member, connection):
    bob = member("bob", "admin")
    connect_by(connection, bob)
    membership_actions.report_user_left(bob.user, now=clock())
    assert Notice.unscoped.get().connection == connection
