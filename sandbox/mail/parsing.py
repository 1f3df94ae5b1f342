"""Parse mails: sender, subject, text, HTML, and the links in them."""

import re
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from html.parser import HTMLParser
from typing import Any

URL = re.compile(r"""https?://[^\s<>"'\\]+""")
TAIL = ".,;:!?)]}"  # ends a sentence, not a link


def parse_mail(raw: bytes) -> dict[str, Any]:
    try:
        return mail_fields(message_from_bytes(raw, EmailMessage, policy=default))
    # the parser of the standard library fails on broken mails in many ways; the source stays
    # readable
    except Exception:
        return {
            "from": "",
            "subject": "",
            "text": raw.decode(errors="replace"),
            "html": "",
            "links": [],
        }


def mail_fields(message: EmailMessage) -> dict[str, Any]:
    text, html = body_text(message, "plain"), body_text(message, "html")
    links = [*find_links(text), *find_anchors(html)]
    return {
        "from": str(message.get("from", "")),
        "subject": str(message.get("subject", "")),
        "text": text,
        "html": html,
        "links": list(dict.fromkeys(links)),
    }


def body_text(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    if part is None:
        return ""
    content = part.get_payload(decode=True)
    if not isinstance(content, bytes):
        return ""
    try:
        text = content.decode(part.get_content_charset("utf-8"))
    except (LookupError, UnicodeDecodeError):
        text = content.decode(errors="replace")
    return text.replace("\r\n", "\n")


def find_links(text: str) -> list[str]:
    return [url.rstrip(TAIL) for url in URL.findall(text)]


def find_anchors(html: str) -> list[str]:
    anchors = Anchors()
    anchors.feed(html)
    return anchors.found


class Anchors(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        url = (dict(attributes).get("href") or "").strip()
        if tag == "a" and URL.fullmatch(url):
            self.found.append(url)
