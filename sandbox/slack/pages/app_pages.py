"""The settings of a Slack app as its owner sees them: event subscriptions, commands,
interactivity.
"""

from aiohttp import web
from markupsafe import Markup

from sandbox.pages.forms import is_own_form
from sandbox.pages.html import (
    build_url,
    markup,
    render_link,
    render_not_found,
    render_page,
    render_state,
    render_table,
)
from sandbox.slack.apps.configuration import APPS, SlackApp
from sandbox.slack.system import Slack

PAGE = """
<p><a href="/slack/">All workspaces</a></p>
<h1>App $app</h1>
<h2>Event Subscriptions</h2>
<p>$state <code>$url</code></p>
<p>Bot events: $events</p>
<form method="post" action="$action"
><button class="quiet" name="do" value="verify">Verify again</button>
<button class="quiet" name="do" value="enable">Enable events</button></form>
<h2>Interactivity</h2><p><code>$interactivity</code></p>
<h2>Slash Commands</h2>$commands
<p class="about">The settings come from <code>slack_apps</code> of the world:
<code>POST /_control/world</code> changes them.</p>
"""


class AppPages:
    def __init__(self, slack: Slack):
        self._slack = slack

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/slack/apps/", self.list),
            web.get("/slack/apps/{app}", self.show),
            web.post("/slack/apps/{app}", self.change),
        ]

    async def list(self, request: web.Request) -> web.Response:
        rows = (
            (render_link(app.app_id, "slack", "apps", app.app_id), self._state(app))
            for app in self._slack.store[APPS].values()
        )
        table = render_table(("App", "Event subscriptions"), rows, caption="Apps", empty="None.")
        body = markup("<h1>Slack apps</h1>$table", table=table)
        return render_page(request, "Slack apps", body, system="slack")

    async def show(self, request: web.Request) -> web.Response:
        app = self._slack.store[APPS].get(request.match_info["app"])
        if app is None:
            return render_not_found(request, "No such app.", system="slack")
        commands = render_table(
            ("Command", "URL"),
            ((one["command"], one.get("url")) for one in app.slash_commands),
            caption="Slash commands",
            empty="None.",
        )
        body = markup(
            PAGE,
            app=app.app_id,
            state=self._state(app),
            url=app.request_url or "no Request URL",
            events=", ".join(app.bot_events) or "none",
            action=build_url("slack", "apps", app.app_id),
            interactivity=app.interactivity_url or "no URL",
            commands=commands,
        )
        return render_page(request, f"App {app.app_id}", body, system="slack")

    async def change(self, request: web.Request) -> web.Response:
        """`do` is verify or enable."""
        app = self._slack.store[APPS].get(request.match_info["app"])
        if app is None or not is_own_form(request):
            return render_not_found(request, "No such app.", system="slack")
        form = await request.post()
        subscriptions = self._slack.events.subscriptions
        if form.get("do") == "enable":
            subscriptions.enable(app)
        elif app.request_url:
            self._slack.start([subscriptions.handshake(app)])
        return web.Response(
            status=303, headers={"Location": build_url("slack", "apps", app.app_id)}
        )

    def _state(self, app: SlackApp) -> Markup:
        subscriptions = self._slack.events.subscriptions
        if subscriptions.is_disabled(app):
            return render_state("bad", "disabled: more than 95 % of 60 minutes' deliveries failed")
        if subscriptions.is_verified(app):
            return render_state("good", "verified")
        return render_state("quiet", "not verified yet")
