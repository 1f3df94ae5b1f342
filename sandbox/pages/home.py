"""The sandbox's first page: where everything is."""

from collections.abc import Sequence, Sized
from dataclasses import dataclass

from aiohttp import web

from sandbox.gateway import Gateway
from sandbox.pages.html import format_count, markup, render_live_link, render_page

PAGE = """
<div class="title"><h1>Simulated external systems</h1>$live</div>
<p>They behave like the real systems. Start by <a href="/app/">placing an order</a>.</p>
<ul class="cards">$cards</ul>
<p class="about">$taken received, $faults active. <a href="/_control/">Control and ledger</a></p>
"""
CARD = """
<li class="card $system"><h2><a href="$url">$name</a></h2><p>$about</p>
<p class="number">$count <span>$unit</span></p></li>
"""


@dataclass(frozen=True)
class HomeCard:
    key: str
    title: str
    about: str
    items: Sized  # are counted
    unit: str


class Home:
    def __init__(self, gateway: Gateway, cards: Sequence[HomeCard]):
        self._gateway = gateway
        self._cards = cards

    async def show(self, request: web.Request) -> web.Response:
        cards = [
            markup(
                CARD,
                system=card.key,
                url=f"/{card.key}/",
                name=card.title,
                about=card.about,
                count=len(card.items),
                unit=card.unit,
            )
            for card in self._cards
        ]
        request_count = format_count(self._gateway.ledger.seq, "request")
        faults = format_count(len(self._gateway.faults.listed()), "fault")
        body = markup(
            PAGE, live=render_live_link(request), cards=cards, taken=request_count, faults=faults
        )
        return render_page(request, "Home", body, system="home")
