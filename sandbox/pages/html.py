"""Pages made on the server: templates that escape what they are given, and the one layout."""

from collections.abc import Iterable
from datetime import UTC, datetime
from string import Template
from typing import Any
from urllib.parse import quote

from aiohttp import web
from markupsafe import Markup, escape

POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; frame-src 'self'; base-uri 'none'"
)
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def markup(template: str, /, **values: Any) -> Markup:
    """Return the template with its $names filled in, escaped unless they are Markup."""
    safe = {name: escape_value(value) for name, value in values.items()}
    return Markup(Template(template).substitute(safe))


def escape_value(value: Any) -> Markup:
    """Escape a value; None is empty, and the items of a list are joined."""
    if value is None:
        return Markup()
    if isinstance(value, Iterable) and not isinstance(value, str | bytes | dict):
        return Markup().join(escape_value(item) for item in value)
    return escape(value)


def format_count(count: int, thing: str) -> str:
    """1 message, 2 messages."""
    return f"{count:,} {thing}" if count == 1 else f"{count:,} {thing}s"


def format_shown_count(count: int, thing: str, *, limit: int) -> str:
    """1 message; 1,000 messages, the newest 200 shown."""
    return format_count(count, thing) + (f", the newest {limit} shown" if count > limit else "")


def render_link(text: Any, *parts: str, **query: str) -> Markup:
    return markup('<a href="$url">$text</a>', url=build_url(*parts, **query), text=text)


def build_url(*parts: str, **query: str) -> str:
    """A local URL from its parts: address("slack", "T1", "C1", thread="5")."""
    path = "/" + "/".join(quote(part, safe="") for part in parts)
    return path + (
        "?" + "&".join(f"{key}={quote(value, safe='')}" for key, value in query.items())
        if query
        else ""
    )


def render_time(at: float) -> Markup:
    when = datetime.fromtimestamp(at, UTC)
    return markup(
        '<time datetime="$iso" title="$iso">$short</time>',
        iso=when.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        short=f"{when:%b} {when.day}, {when:%H:%M:%S}",
    )


def render_table(
    heads: Iterable[str], rows: Iterable[Iterable[Any]], *, caption: str, empty: str
) -> Markup:
    lines = [
        markup("<tr>$cells</tr>", cells=[markup("<td>$cell</td>", cell=cell) for cell in row])
        for row in rows
    ]
    if not lines:
        return markup('<p class="empty">$empty</p>', empty=empty)
    return markup(
        '<div class="scroll" tabindex="0" role="group" '
        'aria-label="$caption"><table><caption>$caption</caption>'
        "<thead><tr>$heads</tr></thead><tbody>$lines</tbody></table></div>",
        caption=caption,
        heads=[markup('<th scope="col">$head</th>', head=head) for head in heads],
        lines=lines,
    )


def render_state(kind: str, word: str) -> Markup:
    """A state: sign and word, never colour alone. Kinds are good, bad and quiet."""
    sign = {"good": "✓", "bad": "✕", "quiet": "·"}[kind]
    return markup(
        '<span class="mark $kind"><span aria-hidden="true">$sign</span> $word</span>', **locals()
    )


def render_live_link(request: web.Request) -> Markup:
    """A switch for reloading by itself, kept in the URL."""
    if "live" in request.query:
        url, word = request.rel_url.without_query_params("live"), "Stop live update"
    else:
        url, word = request.rel_url.update_query(live="3"), "Live update"
    return markup('<a class="button quiet" href="$url">$word</a>', url=url, word=word)


NAVIGATION = web.AppKey("navigation", list[tuple[str, str]])  # address and label of each link

LAYOUT = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
$refresh
<title>$title · Sandbox</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/static/sandbox.css">
</head>
<body class="$system">
<a class="skip" href="#main">Skip to the content</a>
<header class="top"><nav aria-label="Systems"><ul>$links</ul></nav></header>
<main id="main">$body</main>
<footer>Simulated on this machine. Nothing here reaches the real systems.</footer>
</body>
</html>
"""


def render_page(
    request: web.Request,
    title: str,
    body: Any,
    *,
    system: str = "",
    status: int = 200,
    forms_to: str = "",
) -> web.Response:
    """`forms_to` is another origin that the answer to a form may lead to."""
    seconds = request.query.get("live", "")
    refresh = (
        markup('<meta http-equiv="refresh" content="$s">', s=seconds)
        if seconds in {"1", "3", "10"}
        else Markup()
    )
    text = markup(
        LAYOUT,
        title=title,
        body=body,
        system=system,
        refresh=refresh,
        links=[render_nav_link(request, *link) for link in request.app[NAVIGATION]],
    )
    policy = f"{POLICY}; frame-ancestors 'none'; form-action 'self' {forms_to}".strip()
    headers = {**HEADERS, "Content-Security-Policy": policy}
    return web.Response(text=text, status=status, content_type="text/html", headers=headers)


def render_nav_link(request: web.Request, url: str, name: str) -> Markup:
    here = request.path == url or (url != "/" and request.path.startswith(url))
    return render_tab(url, name, is_current=here)


def render_tab(url: str, name: str, *, is_current: bool) -> Markup:
    """A link to a page among others, which are items of one list."""
    current = Markup(' aria-current="page"' if is_current else "")
    return markup('<li><a href="$url"$current>$name</a></li>', url=url, name=name, current=current)


def render_not_found(
    request: web.Request, text: str, *, system: str = "", status: int = 404
) -> web.Response:
    body = markup(
        '<h1>Not found</h1><p>$what</p><p><a href="/">Back to the sandbox</a></p>', what=text
    )
    return render_page(request, "Not found", body, system=system, status=status)
