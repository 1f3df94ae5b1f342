"""The shape of a page: what rules of accessibility see of it, whatever its words say."""

import re
from html.parser import HTMLParser

IDENTIFIER = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|\d+")
# Attributes of which a rule asks whether they say something, not what.
SAY_ANYTHING = {"action", "content", "data-copy", "datetime", "href", "src", "title", "value"}


def choose_widest_of_each_shape(pages):
    """Return an address for each shape among the pages, which are given by address: of pages that
    differ by their words alone, that with the longest word, as it is what makes a page too wide.
    """
    chosen = {}
    for address, html in pages.items():
        shape, longest_word = read_page(html)
        if longest_word > chosen.get(shape, (0, ""))[0]:
            chosen[shape] = longest_word, address
    return [address for _, address in chosen.values()]


def read_page(html):
    """Return the shape of a page, and the length of its longest word."""
    reader = ShapeReader()
    reader.feed(html)
    return tuple(reader.shape), max(map(len, reader.words), default=1)


class ShapeReader(HTMLParser):
    """Reads tags in order with their attributes, and where there is text."""

    def __init__(self):
        super().__init__()
        self.shape, self.words = [], []

    def handle_starttag(self, tag, attrs):
        self.shape.append((tag, *sorted(map(self.describe, attrs))))

    @staticmethod
    def describe(attribute):
        name, value = attribute
        said = bool(value) if name in SAY_ANYTHING else IDENTIFIER.sub("#", value or "")
        return f"{name}={said}"

    def handle_endtag(self, tag):
        self.shape.append(f"/{tag}")

    def handle_data(self, data):
        if words := data.split():
            self.shape.append("text")
            self.words += words
