"""The saved searches of a stack whose alert is a webhook, and a button that runs them."""

from aiohttp import web

from sandbox.clock import Clock
from sandbox.pages.forms import is_own_form
from sandbox.pages.html import (
    build_url,
    markup,
    render_link,
    render_not_found,
    render_page,
    render_table,
)
from sandbox.sending.sender import Sender
from sandbox.splunk.accounts import SAVED_SEARCHES
from sandbox.splunk.alerts import ALERT, SplunkAlerts
from sandbox.storage.account_store import AccountStore

PAGE = """
<p>$back</p><h1>Alerts of $stack</h1>
$table
<form method="post" action="$url"><button>Trigger the alerts</button></form>
"""


class AlertPages:
    def __init__(self, store: AccountStore, alerts: SplunkAlerts, sender: Sender, clock: Clock):
        self._store = store
        self._alerts = alerts
        self._sender = sender
        self._clock = clock

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/splunk/{stack}/alerts", self.show),
            web.post("/splunk/{stack}/alerts", self.trigger),
        ]

    async def show(self, request: web.Request) -> web.Response:
        stack = request.match_info["stack"]
        if stack not in self._alerts.accounts():
            return render_not_found(request, "No such stack.", system="splunk")
        rows = (
            (search.name, search.app, search.owner, search.url or "no URL")
            for search in self._store[SAVED_SEARCHES].values()
            if search.stack == stack
        )
        heads = ("Saved search", "App", "Owner", "Webhook URL")
        body = markup(
            PAGE,
            back=render_link("Search", "splunk", stack, "search"),
            stack=stack,
            table=render_table(heads, rows, caption="Saved searches", empty="None yet."),
            url=build_url("splunk", stack, "alerts"),
        )
        return render_page(request, f"Alerts of {stack}", body, system="splunk")

    async def trigger(self, request: web.Request) -> web.Response:
        stack = request.match_info["stack"]
        if stack not in self._alerts.accounts() or not is_own_form(request):
            return render_not_found(request, "No such stack.", system="splunk")
        try:
            deliveries = self._alerts.cause(stack, ALERT, times=1, at=self._clock(), base="")
        except ValueError as error:
            body = markup("<h1>Not sent</h1><p>$text</p>", text=str(error))
            return render_page(request, "Not sent", body, system="splunk", status=400)
        for delivery in deliveries:
            self._sender.start(delivery)
        location = build_url("splunk", stack, "alerts")
        return web.Response(status=303, headers={"Location": location})
