"""The order application's page: place an order, and follow it."""

from collections.abc import Sequence
from typing import Any

from aiohttp import web
from markupsafe import Markup

from sandbox.app.accounts import APP, Tenant
from sandbox.app.order_book import LINES, Order, form_lines
from sandbox.app.system import OrderApp
from sandbox.clock import Clock
from sandbox.pages.forms import is_own_form
from sandbox.pages.html import (
    build_url,
    format_count,
    markup,
    render_link,
    render_live_link,
    render_not_found,
    render_page,
    render_state,
    render_table,
    render_time,
)
from sandbox.registration import SystemRegistration

SHOWN = 50
PAGE = """
<p><a href="/app/labels/">Shipping labels</a> · <a href="/app/questions/">Questions</a></p>
<div class="title"><h1>Orders</h1>$live</div>
<p class="about">A small shop of our own. The hub sends its orders to the systems of the tenant.</p>
$placed
<div class="columns">
<section aria-labelledby="place"><h2 id="place">Place an order</h2>
$sorry
<form method="post" action="/app/orders" class="order">
<label>Tenant <select name="tenant">$tenants</select></label>
<label>Customer
  <input name="customer" required maxlength="255" value="$customer" autocomplete="off"></label>
<label>Email
  <input name="email" type="email" required maxlength="255" value="$email"
  autocomplete="off"></label>
<label>Currency <select name="currency">$currencies</select></label>
<fieldset><legend>Lines</legend><div class="lines">$lines</div></fieldset>
<button>Place the order</button>
</form></section>
<section aria-labelledby="list"><h2 id="list">Placed</h2>$orders
<p><a href="/app/api/orders">The same as JSON</a></p></section>
</div>
<section aria-labelledby="told"><h2 id="told">Told by the hub</h2>$told</section>
"""
LINE = """
<input name="name-$number" aria-label="Article $shown" placeholder="Article" value="$name">
<input name="quantity-$number" aria-label="Quantity $shown" placeholder="Qty"
  inputmode="numeric" value="$quantity">
<input name="price-$number" aria-label="Price $shown" placeholder="Price"
  inputmode="decimal" value="$price">
"""
PLACED = """
<div class="placed $kind" role="status"
><p>$state Order <strong>$number</strong> is placed.</p>$answer
<ul class="see">$links</ul></div>
"""
DETAIL = """
<p><a href="/app/">All orders</a></p>
<div class="title"><h1>Order $number</h1>$live</div>
<p>$state $total for $customer, $email</p>
<h2>Lines</h2>$lines
<h2>Response of the hub</h2>$hub
<form method="post" action="/app/orders/$number/tell"
><button class="quiet">Send to the hub again</button></form>
<h2>View it</h2><ul class="see">$links</ul>
"""
CURRENCIES = ("EUR", "USD", "GBP", "CHF")
EXAMPLE = {
    "customer": "Ada Lovelace",
    "email": "ada@example.org",
    "name-0": "Tea",
    "quantity-0": "2",
    "price-0": "4.50",
}


