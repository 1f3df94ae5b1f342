"""Render Markdown of docs/ as HTML that fits the site's policy: no scripts, styles or raw HTML."""

import re
from collections.abc import Callable
from html import escape
from itertools import pairwise
from typing import NamedTuple

from markdown_it import MarkdownIt
from markdown_it.token import Token

COMMENT = re.compile(r"<!--.*?-->\n?", re.S)
REGION = '<div class="scroll" tabindex="0" role="region" aria-label="Table {number}">'
UNNAMED_COLUMN = "Meaning"  # the tables of docs/ leave the last heading out
NO_WORD = re.compile(r"[^\w\s-]")

FindUrl = Callable[[str], str]  # the URL for a relative link; empty if its page is not served


class Heading(NamedTuple):
    level: int
    text: str
    anchor: str


class Passage(NamedTuple):
    """A heading with the text below it, up to the next heading."""

    heading: Heading
    text: str


class RenderedPage(NamedTuple):
    html: str
    passages: tuple[Passage, ...]


def render_page(source: str, find_url: FindUrl) -> RenderedPage:
    """Render the page; headings get anchors, and links to pages that are not served become text."""
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = parser.parse(COMMENT.sub("", source))
    passages = _number_headings(tokens)
    for token in tokens:
        if token.children:
            token.children = _resolve_links(token.children, find_url)
    html: str = parser.renderer.render(_wrap_tables(tokens), parser.options, {})
    return RenderedPage(html, tuple(passages))


def build_anchor(text: str) -> str:
    """Return the anchor of a heading, as GitHub builds it."""
    return re.sub(r"\s", "-", NO_WORD.sub("", text.lower()).strip())


def _number_headings(tokens: list[Token]) -> list[Passage]:
    """Give each heading an anchor; return it with the text below it."""
    headings: list[Heading] = []
    texts: list[list[str]] = []
    for place, token in enumerate(tokens):
        if token.type == "heading_open":
            text = _plain_text(tokens[place + 1])
            heading = Heading(int(token.tag[1]), text, build_anchor(text))
            token.attrSet("id", heading.anchor)
            headings.append(heading)
            texts.append([])
        elif token.type in ("inline", "fence") and texts:
            texts[-1].append(_plain_text(token))
    return [Passage(*pair) for pair in zip(headings, map(" ".join, texts), strict=True)]


def _plain_text(token: Token) -> str:
    if not token.children:
        return token.content
    return "".join(" " if child.type == "softbreak" else child.content for child in token.children)


def _resolve_links(children: list[Token], find_url: FindUrl) -> list[Token]:
    kept, is_open = [], True
    for child in children:
        if child.type == "link_open":
            href = str(child.attrGet("href") or "")
            url = href if href.startswith(("https://", "/", "#")) else find_url(href)
            is_open = bool(url)
            child.attrSet("href", url)
        if child.type not in ("link_open", "link_close") or is_open:
            kept.append(child)
        is_open = is_open or child.type == "link_close"
    return kept


def _wrap_tables(tokens: list[Token]) -> list[Token]:
    """Wrap each table in a region that scrolls, and each code block in one with a copy button."""
    wrapped: list[Token] = []
    tables = 0
    _label_cells(tokens)
    for token in tokens:
        if token.type == "table_open":
            tables += 1
            wrapped.append(_html(REGION.format(number=tables)))
        wrapped.append(_render_code(token) if token.type == "fence" else token)
        if token.type == "table_close":
            wrapped.append(_html("</div>"))
    return wrapped


def _label_cells(tokens: list[Token]) -> None:
    """Add the name of its column to each cell but the first: on narrow screens rows are stacked."""
    names: list[str] = []
    column = 0
    for token, content in pairwise(tokens):
        if token.type == "table_open":
            names = []
        elif token.type == "tr_open":
            column = 0
        elif token.type == "th_open":
            if not content.content:
                content.children = [Token("text", "", 0, content=UNNAMED_COLUMN)]
            names.append(_plain_text(content))
        elif token.type == "td_open":
            if column and names[column] != UNNAMED_COLUMN:
                token.attrSet("data-label", names[column])
            column += 1


def _render_code(token: Token) -> Token:
    language, code = escape(token.info.strip() or "text"), escape(token.content.rstrip("\n"))
    return _html(
        f'<div class="code" data-language="{language}"><pre tabindex="0">'
        f"<code>{code}</code></pre></div>\n"
    )


def _html(content: str) -> Token:
    return Token("html_block", "", 0, content=content)
