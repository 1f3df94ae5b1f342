"""The one door to mail: each mail is one template of text, and what it says in HTML is made of the same lines."""

import re
from collections.abc import Mapping
from typing import Any

import structlog
from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template import Context, Engine
from django.template.loader import render_to_string

LINK = re.compile(r"(?P<label>[^\n]+):\s(?P<url>https?://\S+)")

log = structlog.get_logger(__name__)


class NotSent(Exception):
    """The mail is not on its way; the sentence says why, for whoever may know. Nothing tries again by itself."""


def send(to: str, template: str, context: Mapping[str, Any]) -> None:
    """Send one mail, now. It calls out, for some seconds at most: never within a transaction.

    The first line of the template is the subject, empty lines part the paragraphs, and a paragraph such as
    "Accept the invitation: https://…" is a button where the address is the hub's own. A text of the context stays
    within its line, whatever somebody typed.
    """
    if not settings.HUB_EMAIL_URL:
        raise NotSent("Mail is not set up: HUB_EMAIL_URL is not set.")
    mail = written(to, template, context)
    try:
        mail.send()
    except (OSError, ValueError) as error:  # smtplib's own are OSErrors; an address may be none that SMTP can say
        log.warning("mail.not_sent", template=template, error=type(error).__name__)
        raise NotSent("The mail server did not take the mail.") from error
    log.info("mail.sent", template=template)


def link(path: str) -> str:
    """The address of a page as mails tell it: never made of what a browser says our name is."""
    return settings.HUB_PUBLIC_URL + path


def written(to: str, template: str, context: Mapping[str, Any]) -> EmailMultiAlternatives:
    subject, text = rendered(template, context)
    page = {"subject": subject, "parts": parts(text), "hub": settings.HUB_NAME}
    mail = EmailMultiAlternatives(subject, text, settings.DEFAULT_FROM_EMAIL, [to])
    mail.attach_alternative(render_to_string("mail/page.html", page), "text/html")
    return mail


def rendered(template: str, context: Mapping[str, Any]) -> tuple[str, str]:
    lines = {"hub": settings.HUB_NAME} | {name: one_line(value) for name, value in context.items()}
    text = Engine.get_default().get_template(template).render(Context(lines, autoescape=False))
    subject, _, body = text.strip().partition("\n")
    return one_line(subject), re.sub(r"\n{3,}", "\n\n", body.strip()) + "\n"


def one_line(value: Any) -> Any:
    return " ".join(value.split()) if isinstance(value, str) else value


def parts(text: str) -> list[dict[str, str]]:
    """Paragraphs for the page: a label with an address of ours is a button, all else is text."""
    return [part(paragraph) for paragraph in text.strip().split("\n\n")]


def part(paragraph: str) -> dict[str, str]:
    found = LINK.fullmatch(paragraph)
    if found and found["url"].startswith(f"{settings.HUB_PUBLIC_URL}/"):
        return found.groupdict()
    return {"text": paragraph}