class Pages:
    def __init__(self, app: OrderApp, clock: Clock, systems: Sequence[SystemRegistration]):
        self._app = app
        self._systems = systems
        self._clock = clock

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/app/", self.show),
            web.post("/app/orders", self.place),
            web.get("/app/orders/{number}", self.order),
            web.post("/app/orders/{number}/tell", self.tell),
        ]

    async def show(self, request: web.Request) -> web.Response:
        return self._page(request, EXAMPLE | dict(request.query))

    async def place(self, request: web.Request) -> web.StreamResponse:
        if not is_own_form(request):
            return render_not_found(
                request, "Orders can only be placed on this page.", system="app", status=403
            )
        form = {key: str(value) for key, value in (await request.post()).items()}
        at = self._clock()
        try:
            order = self._app.book.place({**form, "items": form_lines(form)}, at)
        except ValueError as error:
            return self._page(request, form, sorry=str(error))
        await self._app.notify_hub(order, at)
        query = {"placed": order["number"], "tenant": order["tenant"]}
        return web.Response(
            status=303, headers={"Location": build_url("app", **query).replace("?", "/?")}
        )

    async def tell(self, request: web.Request) -> web.Response:
        """Send the order to the hub again; the id is the order's, so the hub accepts it once."""
        order = self._app.book.find(request.match_info["number"])
        if order is None or not is_own_form(request):
            return render_not_found(request, "No such order.", system="app")
        await self._app.notify_hub(order, self._clock())
        return web.Response(
            status=303, headers={"Location": build_url("app", "orders", order["number"])}
        )

    async def order(self, request: web.Request) -> web.Response:
        order = self._app.book.find(request.match_info["number"])
        if order is None:
            return render_not_found(request, "No such order.", system="app")
        items = order.get("items")
        lines = (
            (item.get("name"), item.get("quantity"), item.get("price"))
            for item in (items if isinstance(items, list) else [])
            if isinstance(item, dict)
        )
        body = markup(
            DETAIL,
            number=order["number"],
            live=render_live_link(request),
            state=state_of(order),
            total=f"{order.get('total')} {order.get('currency')}",
            customer=order.get("customer"),
            email=order.get("email"),
            lines=render_table(
                ("Article", "Quantity", "Price"), lines, caption="Lines", empty="None."
            ),
            hub=answer_of(order),
            links=self._links(order),
        )
        return render_page(request, f"Order {order['number']}", body, system="app")

    def _page(self, request: web.Request, form: dict[str, str], sorry: str = "") -> web.Response:
        placed = self._app.book.find(request.query.get("placed"))
        body = markup(
            PAGE,
            live=render_live_link(request),
            placed=self._render_placed_order(placed) if placed else None,
            sorry=markup('<p class="sorry" role="alert">$s</p>', s=sorry) if sorry else None,
            tenants=[
                option(t.reference, t.title, form.get("tenant"))
                for t in self._app.store[APP].tenants.values()
            ],
            currencies=[option(code, code, form.get("currency")) for code in CURRENCIES],
            customer=form.get("customer"),
            email=form.get("email"),
            lines=[line(number, form) for number in range(LINES)],
            orders=self._orders(),
            told=self._render_sent_events(),
        )
        return render_page(request, "Orders", body, system="app", status=400 if sorry else 200)

    def _render_placed_order(self, order: Order) -> Markup:
        return markup(
            PLACED,
            kind="bad" if order.get("state") == "not sent" else "good",
            state=state_of(order),
            number=order["number"],
            answer=answer_of(order),
            links=self._links(order),
        )

    def _links(self, order: Order) -> list[Markup]:
        tenant = self._app.store[APP].tenants.get(order["tenant"]) or Tenant(order["tenant"])
        number = order["number"]
        hub = markup('<a href="$url">the hub\'s event page</a>', url=self._app.event_page(order))
        links = [
            markup(
                '<a href="$url">$name</a>', url=system.order_url(account, number), name=system.title
            )
            for system in self._systems
            if system.order_url and (account := tenant.accounts.get(system.key))
        ]
        return [markup("<li>View it in $link</li>", link=one) for one in [*links, hub]]

    def _orders(self) -> Markup:
        rows = (
            (
                render_link(order["number"], "app", "orders", order["number"]),
                order["tenant"],
                order.get("customer"),
                f"{order.get('total')} {order.get('currency')}",
                state_of(order),
            )
            for order in self._app.book.orders(SHOWN)
        )
        heads = ("Number", "Tenant", "Customer", "Total", "State")
        return render_table(
            heads,
            rows,
            caption=format_count(len(self._app.book), "order"),
            empty="No orders yet. Place the first one.",
        )

    def _render_sent_events(self) -> Markup:
        rows = (
            (
                render_time(row["at"]),
                row["tenant"],
                row["event"].get("type"),
                str(row["event"].get("data"))[:200],
            )
            for row in self._app.book.received()[:20]
        )
        return render_table(
            ("Time", "Tenant", "Type", "Data"),
            rows,
            caption="Events from the hub",
            empty="Nothing yet.",
        )


def line(number: int, form: dict[str, str]) -> Markup:
    values = {key: form.get(f"{key}-{number}", "") for key in ("name", "quantity", "price")}
    return markup(LINE, number=number, shown=number + 1, **values)


def option(value: str, name: str, selected_value: str | None) -> Markup:
    selected = Markup(" selected" if value == selected_value else "")
    return markup(
        '<option value="$value"$selected>$name</option>', value=value, name=name, selected=selected
    )


def state_of(order: Order) -> Markup:
    state = str(order.get("state"))
    return render_state("bad" if state == "not sent" else "good", state)


def answer_of(order: Order) -> Markup:
    hub: dict[str, Any] | None = order.get("hub")
    if hub is None:
        return markup("<p>No response yet.</p>")
    summary = (
        f"The hub responded with {hub['status']}" if hub["status"] else "The hub did not respond"
    )
    return markup(
        "<details open><summary>$heard</summary><pre>$text</pre></details>",
        heard=summary,
        text=hub["text"],
    )
