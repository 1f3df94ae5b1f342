"""The sandbox's first page: where everything is."""

from collections.abc import Mapping, Sized

from aiohttp import web

from sandbox.gateway import Gateway
from sandbox.pages.html import format_count, markup, render_live_link, render_page

PAGE = """
<div class="title"><h1>The outside world, on your desk</h1>$live</div>
<p>Simulated systems with their real manners. Start by <a href="/app/">placing an order</a>.</p>
<ul class="cards">$cards</ul>
<p class="about">$taken taken, $faults in force. <a href="/_control/">Control and ledger</a></p>
"""
CARD = """
<li class="card $system"><h2><a href="$url">$name</a></h2><p>$about</p>
<p class="number">$count <span>$unit</span></p></li>
"""
ABOUT = {
    "app": ("Orders", "Our own small shop, where an order begins.", "orders"),
    "slack": ("Slack", "Workspaces, their channels, and what the app said there.", "messages"),
    "salesforce": ("Salesforce", "Orgs with leads, contacts, accounts and more.", "records"),
    "pipedrive": (
        "Pipedrive",
        "Companies with persons, deals, leads, activities and notes.",
        "records",
    ),
    "splunk": ("Splunk", "The HTTP Event Collector, and a search over it.", "events"),
    "mail": ("Mailbox", "Every mail that the hub sent, delivered to nobody.", "mails"),
    "webhook": ("Webhook catcher", "Takes anything, and checks the signature.", "requests"),
}


class Home:
    """`held` is what each system holds, to be counted."""

    def __init__(self, door: Gateway, held: Mapping[str, Sized]):
        self._door = door
        self._held = held

    async def show(self, request: web.Request) -> web.Response:
        cards = [
            markup(
                CARD,
                system=key,
                url=f"/{key}/",
                name=name,
                about=about,
                count=len(self._held[key]),
                unit=unit,
            )
            for key, (name, about, unit) in ABOUT.items()
        ]
        taken = format_count(self._door.ledger.seq, "request")
        faults = format_count(len(self._door.faults.listed()), "fault")
        body = markup(PAGE, live=render_live_link(request), cards=cards, taken=taken, faults=faults)
        return render_page(request, "Home", body, system="home")
