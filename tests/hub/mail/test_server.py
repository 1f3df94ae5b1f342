"""Which mail server the settings name, and in whose name it is asked."""

import os
import subprocess
import sys

import pytest


def read_mail_settings(**environment):
    show = (
        "import hub.settings as s; print(s.EMAIL_BACKEND.split('.')[-2], s.EMAIL_HOST, "
        "s.EMAIL_PORT, "
    )
    show += "s.EMAIL_HOST_USER, s.EMAIL_HOST_PASSWORD, s.EMAIL_USE_TLS, s.EMAIL_USE_SSL)"
    return subprocess.run(
        [sys.executable, "-c", show],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
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
    assert read_mail_settings(HUB_EMAIL_URL=url).stdout.strip() == means


@pytest.mark.parametrize(
    "url",
    [
        "mail.test:25",
        "http://mail.test",
        "smtp://",
        "smtp://a:secret/x@mail.test",
        "smtp://mail.test?tls=yes",
    ],
)
def test_a_wrong_address_of_a_server_is_named_at_start(url):
    said = read_mail_settings(HUB_EMAIL_URL=url).stderr
    assert "HUB_EMAIL_URL is wrong" in said
    assert "secret" not in said.splitlines()[-1]


@pytest.mark.parametrize("sender", ["hub", "a@b@c", "hub@example.com\nBcc: x@example.com"])
def test_a_wrong_sender_is_named_at_start(sender):
    assert "HUB_EMAIL_FROM is wrong" in read_mail_settings(HUB_EMAIL_FROM=sender).stderr
