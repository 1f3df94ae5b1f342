"""What a mail says: sender, subject, text, HTML, and the links in them."""

import re
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from html.parser import HTMLParser
from typing import Any

URL = re.compile(r"""https?://[^\s<>"'\\]+""")
TAIL = ".,;:!?)]}"  # ends a sentence, not a link


def read(raw: bytes) -> dict[str, Any]:
    try:
        return said(message_from_bytes(raw, EmailMessage, policy=default))
    except Exception:  # the parser of the standard library fails on broken mails in many ways; the source stays readable
        return {
            "from": "",
            "subject": "",
            "text": raw.decode(errors="replace"),
            "html": "",
            "links": [],
        }


def said(message: EmailMessage) -> dict[str, Any]:
    text, html = body(message, "plain"), body(message, "html")
    links = [*links_in(text), *hrefs_in(html)]
    return {
        "from": str(message.get("from", "")),
        "subject": str(message.get("subject", "")),
        "text": text,
        "html": html,
        "links": list(dict.fromkeys(links)),
    }


def body(message: EmailMessage, kind: str) -> str:
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


def links_in(text: str) -> list[str]:
    return [url.rstrip(TAIL) for url in URL.findall(text)]


def hrefs_in(html: str) -> list[str]:
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
