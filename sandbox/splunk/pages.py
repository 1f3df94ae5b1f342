"""Splunk's search page: a box, a timeline, and the events with their fields."""

import json
from collections import Counter
from itertools import islice
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
    render_tab,
    render_table,
    render_time,
)
from sandbox.splunk.accounts import HEC_TOKENS
from sandbox.splunk.search import META, fields, search
from sandbox.splunk.system import Splunk

SHOWN = 100
READ = 10_000  # events looked at, newest first
BARS = 40
PAGE = """
<nav class="tabs" aria-label="Stacks"><ul>$stacks</ul></nav>
<div class="title"><h1>Search</h1>$live</div>
<p><a href="$alerts">Alerts</a></p>
<form method="get" class="search" role="search"><label class="hidden" for="q">Search</label>
<input id="q" name="q" value="$query"
  placeholder='index=main type=order.created "Ada"'><button>Search</button></form>
<p class="about">$indexed</p>
<p class="about">$count in stack $stack. Words, "phrases", key=value with *, NOT.</p>
$timeline
<ol class="events">$events</ol>
$empty
"""
TIMELINE = """
<svg class="timeline" viewBox="0 0 400 40" preserveAspectRatio="none"
  role="img" aria-label="$label">$bars</svg>
"""
EVENT = """
<li><div class="when">$time</div><div class="what"><pre>$raw</pre>
<p class="meta">$meta</p><details><summary>$count fields</summary>$fields</details></div></li>
"""


class Pages:
    def __init__(self, splunk: Splunk):
        self._splunk = splunk

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/splunk/", self.first), web.get("/splunk/{stack}/search", self.search)]

    async def first(self, request: web.Request) -> web.Response:
        for stack in self._stacks():
            return web.Response(
                status=302, headers={"Location": build_url("splunk", stack, "search")}
            )
        return render_not_found(request, "The world has no Splunk stack.", system="splunk")

    async def search(self, request: web.Request) -> web.Response:
        stack, query = request.match_info["stack"], request.query.get("q", "")
        if stack not in self._stacks():
            return render_not_found(request, "No such stack.", system="splunk")
        newest = (event for event in self._splunk.events.newest() if event["stack"] == stack)
        matches = sorted(
            search(islice(newest, READ), query), key=lambda event: event["time"], reverse=True
        )
        body = markup(
            PAGE,
            stacks=[self._tab(one, stack) for one in self._stacks()],
            live=render_live_link(request),
            query=query,
            stack=stack,
            alerts=build_url("splunk", stack, "alerts"),
            count=format_shown_count(len(matches), "event", limit=SHOWN),
            indexed=describe_counts(list(self._splunk.list_records(stack, "counts"))),
            timeline=timeline([event["time"] for event in matches]),
            events=[render_event(event) for event in matches[:SHOWN]],
            empty=None
            if matches
            else markup('<p class="empty">No events match. They come by HEC.</p>'),
        )
        return render_page(request, f"Search · {stack}", body, system="splunk")

    def _stacks(self) -> list[str]:
        return list(dict.fromkeys(token.stack for token in self._splunk.store[HEC_TOKENS].values()))

    def _tab(self, stack: str, here: str) -> Markup:
        url = build_url("splunk", stack, "search")
        return render_tab(url, stack, is_current=stack == here)


def describe_counts(counts: list[dict[str, Any]]) -> str:
    """How many events the stack holds, in all and by source."""
    total = format_count(sum(row["count"] for row in counts), "event")
    parts = [f"{row['count']:,} of {row['source']} in {row['index']}" for row in counts]
    return f"{total} indexed" + (f": {', '.join(parts)}." if parts else ".")


def render_event(event: dict[str, Any]) -> Markup:
    matches = list(fields(event))
    body = event["event"]
    return markup(
        EVENT,
        time=render_time(event["time"]),
        raw=body if isinstance(body, str) else json.dumps(body, indent=2, ensure_ascii=False),
        meta=" · ".join(f"{name}={event[name]}" for name in META),
        count=len(matches),
        fields=render_table(
            ("Field", "Value"), matches, caption="Fields of this event", empty="None."
        ),
    )


def timeline(times: list[float]) -> Markup:
    """How many events when, as bars; the list beneath is its twin in words."""
    if len(times) < 2 or max(times) == min(times):
        return Markup()
    first, width = min(times), (max(times) - min(times)) / BARS
    counts = Counter(min(int((time - first) / width), BARS - 1) for time in times)
    most = max(counts.values())
    bars = [
        markup('<rect x="$x" y="$y" width="8" height="$h"/>', x=place * 10, y=40 - height, h=height)
        for place, count in sorted(counts.items())
        for height in [max(1, round(40 * count / most))]
    ]
    label = (
        f"{len(times)} events over {max(times) - min(times):.0f} seconds, at most {most} in a bar"
    )
    return markup(TIMELINE, label=label, bars=bars)
