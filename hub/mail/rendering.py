"""Render mails: one text template each; the HTML part is built from the same lines."""

import re
from collections.abc import Mapping
from email.utils import parseaddr
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template import Context, Engine
from django.template.loader import render_to_string

MAIL_ADDRESS = re.compile(r"[^@\s:/]+@[^@\s:/]+")
SCHEME = re.compile(r"\b[a-z][a-z0-9+.-]*:/+", re.IGNORECASE)
# the last label has no digit: 1.25 stays a number
HOST = re.compile(r"[\w-]+(?:\.[\w-]+)*\.[^\W\d_]{2,}")
DOT_LOOKALIKE = "\u2024"  # a character that looks like a dot
# invisible characters and marks that change the text direction
HIDDEN_CHARACTERS = re.compile(r"[\u202a-\u202e\u2066-\u2069\u200b\ufeff]")
LINK = re.compile(r"(?P<label>[^\n]+):\s(?P<url>https?://\S+)")


def build_absolute_url(path: str) -> str:
    """Return the URL of a page for a mail, from HUB_PUBLIC_URL and never from a Host header."""
    return f"{settings.HUB_PUBLIC_URL}{path}"


def render_mail(template: str, context: Mapping[str, Any]) -> tuple[str, str]:
    """Return subject and text; the template's first line is the subject.

    Paragraphs are separated by empty lines. Each string of the context stays on one line and,
    unless it is an address of the hub, does not become a link.
    """
    lines = {"hub": settings.HUB_NAME} | {
        name: sanitize_context_value(value) for name, value in context.items()
    }
    text = Engine.get_default().get_template(template).render(Context(lines, autoescape=False))
    subject, _, body = text.strip().partition("\n")
    return join_lines(subject), re.sub(r"\n{3,}", "\n\n", body.strip()) + "\n"


def sanitize_context_value(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: sanitize_context_value(part) for name, part in value.items()}
    if isinstance(value, list):
        return [sanitize_context_value(part) for part in value]
    return strip_links(join_lines(value)) if isinstance(value, str) else value


def strip_links(text: str) -> str:
    """Prevent mail programs from linking a text, except addresses of the hub and mail addresses."""
    is_own_url = text.startswith(f"{settings.HUB_PUBLIC_URL}/") and " " not in text
    if is_own_url or MAIL_ADDRESS.fullmatch(text):
        return text
    return HOST.sub(lambda match: match[0].replace(".", DOT_LOOKALIKE), SCHEME.sub("", text))


def join_lines(text: str) -> str:
    return HIDDEN_CHARACTERS.sub("", " ".join(text.split()))


def build_email(
    to: str, subject: str, text: str, *, id: str, language: str = "en"
) -> EmailMultiAlternatives:
    """Build the message; all attempts have the same Message-ID, so duplicates are recognized.

    language: of the text; rows queued by an older release have none.
    """
    _, sender = parseaddr(settings.DEFAULT_FROM_EMAIL)
    headers = {"Message-ID": f"<{id}@{sender.rpartition('@')[2]}>"}
    message = EmailMultiAlternatives(
        subject, text, settings.DEFAULT_FROM_EMAIL, [to], headers=headers
    )
    page_context = {
        "subject": subject,
        "parts": split_paragraphs(text),
        "hub": settings.HUB_NAME,
        "language": language,
    }
    message.attach_alternative(render_to_string("mail/page.html", page_context), "text/html")
    return message


def split_paragraphs(text: str) -> list[dict[str, str]]:
    """Split a text into paragraphs for the HTML part; one of a label and a hub address is a button.

    Example of a button: "Accept the invitation: https://…".
    """
    return [parse_paragraph(paragraph) for paragraph in text.strip().split("\n\n")]


def parse_paragraph(paragraph: str) -> dict[str, str]:
    match = LINK.fullmatch(paragraph)
    if match and match["url"].startswith(f"{settings.HUB_PUBLIC_URL}/"):
        return match.groupdict()
    return {"text": paragraph}
