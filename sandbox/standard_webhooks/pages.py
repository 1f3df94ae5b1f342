"""The page of the senders: what each sends where, and a button for each type of event."""

from aiohttp import web
from markupsafe import Markup

from sandbox.clock import Clock
from sandbox.pages.forms import is_own_form, read_form
from sandbox.pages.html import (
    build_url,
    markup,
    render_not_found,
    render_page,
    render_state,
    render_table,
)
from sandbox.standard_webhooks.senders import SENDERS, StandardWebhooks, WebhookSender

PAGE = """
<h1>Senders of Standard Webhooks</h1>
<p>Their URLs and secrets come from <code>standard_webhooks</code> of the world.</p>
$table
"""
BUTTONS = '<form method="post" action="$url" class="levers">$buttons</form>'
BUTTON = '<button class="quiet" name="event" value="$event">Send $event</button> '


class Pages:
    def __init__(self, system: StandardWebhooks, clock: Clock):
        self._system = system
        self._clock = clock

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/standard_webhooks/", self.show),
            web.post("/standard_webhooks/{sender}", self.send),
        ]

    async def show(self, request: web.Request) -> web.Response:
        rows = (
            (one.name or one.sender, one.url or "no URL", self._state(one), buttons_of(one))
            for one in self._system.store[SENDERS].values()
        )
        heads = ("Sender", "URL", "State", "Send")
        table = render_table(heads, rows, caption="Senders", empty="None yet.")
        body = markup(PAGE, table=table)
        return render_page(request, "Senders", body, system="standard_webhooks")

    async def send(self, request: web.Request) -> web.Response:
        """`event` is one of the sender's types."""
        sender = self._system.store[SENDERS].get(request.match_info["sender"])
        event = (await read_form(request)).get("event", "")
        if sender is None or event not in sender.event_types or not is_own_form(request):
            return render_not_found(request, "No such sender or event.", system=self._system.key)
        try:
            self._system.start(
                self._system.events.cause(sender.sender, event, times=1, at=self._clock(), base="")
            )
        except ValueError as error:
            body = markup("<h1>Not sent</h1><p>$text</p>", text=str(error))
            return render_page(request, "Not sent", body, system=self._system.key, status=400)
        return web.Response(status=303, headers={"Location": "/standard_webhooks/"})

    def _state(self, sender: WebhookSender) -> Markup:
        if self._system.events.is_disabled(sender):
            return render_state("bad", "disabled: it answered 410")
        return render_state("good" if sender.url else "quiet", "ready" if sender.url else "not set")


def buttons_of(sender: WebhookSender) -> Markup:
    buttons = [markup(BUTTON, event=event) for event in sender.event_types]
    return markup(BUTTONS, url=build_url("standard_webhooks", sender.sender), buttons=buttons)
