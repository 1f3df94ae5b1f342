"""A Slack workspace as its people see it: channels at the side, messages in the middle."""

from datetime import UTC, datetime
from typing import Any

from aiohttp import web
from markupsafe import Markup

from sandbox.pages.html import (
    build_url,
    format_count,
    markup,
    render_live_link,
    render_not_found,
    render_page,
)
from sandbox.slack.accounts import TEAMS, Team
from sandbox.slack.mrkdwn import block, listed, rendered
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
<p class="composer" id="newest">Messages come by the Web API only: write to #$name from the hub.</p>
</section></div>
"""
TEAM = "<h2>$name</h2><ul>$channels</ul>"
CHANNEL = '<li><a href="$url"$current>$sign $name<span class="count">$count</span></a></li>'
MESSAGE = """
<li class="message" id="m$ts">
<span class="avatar" aria-hidden="true">$letter</span>
<div><header><strong>$name</strong> $badge $time</header>
<div class="said">$text$blocks</div>$edited$thread</div></li>
"""


class Pages:
    def __init__(self, slack: Slack):
        self._slack = slack

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/slack/", self.first),
            web.get("/slack/{team}/", self.busiest),
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

    async def channel(self, request: web.Request) -> web.Response:
        team = self._slack.store[TEAMS].get(request.match_info["team"])
        name = request.match_info["channel"]
        channel = self._slack.rooms.channel(team, name) if team else None
        if team is None or channel is None:
            return render_not_found(request, "No such workspace or channel.", system="slack")
        history = self._slack.rooms.history(team, channel)
        names = self._names(team)
        body = markup(
            PAGE,
            teams=[self._team(one, team, channel) for one in self._slack.store[TEAMS].values()],
            sign=sign(channel),
            name=channel["name"],
            live=render_live_link(request),
            members=format_count(channel["num_members"], "member"),
            count=format_count(len(history), "message")
            + (f", the newest {SHOWN} shown" if len(history) > SHOWN else ""),
            team=team.title,
            messages=[message(row, names) for row in reversed(history[:SHOWN])],
            empty=None if history else markup('<p class="empty">Quiet so far.</p>'),
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
            for one in self._slack.rooms.channels(team)
        ]
        return markup(TEAM, name=team.title, channels=links)

    def _names(self, team: Team) -> dict[str, str]:
        people = {user["id"]: user["real_name"] for user in self._slack.rooms.users(team)}
        return people | {
            channel["id"]: channel["name"] for channel in self._slack.rooms.channels(team)
        }


def message(row: dict[str, Any], names: dict[str, str]) -> Markup:
    blocks = [block(one, names) for one in listed(row.get("blocks"))]
    attached = [
        markup(
            "<blockquote>$text</blockquote>",
            text=rendered(str(one.get("text") or one.get("fallback") or ""), names),
        )
        for one in listed(row.get("attachments"))
        if isinstance(one, dict)
    ]
    when = datetime.fromtimestamp(float(row["ts"]), UTC)
    time = markup(
        '<time datetime="$iso" title="$iso">$at</time>',
        iso=when.isoformat(timespec="milliseconds"),
        at=f"{when:%b %d, %H:%M:%S}",
    )
    person = row.get("user", "")
    name = names.get(person, person) if person else row["username"]
    return markup(
        MESSAGE,
        ts=row["ts"],
        letter=name[:1].upper(),
        name=name,
        badge=None if person else markup('<span class="badge">APP</span>'),
        time=time,
        text=None if blocks else rendered(row["text"], names),
        blocks=[*blocks, *attached],
        edited=markup("<small>(edited)</small>") if "edited" in row else None,
        thread=markup("<small>in a thread</small>") if "thread_ts" in row else None,
    )


def newest(team: Team, channel: dict[str, Any]) -> str:
    """The channel, scrolled to its end."""
    return build_url("slack", team.team, channel["id"]) + "#newest"


def sign(channel: dict[str, Any]) -> str:
    return "◆" if channel["is_private"] else "#"
