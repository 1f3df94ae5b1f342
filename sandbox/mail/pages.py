"""The mailbox as a page: all mails, and one with its text, links and HTML."""

import re
from typing import Any

from aiohttp import web
from markupsafe import Markup

from sandbox.mail.mailbox import Mail, Mailbox
from sandbox.mail.parsing import TAIL, URL
from sandbox.pages.html import (
    HEADERS,
    build_url,
    format_shown_count,
    markup,
    render_link,
    render_live_link,
    render_not_found,
    render_page,
    render_table,
)

SHOWN = 200
LIST = """
<div class="title"><h1>Mailbox</h1>$live</div>
<p class="about">All e-mails that were sent to this machine. None are delivered.</p>
<form class="filter" method="get" action="/mail/"
><label>To <input name="to" type="email" value="$to"></label>
<button class="quiet">Filter</button></form>
$table
"""
ONE = """
<p><a href="/mail/">All mails</a></p>
<h1>$subject</h1>
<p class="about">From $sender to $to, at $at</p>
$text $links $html
<details><summary>Source</summary><pre>$source</pre></details>
"""
TEXT = (
    '<section aria-labelledby="text"><h2 id="text">Text</h2><pre '
    'class="letter">$text</pre></section>'
)
LINKS = '<section aria-labelledby="links"><h2 id="links">Links</h2><ul>$links</ul></section>'
WALLS = "allow-popups allow-popups-to-escape-sandbox allow-top-navigation-by-user-activation"
HTML = f"""
<section aria-labelledby="html"><h2 id="html">HTML</h2>
<iframe class="letter" title="The mail as HTML" src="$url" sandbox="{WALLS}"></iframe></section>
"""
FOREIGN = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; base-uri "
    "'none'; "
    f"frame-ancestors 'self'; sandbox {WALLS}"
)


class Pages:
    def __init__(self, box: Mailbox):
        self._box = box

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/mail", self.moved),
            web.get("/mail/", self.list),
            web.get("/mail/{seq}", self.one),
            web.get("/mail/{seq}/html", self.html),
        ]

    async def moved(self, request: web.Request) -> web.Response:
        return web.Response(status=308, headers={"Location": "/mail/"})

    async def list(self, request: web.Request) -> web.Response:
        to = request.query.get("to", "")
        mails = list(self._box.newest(to=to))
        rows = [
            (
                mail["at"][:19].replace("T", " "),
                ", ".join(mail["to"]),
                render_link(mail["subject"] or "(no subject)", "mail", str(mail["seq"])),
            )
            for mail in mails[:SHOWN]
        ]
        count = format_shown_count(len(mails), "mail", limit=SHOWN)
        body = markup(
            LIST,
            live=render_live_link(request),
            to=to,
            table=render_table(("Time", "To", "Subject"), rows, caption=count, empty="No mail."),
        )
        return render_page(request, "Mailbox", body, system="mail")

    async def one(self, request: web.Request) -> web.Response:
        mail = self._box.mail(request.match_info["seq"])
        if mail is None:
            return render_not_found(request, "No such mail.", system="mail")
        url = build_url("mail", str(mail["seq"]), "html")
        body = markup(
            ONE,
            subject=mail["subject"] or "(no subject)",
            sender=mail["from"],
            to=", ".join(mail["to"]),
            at=mail["at"],
            text=markup(TEXT, text=render_linked_text(mail["text"])) if mail["text"] else None,
            links=markup(
                LINKS, links=[markup("<li>$a</li>", a=anchor(url)) for url in mail["links"]]
            ),
            html=markup(HTML, url=url) if mail["html"] else None,
            source=mail["source"],
        )
        return render_page(request, mail["subject"] or "A mail", body, system="mail")

    async def html(self, request: web.Request) -> web.Response:
        """Show the HTML as it was written, in a sandboxed frame; its links open in the whole
        window.
        """
        mail: Mail | None = self._box.mail(request.match_info["seq"])
        if mail is None:
            return render_not_found(request, "No such mail.", system="mail")
        text = f'<!doctype html><base target="_top">{mail["html"]}'
        return web.Response(
            text=text,
            content_type="text/html",
            headers={**HEADERS, "Content-Security-Policy": FOREIGN},
        )


def render_linked_text(text: str) -> list[Any]:
    """The text, with its links as links."""
    parts: list[Any] = []
    end = 0
    for match in re.finditer(URL, text):
        url = match[0].rstrip(TAIL)
        parts += [text[end : match.start()], anchor(url)]
        end = match.start() + len(url)
    return [*parts, text[end:]]


def anchor(url: str) -> Markup:
    return markup('<a href="$url" rel="noreferrer">$url</a>', url=url)
