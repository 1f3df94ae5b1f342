"""A Slack workspace as its people see it: channels at the side, messages in the middle."""

from typing import Any

from aiohttp import web
from markupsafe import Markup

from sandbox.pages.html import (
    build_url,
    format_count,
    format_shown_count,
    markup,
    render_live_link,
    render_not_found,
    render_page,
)
from sandbox.slack.accounts import TEAMS, Team
from sandbox.slack.pages.message_list import ChannelView, render_composer, render_messages
from sandbox.slack.system import Slack

SHOWN = 200
PAGE = """
<div class="workspace">
<nav class="side" aria-label="Workspaces and channels">$teams</nav>
<section class="channel" aria-labelledby="channel">
<header class="title"><h1 id="channel">$sign $name</h1>$live</header>
<p class="about">$members · $count · workspace $team</p>
<ol class="messages">$messages</ol>
$empty
$sorry
$composer
</section></div>
"""
TEAM = "<h2>$name</h2><ul>$channels</ul>"
APPS_LINK = '<h2>Apps</h2><ul><li><a href="/slack/apps/">Settings</a></li></ul>'
CHANNEL = '<li><a href="$url"$current>$sign $name<span class="count">$count</span></a></li>'


class Pages:
    def __init__(self, slack: Slack):
        self._slack = slack

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/slack/", self.first),
            web.get("/slack/{team}/", self.busiest),
            web.get("/slack/files/view/{file}", self.file),
            web.get("/slack/{team}/{channel}", self.channel),
        ]

    async def first(self, request: web.Request) -> web.Response:
        for team in self._slack.store[TEAMS].values():
            return web.Response(
                status=302, headers={"Location": build_url("slack", team.team) + "/"}
            )
        return render_not_found(request, "The world has no Slack workspace.", system="slack")

    async def busiest(self, request: web.Request) -> web.Response:
        team = self._slack.store[TEAMS].get(request.match_info["team"])
        if team is None:
            return render_not_found(request, "No such workspace.", system="slack")
        channels = self._slack.rooms.channels(team)
        busiest = max(channels, key=lambda channel: self._slack.rooms.count(team, channel))
        return web.Response(status=302, headers={"Location": newest(team, busiest)})

    async def file(self, request: web.Request) -> web.Response:
        """The bytes of a finished file; an image is shown, anything else is text."""
        file = self._slack.files.find_any(request.match_info["file"])
        if file is None or file["finished_at"] is None:
            return render_not_found(request, "No such file.", system="slack")
        return web.Response(
            body=self._slack.files.content(file),
            headers={"Content-Type": file["mimetype"], "X-Content-Type-Options": "nosniff"},
        )

    async def channel(self, request: web.Request) -> web.Response:
        team = self._slack.store[TEAMS].get(request.match_info["team"])
        name = request.match_info["channel"]
        channel = self._slack.rooms.channel(team, name) if team else None
        if team is None or channel is None:
            return render_not_found(request, "No such workspace or channel.", system="slack")
        history = self._slack.rooms.history(team, channel)
        people = [user for user in self._slack.rooms.users(team) if not user["is_bot"]]
        if channel["is_im"]:
            people = [user for user in people if user["id"] == channel["user"]]
        writer = request.query.get("as", "")
        view = ChannelView(team, channel, people, self._names(team), writer)
        sorry = request.query.get("sorry")
        body = markup(
            PAGE,
            teams=[
                *(self._team(one, team, channel) for one in self._slack.store[TEAMS].values()),
                markup(APPS_LINK),
            ],
            sign=sign(channel),
            name=channel["name"],
            live=render_live_link(request),
            members=format_count(channel["num_members"], "member"),
            count=format_shown_count(len(history), "message", limit=SHOWN),
            team=team.title,
            messages=render_messages(view, history[:SHOWN][::-1]),
            sorry=markup('<p class="sorry" role="alert">$s</p>', s=sorry) if sorry else None,
            composer=render_composer(view),
            empty=None if history else markup('<p class="empty">No messages yet.</p>'),
        )
        return render_page(
            request, f"{sign(channel)}{channel['name']} · {team.title}", body, system="slack"
        )

    def _team(self, team: Team, here: Team, channel: dict[str, Any]) -> Markup:
        links = [
            markup(
                CHANNEL,
                url=newest(team, one),
                current=Markup(
                    ' aria-current="page"' if (team, one["id"]) == (here, channel["id"]) else ""
                ),
                sign=sign(one),
                name=one["name"],
                count=self._slack.rooms.count(team, one) or None,
            )
            for one in self._slack.rooms.channels(team) + self._slack.rooms.direct_messages(team)
        ]
        return markup(TEAM, name=team.title, channels=links)

    def _names(self, team: Team) -> dict[str, str]:
        people = {user["id"]: user["real_name"] for user in self._slack.rooms.users(team)}
        return people | {
            channel["id"]: channel["name"] for channel in self._slack.rooms.channels(team)
        }


def newest(team: Team, channel: dict[str, Any]) -> str:
    """The channel, scrolled to its end."""
    return build_url("slack", team.team, channel["id"]) + "#newest"


def sign(channel: dict[str, Any]) -> str:
    if channel["is_im"]:
        return "@"
    return "◆" if channel["is_private"] else "#"
