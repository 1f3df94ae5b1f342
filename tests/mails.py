"""What lies in the outbox, and what a mail server gets of it."""

import re

from django.core import mail
from django.core.mail import get_connection

from hub.db.clock import clock
from hub.mail.deliver import deliver_due_mails
from hub.mail.models import Mail

LINK = re.compile(r"https://hub\.test(/\S+)")


def deliver_mails(server=None, at=None):
    """The worker sends what is due; all that Django's tests keep of it."""
    deliver_due_mails(
        server or get_connection(),
        clock=(lambda: at) if at else clock,
        may_continue=lambda: True,
        max_mails=100,
    )
    return mail.outbox


def get_mailed_link():
    return LINK.search(deliver_mails()[-1].body)[1]


def token_of(invitation):
    """What its link carries; nobody but the mail says it."""
    text = Mail.objects.get(about=invitation.digest).open()["text"]
    return re.search(r"/invitations/([\w-]+)/", text)[1]
