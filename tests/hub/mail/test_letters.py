"""What a mail says, in text and HTML."""

from email.utils import parseaddr

import pytest

from hub.mail.letters import rendered, written
from tests.makers import NOON

INVITED = {"inviter": "Ann", "tenant": "Acme", "url": "https://hub.test/i/7/", "until": NOON}


def sent(**context):
    return written("robin@example.com", *rendered("mail/invitation.txt", INVITED | context), id="7")


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
