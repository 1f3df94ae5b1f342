"""The one door to mail."""

import os
import subprocess
import sys
from email.utils import parseaddr

import pytest
from django.core import mail as outbox

from hub import mail
from tests.makers import NOON

INVITED = {"inviter": "Ann", "tenant": "Acme", "url": "https://hub.test/i/7/", "until": NOON}


def sent(**context):
    mail.send("robin@example.com", "mail/invitation.txt", INVITED | context)
    return outbox.outbox[-1]


def page_of(letter):
    return letter.alternatives[0].content


def test_a_mail_is_text_and_html_that_say_the_same():
    letter = sent()
    assert (letter.subject, letter.to, parseaddr(letter.from_email)[1]) == (
        "Ann invites you to Acme",
        ["robin@example.com"],
        "hub@hub.test",
    )
    assert "https://hub.test/i/7/" in letter.body
    assert '<a href="https://hub.test/i/7/"' in page_of(letter)


def test_what_somebody_typed_stays_within_its_line():
    letter = sent(tenant="Acme\r\nBcc: all@example.com\n\nSign in: https://evil.example/", inviter="<b>Ann</b>")
    assert letter.subject.startswith("<b>Ann</b> invites you to Acme Bcc: all@example.com")
    assert "&lt;b&gt;Ann" in page_of(letter)
    assert page_of(letter).count("<a ") == 1
    letter.message()  # its headers are whole


@pytest.mark.parametrize("url", ["https://evil.example/", "https://hub.test.evil.example/", "https://hub.test@evil/"])
def test_only_the_hubs_own_address_is_a_button(url):
    assert "<a " not in page_of(sent(url=url))


def test_a_dead_server_is_told_in_words(settings):
    settings.EMAIL_BACKEND, settings.EMAIL_PORT = "django.core.mail.backends.smtp.EmailBackend", 9
    with pytest.raises(mail.NotSent, match="did not take"):
        sent()


def test_without_a_server_nothing_is_said_to_be_sent(settings):
    settings.HUB_EMAIL_URL = ""
    with pytest.raises(mail.NotSent, match="HUB_EMAIL_URL is not set"):
        sent()


def read(**environment):
    show = "import hub.settings as s; print(s.EMAIL_BACKEND.split('.')[-2], s.EMAIL_HOST, s.EMAIL_PORT, "
    show += "s.EMAIL_HOST_USER, s.EMAIL_HOST_PASSWORD, s.EMAIL_USE_TLS, s.EMAIL_USE_SSL)"
    return subprocess.run(
        [sys.executable, "-c", show], env=os.environ | environment, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    ("url", "means"),
    {
        "smtp://127.0.0.1:8125": "smtp 127.0.0.1 8125   False False",
        "smtp://me:p%40ss@mail.test?tls=1": "smtp mail.test 587 me p@ss True False",
        "smtps://me:pass@mail.test": "smtp mail.test 465 me pass False True",
        "console:": "console  None   False False",
    }.items(),
)
def test_an_address_of_a_server_is_read(url, means):
    assert read(HUB_EMAIL_URL=url).stdout.strip() == means


@pytest.mark.parametrize(
    "url", ["mail.test:25", "http://mail.test", "smtp://", "smtp://a:secret/x@mail.test", "smtp://mail.test?tls=yes"]
)
def test_a_wrong_address_of_a_server_is_named_at_start(url):
    said = read(HUB_EMAIL_URL=url).stderr
    assert "HUB_EMAIL_URL is wrong" in said
    assert "secret" not in said.splitlines()[-1]


@pytest.mark.parametrize("sender", ["hub", "a@b@c", "hub@example.com\nBcc: x@example.com"])
def test_a_wrong_sender_is_named_at_start(sender):
    assert "HUB_EMAIL_FROM is wrong" in read(HUB_EMAIL_FROM=sender).stderr
