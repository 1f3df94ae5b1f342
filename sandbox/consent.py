"""The page on which a person lets our application in: choose an account, and go back with a code."""

from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import urlencode, urlsplit

from aiohttp import web
from yarl import URL

from sandbox.clock import Clock
from sandbox.grants import Codes, Grant
from sandbox.html import markup, missing, page
from sandbox.world import World

DESK = ("127.0.0.1", "localhost", "::1")
PAGE = """
<h1>Let the hub in?</h1>
<p>The application <strong>$client</strong> asks $name for:</p>
<ul>$scopes</ul>
<ul class="choices">$choices<li><a class="button quiet" href="$deny">Cancel</a></li></ul>
"""


class Place(NamedTuple):
    """Where a system asks for consent, and whom it may be given for (id and title, for a client id)."""

    system: str
    name: str
    root: str
    denied: dict[str, str]
    accounts: Callable[[str], list[tuple[str, str]]]


class Consent:
    def __init__(self, place: Place, codes: Codes, world: World, clock: Clock):
        self._place = place
        self._codes = codes
        self._world = world
        self._clock = clock

    def routes(self) -> list[web.RouteDef]:
        return [web.get(f"{self._place.root}/authorize", self.ask), web.get(f"{self._place.root}/allow", self.allow)]

    async def ask(self, request: web.Request) -> web.Response:
        if wrong := self._wrong(request):
            return missing(request, wrong, system=self._place.system, status=400)
        client = request.query["client_id"]
        choices = [
            markup(
                '<li><a class="button" href="$url">Allow in $title</a></li>',
                url=URL(f"{self._place.root}/allow").with_query({**request.query, "account": account}),
                title=title,
            )
            for account, title in self._place.accounts(client)
        ]
        scopes = request.query.get("scope", "").replace(",", " ").split()
        body = markup(
            PAGE,
            client=client,
            name=self._place.name,
            scopes=[markup("<li><code>$scope</code></li>", scope=scope) for scope in scopes],
            choices=choices,
            deny=back(request, self._place.denied),
        )
        return page(request, "Let the hub in?", body, system=self._place.system)

    async def allow(self, request: web.Request) -> web.Response:
        query = request.query
        known = {account for account, _ in self._place.accounts(query.get("client_id", ""))}
        wrong = self._wrong(request) or ("" if query.get("account") in known else "No such account.")
        if wrong:
            return missing(request, wrong, system=self._place.system, status=400)
        challenge = query.get("code_challenge", "")
        code = self._codes.give(Grant(query["account"], query["redirect_uri"], challenge, self._clock()))
        return web.Response(status=302, headers={"Location": back(request, {"code": code})})

    def _wrong(self, request: web.Request) -> str:
        if not self._place.accounts(request.query.get("client_id", "")):
            return "No account of this world knows that client_id."
        target = urlsplit(request.query.get("redirect_uri", ""))
        if target.scheme not in ("http", "https") or target.hostname not in {
            *DESK,
            urlsplit(self._world.app.hub).hostname,
        }:
            return "The redirect_uri leads neither to this machine nor to the hub."
        if request.query.get("code_challenge_method", "S256") != "S256":
            return "Only S256 is taken as code_challenge_method."
        return ""


def back(request: web.Request, answer: dict[str, str]) -> str:
    """The redirect_uri with the answer, and the state as it was given."""
    target = request.query["redirect_uri"]
    state = {"state": request.query["state"]} if "state" in request.query else {}
    return f"{target}{'&' if '?' in target else '?'}{urlencode(answer | state)}"
