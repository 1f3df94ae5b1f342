"""A language in which every text stands in brackets: what is read without them was never marked for
translation.
"""

import re
from contextlib import contextmanager
from gettext import NullTranslations
from html.parser import HTMLParser

from django.utils.translation import trans_real

OPEN, CLOSE = "⟦", "⟧"
INNERMOST = re.compile(f"{OPEN}[^{OPEN}{CLOSE}]*{CLOSE}")
UNREAD = {"script", "style", "svg", "code", "time"}


class Brackets(NullTranslations):
    """Every text in brackets; `requested` collects them.

    A thread that outlives the block may have activated it: it reads plain English then.
    """

    def __init__(self):
        super().__init__()
        self.requested = set()
        self.is_over = False

    def gettext(self, message):
        self.requested.add(message)
        return self.enclose(message)

    def ngettext(self, one, many, number):
        self.requested.add(one)
        return self.enclose(one if number == 1 else many)

    def pgettext(self, context, message):
        return self.gettext(message)

    def enclose(self, text):
        return text if self.is_over or not text else f"{OPEN}{text}{CLOSE}"

    def to_language(self):
        return "en"

    language = to_language


@contextmanager
def bracketed_language():
    """On this thread, as `translation.override` is; a request that chooses English reads it as
    well.
    """
    active, english = getattr(trans_real._active, "value", None), trans_real.translation("en")
    trans_real._active.value = trans_real._translations["en"] = brackets = Brackets()
    try:
        yield brackets
    finally:
        brackets.is_over = True
        trans_real._active.value, trans_real._translations["en"] = active, english


class Texts(HTMLParser):
    """What a person reads of a page, each text by itself."""

    def __init__(self, page):
        super().__init__()
        self.within, self.found = [], []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        if tag in UNREAD:
            self.within.append(tag)

    def handle_endtag(self, tag):
        if self.within and self.within[-1] == tag:
            self.within.pop()

    def handle_data(self, data):
        if not self.within and data.strip():
            self.found.append(" ".join(data.split()))


def unbracketed(text):
    """What is left where nothing in brackets is read."""
    while (shorter := INNERMOST.sub("", text)) != text:
        text = shorter
    return text.strip()


def unmarked_texts(page):
    """What is left of each text of a page, where that is a word."""
    return [
        left for text in Texts(page).found if re.search("[A-Za-z]{2}", left := unbracketed(text))
    ]
