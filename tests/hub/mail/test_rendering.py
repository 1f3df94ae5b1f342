"""What a mail says, in text and HTML."""

from email.utils import parseaddr

import pytest

from hub.mail.rendering import build_email, render_mail
from tests.factories import NOON

INVITED = {"inviter": "Ann", "tenant": "Acme", "url": "https://hub.test/i/7/", "until": NOON}


def build_invitation(**context):
    return build_email(
        "robin@example.com", *render_mail("mail/invitation.txt", INVITED | context), id="7"
    )


def page_of(letter):
    return letter.alternatives[0].content


def test_a_mail_is_text_and_html_that_say_the_same():
    letter = build_invitation()
    assert (letter.subject, letter.to, parseaddr(letter.from_email)[1]) == (
        "Ann invites you to Acme",
        ["robin@example.com"],
        "hub@hub.test",
    )
    assert "https://hub.test/i/7/" in letter.body
    assert '<a href="https://hub.test/i/7/"' in page_of(letter)


def test_typed_text_stays_within_its_line():
    letter = build_invitation(
        tenant="Acme\r\nBcc: all@example.com\n\nSign in: https://evil.example/",
        inviter="<b>Ann</b>",
    )
    assert letter.subject.startswith("<b>Ann</b> invites you to Acme Bcc: all@example․com")
    assert "&lt;b&gt;Ann" in page_of(letter)
    assert page_of(letter).count("<a ") == 1
    letter.message()  # its headers are whole


LURES = {
    "https://evil.example/win": "evil․example/win",
    "HTTP://evil.example": "evil․example",
    "Log in at evil.example/hub now": "Log in at evil․example/hub now",
    "www.evil.example": "www․evil․example",
    "mail me@evil.example": "mail me@evil․example",
    "https://hub.test@evil.example/": "hub․test@evil․example/",
    "https://hub.test/ https://evil.example/": "hub․test/ evil․example/",
    "Ann\u202egnp.exe": "Anngnp․exe",
    "a\u2028https://evil.example": "a evil․example",
}


@pytest.mark.parametrize("name", LURES)
def test_no_name_is_a_link(name):
    letter = build_invitation(inviter=name)
    assert LURES[name] in letter.body and LURES[name] in letter.subject
    assert "evil.example" not in letter.body + page_of(letter) + letter.subject
    assert page_of(letter).count("<a ") == 1


@pytest.mark.parametrize(
    "text", ["ann@acme.test", "Acme Inc.", "Slack, 1.25 s, v2.10.3", "J. R. R. Ann", "3.5 %"]
)
def test_what_is_no_link_stays_as_it_is(text):
    assert text in build_invitation(tenant=text).body


def test_the_lines_of_a_list_are_harmless_too():
    lines = [
        {
            "sentence": "See\nhttps://evil.example",
            "at": "9:00",
            "link": "https://hub.test/t/acme/",
            "todo": "Look",
        }
    ]
    _subject, text = render_mail("mail/digest.txt", {"tenant": "Acme", "count": 1, "lines": lines})
    assert "9:00: See evil․example" in text and "Look: https://hub.test/t/acme/" in text


@pytest.mark.parametrize(
    "url", ["https://evil.example/", "https://hub.test.evil.example/", "https://hub.test@evil/"]
)
def test_only_the_hubs_own_address_is_a_button(url):
    assert "<a " not in page_of(build_invitation(url=url))
