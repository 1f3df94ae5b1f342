"""Staff see which mails have not gone and why, send them, and never read them."""

import pytest
from django.urls import reverse

from hub import mail
from hub.audit import AuditRow
from hub.db.clock import clock
from hub.mail.models import Mail
from hub.queue import WakeUp
from tests.fakes import MailServer
from tests.mails import deliver_mails

pytestmark = pytest.mark.django_db

LIST = reverse("admin:hub_mail_changelist")


@pytest.fixture
def staff(make, client):
    client.force_login(make.staff(is_superuser=True))
    return client


@pytest.fixture
def refused_mail():
    data = {"url": "https://hub.test/i/7/", "inviter": "Ann", "tenant": "Acme"}
    mail.queue_mail("robin@example.com", "mail/invitation.txt", data, now=clock())
    deliver_mails(MailServer(MailServer.REFUSES))
    return Mail.objects.get()


def page(row, *verb):
    return reverse(f"admin:hub_mail_{'verb' if verb else 'change'}", args=[row.pk, *verb])


def test_the_list_and_the_page_say_why_it_has_not_gone(staff, refused_mail):
    for url in (
        LIST,
        f"{LIST}?q=robin@example.com",
        f"{LIST}?state__exact=failed",
        page(refused_mail),
    ):
        text = staff.get(url).content.decode()
        assert "Most often the address does not exist" in text
        assert "/i/7/" not in text and "Ann invites" not in text
    assert "Correct the address" in staff.get(page(refused_mail)).content.decode()


def test_a_mail_is_sent_again_by_a_button_and_audited(staff, refused_mail):
    WakeUp.objects.all().delete()
    staff.post(page(refused_mail, "send_again"))
    assert WakeUp.objects.filter(name="mail").exists()
    assert AuditRow.objects.get().verb == "mail.send_again"
    assert len(deliver_mails()) == 1
    refused_mail.refresh_from_db()
    assert refused_mail.state == "sent"


def test_what_was_sent_is_not_sent_again(staff, refused_mail):
    refused_mail.send_again(now=clock())
    deliver_mails()
    staff.post(page(refused_mail, "send_again"))
    assert len(deliver_mails()) == 1
