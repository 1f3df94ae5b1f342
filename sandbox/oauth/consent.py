"""The consent page: a person chooses an account, and returns to our application with a code."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from aiohttp import web
from markupsafe import Markup
from yarl import URL

from sandbox.gateway import Gateway, merge_patch
from sandbox.oauth.authorization_codes import AuthorizationCodes, Grant
from sandbox.pages.html import markup, render_page

LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "::1")
PAGE = """
<h1>Allow access?</h1>
<p>The application <strong>$client</strong> requests access to $name.</p>
<form method="post" action="$url">
$scopes
<div class="choices">$choices <button class="quiet" name="answer" value="deny">Cancel</button></div>
</form>
"""
REQUESTED_SCOPES = """
<h2>$title</h2><ul>$scopes</ul>
<details><summary>Grant less than was asked</summary
><fieldset><legend>$title</legend>$boxes</fieldset></details>
<input type="hidden" name="${field}_shown" value="yes">
"""
BOX = (
    '<label class="check"><input type="checkbox" name="$field" value="$scope" checked> '
    "$scope</label>"
)
TITLES = {"scope": "Permissions", "user_scope": "Permissions in your own name"}


@dataclass(frozen=True)
class Choice:
    """An account that may be chosen; `message` is shown if the choice does not lead to a code."""

    account: str
    title: str
    verb: str = "Allow in"
    answer: Mapping[str, str] | None = None  # goes back with this
    message: tuple[str, str] | None = None  # stays on a page with this title and text


@dataclass(frozen=True)
class ConsentRequest:
    """The parameters of an authorization request, and the host that received it."""

    query: Mapping[str, str]
    host: str = ""

    @property
    def client(self) -> str:
        return self.query.get("client_id", "")

    def scopes(self, field: str = "scope") -> list[str]:
        return self.query.get(field, "").replace(",", " ").split()


def accept(consent_request: ConsentRequest) -> Any:
    return None


@dataclass(frozen=True)
class ConsentPage:
    """The consent page of a system: its route and its texts. `path` may contain `{host}`, which is
    passed on.
    """

    system: str
    name: str
    path: str
    denied: Mapping[str, str]
    choices: Callable[[ConsentRequest], list[Choice]]
    redirects: Callable[
        [str], list[str]
    ]  # the registered ones, of a client id; none: any of this machine or the hub
    wrong: Callable[[ConsentRequest], str | None] = accept  # a sentence for the page
    refused: Callable[[ConsentRequest], Mapping[str, str] | None] = (
        accept  # goes back at once with this
    )
    client_unknown: str = "invalid_client_id"
    redirect_unknown: str = "bad_redirect_uri"
    exact_redirect: bool = False


class ConsentViews:
    def __init__(self, place: ConsentPage, codes: AuthorizationCodes, gateway: Gateway):
        self._place = place
        self._codes = codes
        self._gateway = gateway

    def routes(self) -> list[web.RouteDef]:
        return [web.get(self._place.path, self.ask), web.post(self._place.path, self.answer)]

    async def ask(self, request: web.Request) -> web.StreamResponse:
        if down := await self._gateway.page_fault(request, self._place.system):
            return down
        consent_request = read_consent_request(request)
        if wrong := self._find_problem(consent_request):
            return self._render_problem(request, wrong)
        if refused := self._place.refused(consent_request):
            return redirect_back(consent_request, refused)
        body = markup(
            PAGE,
            client=consent_request.client,
            name=self._place.name,
            url=request.rel_url,
            scopes=[
                render_scopes(consent_request, field, title)
                for field, title in TITLES.items()
                if consent_request.scopes(field)
            ],
            choices=[render_choice(choice) for choice in self._place.choices(consent_request)],
        )
        return render_page(
            request,
            "Allow access?",
            body,
            system=self._place.system,
            forms_to=str(URL(consent_request.query["redirect_uri"]).origin()),
        )

    async def answer(self, request: web.Request) -> web.Response:
        consent_request, form = read_consent_request(request), await request.post()
        choice = next(
            (
                one
                for one in self._place.choices(consent_request)
                if one.account == form.get("account")
            ),
            None,
        )
        if wrong := self._find_problem(consent_request):
            return self._render_problem(request, wrong)
        if refused := self._place.refused(consent_request):
            return redirect_back(consent_request, refused)
        if form.get("answer") == "deny":
            return redirect_back(consent_request, self._place.denied)
        if choice is None:
            return self._render_problem(request, "No such account.")
        if choice.message:
            title, text = choice.message
            return render_page(
                request,
                title,
                markup("<h1>$title</h1><p>$text</p>", title=title, text=text),
                system=self._place.system,
            )
        answer = choice.answer or {
            "code": self._codes.issue(self._grant(consent_request, choice, form))
        }
        changes = self._gateway.faults.take_consent_fault(self._place.system, choice.account)
        return redirect_back(consent_request, answer if "error" not in changes else {}, changes)

    def _grant(self, consent_request: ConsentRequest, choice: Choice, form: Any) -> Grant:
        ticked = {field: granted_scopes(consent_request, field, form) for field in TITLES}
        return Grant(
            account=choice.account,
            client=consent_request.client,
            redirect_uri=consent_request.query["redirect_uri"],
            at=self._gateway.clock(),
            challenge=consent_request.query.get("code_challenge", ""),
            nonce=consent_request.query.get("nonce", ""),
            scopes=ticked["scope"],
            user_scopes=ticked["user_scope"],
        )

    def _find_problem(self, consent_request: ConsentRequest) -> str | None:
        if not consent_request.client or not self._place.choices(consent_request):
            return self._place.client_unknown
        if not self._is_registered(consent_request):
            return self._place.redirect_unknown
        return self._place.wrong(consent_request)

    def _is_registered(self, consent_request: ConsentRequest) -> bool:
        target = consent_request.query.get("redirect_uri", "")
        if not target.startswith(("http://", "https://")) or not target.isprintable():
            return False
        if registered := self._place.redirects(consent_request.client):
            return any(
                target == one or (not self._place.exact_redirect and is_below(target, one))
                for one in registered
            )
        return host_of(target) in {*LOOPBACK_HOSTS, host_of(self._gateway.store.hub_url)}

    def _render_problem(self, request: web.Request, wrong: str) -> web.Response:
        body = markup(
            "<h1>$name cannot continue</h1><p>$wrong</p>", name=self._place.name, wrong=wrong
        )
        return render_page(request, "Not possible", body, system=self._place.system, status=400)


def read_consent_request(request: web.Request) -> ConsentRequest:
    return ConsentRequest(request.query, request.match_info.get("host", ""))


def render_scopes(consent_request: ConsentRequest, field: str, title: str) -> Markup:
    scopes = consent_request.scopes(field)
    lines = [markup("<li><code>$scope</code></li>", scope=scope) for scope in scopes]
    boxes = [markup(BOX, field=field, scope=scope) for scope in scopes]
    return markup(REQUESTED_SCOPES, title=title, field=field, scopes=lines, boxes=boxes)


def render_choice(choice: Choice) -> Markup:
    return markup('<button name="account" value="$account">$verb $title</button>', **vars(choice))


def granted_scopes(consent_request: ConsentRequest, field: str, form: Any) -> tuple[str, ...]:
    """Return the ticked scopes; all of them if the page had no boxes."""
    ticked = form.getall(field, ()) if f"{field}_shown" in form else consent_request.scopes(field)
    return tuple(scope for scope in consent_request.scopes(field) if scope in ticked)


def host_of(url: str) -> str | None:
    try:
        return URL(url).host
    except ValueError:
        return None


def is_below(target: str, registered: str) -> bool:
    return target.startswith(registered.rstrip("/") + "/")


def redirect_back(
    consent_request: ConsentRequest,
    answer: Mapping[str, str],
    changes: Mapping[str, Any] | None = None,
) -> web.Response:
    """Redirect to the redirect_uri with the answer and the unchanged state."""
    target = consent_request.query["redirect_uri"]
    state = {"state": consent_request.query["state"]} if "state" in consent_request.query else {}
    query = urlencode(merge_patch({**answer, **state}, changes or {}))
    return web.Response(
        status=302, headers={"Location": f"{target}{'&' if '?' in target else '?'}{query}"}
    )
