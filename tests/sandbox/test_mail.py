"""The mailbox, as smtplib and Django's mail backend reach it."""

import smtplib
from email.message import EmailMessage

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.mail.parsing import parse_mail
from tests.sandbox.running_sandbox import RunningSandbox

ANN, BOB = "ann@acme.example", "bob@acme.example"
LINK = "http://127.0.0.1:8000/accounts/confirm/x1/"


def letter(to=ANN, subject="Welcome", text=f"Hello Ann,\n\nopen {LINK}.\n.\n", html=None):
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "Hub <hub@example.org>", to, subject
    message.set_content(text)
    if html:
        message.add_alternative(html, subtype="html")
    return message


def send(desk, message=None, *, to=None, timeout=5):
    with smtplib.SMTP("127.0.0.1", desk.mail_port, timeout=timeout) as server:
        return server.send_message(message or letter(), to_addrs=to)


def mails(desk, query=""):
    return desk.get(f"/_control/mail{query}").json()["mails"]


def test_a_mail_is_kept_and_listed(desk):
    send(desk, letter(subject="Grüße ✓", html=f'<p><a href="{LINK}?a=1&amp;b=2">Open</a></p>'))
    (mail,) = mails(desk)
    assert (mail["seq"], mail["at"], mail["to"]) == (1, "2026-11-25T12:00:00.000Z", [ANN])
    assert (mail["from"], mail["subject"]) == ("Hub <hub@example.org>", "Grüße ✓")
    assert mail["text"] == f"Hello Ann,\n\nopen {LINK}.\n.\n"
    assert mail["links"] == [LINK, f"{LINK}?a=1&b=2"]


def test_mails_are_found_by_recipient_and_from_where_one_was(desk):
    send(desk), send(desk, letter(BOB)), send(desk, letter(f"{ANN}, {BOB}"))
    assert [mail["seq"] for mail in mails(desk, f"?to={ANN.upper()}")] == [1, 3]
    assert [mail["seq"] for mail in mails(desk, f"?to={BOB}&since=2")] == [3]
    assert desk.get("/_control/mail?since=x").status_code == 400


def test_a_reset_and_a_restart_leave_the_mails(tmp_path):
    with RunningSandbox(tmp_path).running() as desk:
        send(desk)
        desk.post("/_control/reset")
    with RunningSandbox(tmp_path).running() as desk:
        send(desk)
        assert [mail["seq"] for mail in mails(desk)] == [1, 2]


def test_the_page_lists_and_shows_a_mail(desk):
    send(desk, letter(html=f'<a href="{LINK}">Open</a>'))
    assert '<a href="/mail/1">Welcome</a>' in desk.get("/mail/").text
    assert "No mail." in desk.get(f"/mail/?to={BOB}").text
    page = desk.get("/mail/1").text
    assert f'<a href="{LINK}" rel="noreferrer">{LINK}</a>.' in page and 'src="/mail/1/html"' in page
    assert desk.get("/mail/2").status_code == desk.get("/mail/x/html").status_code == 404


def test_a_hostile_mail_runs_nothing(desk):
    evil = '<script>alert(1)</script><a href="javascript:alert(1)">x</a>'
    send(desk, letter(subject="<script>", text=f"{evil} javascript:alert(1)", html=evil))
    page = desk.get("/mail/1").text
    assert "<script" not in page and 'href="javascript' not in page
    policy = desk.get("/mail/1/html").headers["Content-Security-Policy"]
    assert (
        policy.startswith("default-src 'none'")
        and "sandbox allow-popups" in policy
        and "script" not in policy
    )
    assert mails(desk)[0]["links"] == []


@pytest.mark.parametrize("status", [0, 421])
def test_the_mail_server_may_be_down(desk, status):
    desk.fault("mail", status=status)
    with pytest.raises((smtplib.SMTPServerDisconnected, smtplib.SMTPConnectError, ConnectionError)):
        send(desk)
    send(desk)
    assert len(mails(desk)) == 1


def test_the_mail_server_may_be_slow(desk):
    desk.fault("mail", delay=30)
    with pytest.raises(smtplib.SMTPServerDisconnected, match="timed out"):
        send(desk, timeout=0.2)


def test_one_recipient_may_be_refused(desk):
    desk.fault("mail", account=ANN, status=550)
    assert send(desk, letter(f"{ANN}, {BOB}"))[ANN][0] == 550
    assert [mail["to"] for mail in mails(desk)] == [[BOB]]


def test_an_answer_may_be_lost_after_the_mail_was_taken(desk):
    desk.fault("mail", status=0, effect=True)
    with pytest.raises(smtplib.SMTPServerDisconnected):
        send(desk)
    assert len(mails(desk)) == 1


def test_commands_out_of_turn_are_answered(desk):
    wrong_order = ("HELO x", "RCPT TO:<a@b>", "DATA", "MAIL x", "STARTTLS")
    wrong_syntax = ("MAIL FROM:<a@b>", "RCPT x", "NOOP", "RSET")
    with smtplib.SMTP("127.0.0.1", desk.mail_port, timeout=5) as server:
        assert [server.docmd(command)[0] for command in wrong_order] == [250, 503, 503, 501, 454]
        assert [server.docmd(command)[0] for command in wrong_syntax] == [250, 501, 250, 250]


@settings(max_examples=200, deadline=None, database=None)
@given(
    st.binary(max_size=60),
    st.sampled_from([b"", b"Subject: =?utf-8?q?", b"Content-Type: ", b"From: <", b"To: ;"]),
)
def test_every_mail_can_be_read(raw, head):
    assert set(parse_mail(head + raw)) == {"from", "subject", "text", "html", "links"}
