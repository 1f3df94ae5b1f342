"""Slack's markup as HTML: *bold*, _italic_, ~struck~, `code`, <links>, and blocks."""

import html
import re
from collections.abc import Mapping
from typing import Any

from markupsafe import Markup, escape

from sandbox.pages.html import build_url, markup

TOKENS = re.compile(r"```(?P<pre>.+?)```|`(?P<code>[^`\n]+)`|<(?P<link>[^<>\n]+)>", re.S)
STYLES = [
    (re.compile(rf"(?<!\w){re.escape(sign)}(\S(?:[^\n]*?\S)?){re.escape(sign)}(?!\w)"), tag)
    for sign, tag in (("*", "strong"), ("_", "em"), ("~", "s"))
]


def render_mrkdwn(text: str, names: Mapping[str, str]) -> Markup:
    """`names` are those of users and channels, by id."""
    parts, position = [], 0
    for match in TOKENS.finditer(text):
        parts.append(render_style(text[position : match.start()]))
        parts.append(token(match, names))
        position = match.end()
    return Markup("".join([*parts, render_style(text[position:])]))


def token(match: re.Match[str], names: Mapping[str, str]) -> Markup:
    if match["pre"]:
        return markup("<pre>$text</pre>", text=html.unescape(match["pre"].strip("\n")))
    if match["code"]:
        return markup("<code>$text</code>", text=html.unescape(match["code"]))
    target, _, label = html.unescape(match["link"]).partition("|")
    if target[:2] in ("@U", "@W", "#C"):
        return markup(
            '<span class="mention">$name</span>',
            name=target[0] + (label or names.get(target[1:], target[1:])),
        )
    if target.startswith(("https://", "http://", "mailto:")):
        return markup(
            '<a href="$url" rel="noreferrer">$label</a>', url=target, label=label or target
        )
    return markup('<span class="mention">@$name</span>', name=(label or target).lstrip("!"))


def render_style(text: str) -> Markup:
    safe = str(escape(html.unescape(text)))
    for form, tag in STYLES:
        safe = form.sub(rf"<{tag}>\1</{tag}>", safe)
    return Markup(safe.replace("\n", "<br>"))


def block(block_json: Mapping[str, Any], names: Mapping[str, str]) -> Markup:
    kind = block_json.get("type")
    if kind == "divider":
        return Markup("<hr>")
    if kind == "image":
        return image(block_json)
    if kind == "header":
        return markup("<h3>$text</h3>", text=plain(block_json.get("text")))
    texts = [
        block_json.get("text"),
        *get_list(block_json.get("fields")),
        *get_list(block_json.get("elements")),
    ]
    lines = [
        markup("<p>$text</p>", text=render_mrkdwn(plain(text), names))
        for text in texts
        if plain(text)
    ]
    return markup('<div class="block $kind">$lines</div>', kind=kind, lines=lines)


def image(block_json: Mapping[str, Any]) -> Markup:
    """The picture of a file of this workspace; one from elsewhere is a link."""
    file, alt = block_json.get("slack_file"), str(block_json.get("alt_text") or "")
    if isinstance(file, Mapping) and file.get("id"):
        url = build_url("slack", "files", "view", str(file["id"]))
        return markup('<p><img src="$url" alt="$alt" class="picture"></p>', url=url, alt=alt)
    url = str(block_json.get("image_url") or "")
    return markup('<p><a href="$url" rel="noreferrer">$alt</a></p>', url=url, alt=alt or url)


def plain(text: Any) -> str:
    """A text object's text; a button's text lies one deeper."""
    while isinstance(text, Mapping):
        text = text.get("text")
    return text if isinstance(text, str) else ""


def get_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
