"""The control as a page: add faults, reset, and watch the ledger."""

from collections.abc import Iterator
from typing import Any

from aiohttp import web
from markupsafe import Markup

from sandbox.control.account_controls import AccountControls
from sandbox.gateway import Gateway
from sandbox.pages.html import (
    markup,
    render_live_link,
    render_page,
    render_state,
    render_table,
)

SHOWN = 100
PAGE = """
<div class="title"><h1>Control</h1>$live</div>
<p>Faults that the simulated systems produce, and all requests that they received. Also available
over HTTP:
<code>GET /_control/ledger?since=0</code>, <code>POST /_control/faults</code>,
<code>POST /_control/reset</code>.</p>
$sorry
<section aria-labelledby="order"><h2 id="order">Add a fault</h2>
<form method="post" action="/_control/faults" class="grid">
<label>System <select name="system">$systems</select></label>
<label>Account <input name="account" placeholder="all of them"></label>
<label>Path <input name="path" placeholder="all; or oauth.v2.access"></label>
<label>Status <input name="status" inputmode="numeric" placeholder="429; 0 cuts the line"></label>
<label>Retry after, seconds <input name="retry_after" inputmode="decimal"></label>
<label>Delay, seconds <input name="delay" inputmode="decimal"></label>
<label>Requests <input name="times" inputmode="numeric" placeholder="1; 0: until reset"></label>
<label>Bytes <input name="bytes" inputmode="numeric" placeholder="pad the answer"></label>
<label>Clock ahead, seconds <input name="ahead" inputmode="decimal"></label>
<label class="wide">Body <input name="body" placeholder="the system's own words"></label>
<label class="wide">Changes <input name="changes"
 placeholder='{"instance_url": "https://evil.example"}'></label>
<label class="wide">Consent <input name="consent" placeholder='{"error": "access_denied"}'></label>
<label class="check"><input type="checkbox" name="effect">
It takes effect, only the answer is lost</label>
<button>Order the fault</button>
</form></section>
<section aria-labelledby="faults"><h2 id="faults">Faults in force</h2>$faults
<form method="post" action="/_control/reset"
><button class="quiet">Reset: faults off</button></form></section>
<section aria-labelledby="accounts"><h2 id="accounts">Accounts</h2>$accounts</section>
<section aria-labelledby="ledger"><h2 id="ledger">Ledger</h2>
<form class="filter" method="get" action="/_control/"><label>System
<select name="system"><option value="">all</option>$filters</select></label>
<label>Account <input name="account" value="$account"></label
><button class="quiet">Filter</button></form>
$ledger</section>
"""


class ControlPage:
    def __init__(self, gateway: Gateway, levers: AccountControls, systems: list[str]):
        self._gateway = gateway
        self._levers = levers
        self._systems = systems

    async def moved(self, request: web.Request) -> web.Response:
        return web.Response(status=308, headers={"Location": "/_control/"})

    async def show(self, request: web.Request) -> web.Response:
        return self._page(request)

    def refused(self, request: web.Request, sentence: str) -> web.Response:
        return self._page(
            request, sorry=markup('<p class="sorry" role="alert">$s.</p>', s=sentence), status=400
        )

    def _page(
        self, request: web.Request, sorry: Markup | None = None, status: int = 200
    ) -> web.Response:
        selected = request.query.get("system", "")
        body = markup(
            PAGE,
            live=render_live_link(request),
            sorry=sorry,
            systems=options(self._systems, ""),
            filters=options(self._systems, selected),
            account=request.query.get("account", ""),
            faults=self._faults(),
            accounts=self._levers.table(),
            ledger=self._ledger(selected, request.query.get("account", "")),
        )
        return render_page(request, "Control", body, status=status)

    def _faults(self) -> Markup:
        heads = (
            "System",
            "Account",
            "Path",
            "Status",
            "Retry after",
            "Delay",
            "Body, changes or consent",
            "Left",
        )
        rows = (
            (
                f["system"],
                f["account"] or "all",
                f["path"],
                f["status"],
                f["retry_after"],
                f["delay"] or None,
                [short(f[key]) for key in ("body", "changes", "consent")],
                "until reset" if f["left"] is None else f["left"],
            )
            for f in self._gateway.faults.listed()
        )
        return render_table(
            heads, rows, caption="Active faults", empty="None. All systems work normally."
        )

    def _ledger(self, system: str, account: str) -> Markup:
        lines = (
            line
            for line in self._gateway.ledger.last(SHOWN)
            if system in ("", line["system"]) and account in ("", line["account"])
        )
        heads = ("Seq", "Time", "System", "Account", "Request", "Status", "Id", "Body")
        empty = "Nothing yet. Place an order, or send something."
        return render_table(
            heads,
            rows_of(lines),
            caption=f"The newest of {self._gateway.ledger.seq} requests",
            empty=empty,
        )


def rows_of(lines: Iterator[dict[str, Any]]) -> Iterator[tuple[Any, ...]]:
    for line in lines:
        good = 200 <= line["status"] < 400
        status = render_state("good" if good else "bad", str(line["status"] or "cut"))
        request = markup("<code>$method $path</code>", method=line["method"], path=line["path"])
        body = markup(
            "<details><summary>$size B</summary><pre>$body</pre></details>",
            size=len(line["body"]),
            body=line["body"],
        )
        yield (
            line["seq"],
            line["at"][11:23],
            line["system"],
            line["account"],
            request,
            status,
            ids(line["id"]),
            body,
        )


def ids(joined: str | None) -> str:
    first, *others = (joined or "").split()[:1000] or [""]
    return f"{first} and {len(others)} more" if others else first


def options(names: list[str], selected: str) -> list[Markup]:
    return [
        markup(
            "<option$selected>$name</option>",
            name=name,
            selected=Markup(" selected" if name == selected else ""),
        )
        for name in names
    ]


def short(body: Any) -> str:
    return "" if body is None else str(body)[:80]
