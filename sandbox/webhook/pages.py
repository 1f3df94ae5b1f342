"""The catcher's pages: the endpoints, and what each has caught."""

from collections.abc import Mapping
from typing import Any

from aiohttp import web
from markupsafe import Markup

from sandbox.pages.html import (
    build_url,
    markup,
    render_link,
    render_live_link,
    render_not_found,
    render_page,
    render_state,
    render_table,
    render_time,
)
from sandbox.webhook.accounts import ENDPOINTS, Endpoint
from sandbox.webhook.system import WebhookCatcher

SHOWN = 100
LIST = """
<h1>Webhook catcher</h1>
<p>Post anything to <code>$base/webhook/<em>any-name</em></code>. Endpoints with a secret are
verified after Standard
Webhooks.</p>
$table
"""
CAUGHT = """
<div class="title"><h1>$title</h1>$live</div>
<p>Catches <code>$url</code></p>
<p>$secret</p>
$items
"""
ITEM = """
<article class="caught" id="caught-$number">
<header><code>$method $path</code> $verdict $at</header>
<details$open><summary>Body, $size bytes</summary><pre>$body</pre></details>
<details><summary>$count headers</summary><div class="scroll" tabindex="0"
  role="group" aria-label="Headers">
<table><tbody>$headers</tbody></table></div></details>
</article>
"""


class Pages:
    def __init__(self, catcher: WebhookCatcher):
        self._catcher = catcher

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/webhook/", self.list), web.get("/webhook/{endpoint}", self.endpoint)]

    async def list(self, request: web.Request) -> web.Response:
        endpoints = self._catcher.store[ENDPOINTS]
        caught = [row["endpoint"] for row in self._catcher.caught.values()]
        rows = (
            (
                render_link(title(endpoints, name), "webhook", name),
                name,
                verifies(endpoints.get(name)),
                caught.count(name),
            )
            for name in dict.fromkeys([*endpoints, *caught])
        )
        heads = ("Endpoint", "Name in the URL", "Verified", "Caught")
        listing = render_table(heads, rows, caption="Endpoints", empty="None yet.")
        return render_page(
            request,
            "Webhook catcher",
            markup(LIST, base=base(request), table=listing),
            system="webhook",
        )

    async def endpoint(self, request: web.Request) -> web.Response:
        name = request.match_info["endpoint"]
        endpoints = self._catcher.store[ENDPOINTS].get(name)
        rows = [row for row in self._catcher.caught.newest() if row["endpoint"] == name][:SHOWN]
        if endpoints is None and not rows:
            return render_not_found(
                request, f"Nothing was ever sent to “{name}”.", system="webhook"
            )
        body = markup(
            CAUGHT,
            title=title(self._catcher.store[ENDPOINTS], name),
            live=render_live_link(request),
            url=base(request) + build_url("webhook", name),
            secret=f"Signatures: {verifies(endpoints)}",
            items=[item(row, number == 0) for number, row in enumerate(rows)]
            or empty(base(request), name),
        )
        return render_page(request, name, body, system="webhook")


def item(row: dict[str, Any], newest: bool) -> Markup:
    return markup(
        ITEM,
        number=row["number"],
        method=row["method"],
        path=row["path"],
        verdict=verdict(row["trouble"]),
        at=render_time(row["at"]),
        open=Markup(" open" if newest else ""),
        size=len(row["body"].encode()),
        body=row["body"],
        count=len(row["headers"]),
        headers=[
            markup('<tr><th scope="row">$name</th><td>$value</td></tr>', name=name, value=value)
            for name, value in row["headers"]
        ],
    )


def title(endpoints: Mapping[str, Endpoint], name: str) -> str:
    return endpoints[name].name or name if name in endpoints else name


def verdict(trouble: str | None) -> Markup:
    if trouble is None:
        return render_state("quiet", "no secret to verify with")
    return render_state("bad", trouble) if trouble else render_state("good", "verified")


def verifies(endpoints: Endpoint | None) -> str:
    return (
        "not checked: no secret is known"
        if not endpoints or not endpoints.secrets
        else "checked with the endpoint's secret"
    )


def empty(base: str, name: str) -> Markup:
    return markup(
        '<p class="empty">Nothing caught yet. Try: <code>curl -d \'{"hello": "world"}\' '
        "$base/webhook/$name</code></p>",
        base=base,
        name=name,
    )


def base(request: web.Request) -> str:
    return f"{request.scheme}://{request.host}"
