"""What a mail says: one template of text for each, and what it says in HTML is made of the same lines."""

import re
from collections.abc import Mapping
from email.utils import parseaddr
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template import Context, Engine
from django.template.loader import render_to_string

LINK = re.compile(r"(?P<label>[^\n]+):\s(?P<url>https?://\S+)")


def link(path: str) -> str:
    """The address of a page as mails tell it: never made of what a browser says our name is."""
    return settings.HUB_PUBLIC_URL + path


def rendered(template: str, context: Mapping[str, Any]) -> tuple[str, str]:
    """Subject and text. The first line of the template is the subject, empty lines part the paragraphs.

    A text of the context stays within its line, whatever somebody typed.
    """
    lines = {"hub": settings.HUB_NAME} | {name: one_line(value) for name, value in context.items()}
    text = Engine.get_default().get_template(template).render(Context(lines, autoescape=False))
    subject, _, body = text.strip().partition("\n")
    return one_line(subject), re.sub(r"\n{3,}", "\n\n", body.strip()) + "\n"


def one_line(value: Any) -> Any:
    return " ".join(value.split()) if isinstance(value, str) else value


def written(to: str, subject: str, text: str, *, id: str) -> EmailMultiAlternatives:
    """Sent again it has the same Message-ID, so that who had it already may be shown it once."""
    _, sender = parseaddr(settings.DEFAULT_FROM_EMAIL)
    headers = {"Message-ID": f"<{id}@{sender.rpartition('@')[2]}>"}
    letter = EmailMultiAlternatives(subject, text, settings.DEFAULT_FROM_EMAIL, [to], headers=headers)
    page = {"subject": subject, "parts": parts(text), "hub": settings.HUB_NAME}
    letter.attach_alternative(render_to_string("mail/page.html", page), "text/html")
    return letter


def parts(text: str) -> list[dict[str, str]]:
    """Paragraphs for the page: a label with an address of ours is a button, all else is text.

    "Accept the invitation: https://…" is such a paragraph, where the address is the hub's own.
    """
    return [part(paragraph) for paragraph in text.strip().split("\n\n")]


def part(paragraph: str) -> dict[str, str]:
    found = LINK.fullmatch(paragraph)
    if found and found["url"].startswith(f"{settings.HUB_PUBLIC_URL}/"):
        return found.groupdict()
    return {"text": paragraph}
