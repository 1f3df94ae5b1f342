"""A mail is in its recipient's language, whatever language the request has that causes it."""

from pathlib import Path

import pytest
from django.conf import settings
from django.utils import translation

from hub import mail
from hub.mail.models import Mail
from hub.notices.models import QuietHours
from tests.factories import NOON
from tests.mails import deliver_mails

pytestmark = pytest.mark.django_db

TEMPLATES = Path(settings.BASE_DIR) / "templates"
MAILS = sorted(
    str(path.relative_to(TEMPLATES))
    for pattern in ("mail/*.txt", "account/email/*.txt", "mfa/email/*.txt")
    for path in TEMPLATES.glob(pattern)
    if path.name not in ("notice.txt", "digest.txt")  # their first lines are texts of a notice
)
CONTEXT = {"inviter": "Ann", "tenant": "Acme", "system": "Slack", "code": "A1", "until": NOON}


@pytest.fixture
def german(make):
    membership = make.membership(make.tenant("acme"), make.user("greta@acme.test"))
    QuietHours.unscoped.create(membership=membership, language="de")
    return membership.user


def queue_mail(to, template="mail/invitation.txt"):
    mail.queue_mail(to, template, CONTEXT, now=NOON)
    return Mail.objects.latest("pk").open()


@pytest.mark.parametrize("template", MAILS)
def test_every_mail_follows_the_recipients_choice(german, template):
    with translation.override("en"):
        chosen, default = queue_mail(german.email, template), queue_mail("bob@acme.test", template)
    assert (chosen["language"], default["language"]) == ("de", "en")
    assert chosen["subject"] != default["subject"] and chosen["text"] != default["text"]


def test_the_language_of_the_request_does_not_count(german):
    with translation.override("de"):
        assert queue_mail("bob@acme.test")["subject"] == "Ann invites you to Acme"
    with translation.override("en"):
        assert queue_mail("Greta@acme.test")["subject"] == "Ann lädt Sie zu Acme ein"


def test_a_language_that_the_hub_does_not_have_is_the_default(german, settings):
    settings.LANGUAGES = [("en", "English")]
    assert queue_mail(german.email)["language"] == "en"


def test_the_html_part_names_the_language(german):
    queue_mail(german.email)
    (letter,) = deliver_mails(at=NOON)
    assert '<html lang="de">' in letter.alternatives[0][0]
