"""What people type and click on the pages of a workspace."""

from collections.abc import Callable
from urllib.parse import quote

from aiohttp import web

from sandbox.clock import Clock
from sandbox.pages.forms import is_own_form, read_form
from sandbox.pages.html import build_url, render_not_found
from sandbox.sending.deliveries import Delivery
from sandbox.slack.accounts import TEAMS
from sandbox.slack.apps.interactivity import Person
from sandbox.slack.system import Slack


class TypedMessages:
    def __init__(self, slack: Slack, clock: Clock):
        self._slack = slack
        self._clock = clock

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/slack/{team}/{channel}/messages", self.write),
            web.post("/slack/{team}/{channel}/clicks", self.click),
        ]

    async def write(self, request: web.Request) -> web.Response:
        """`user` (an id; the first person by default), `text`, and `thread_ts` for a reply."""
        form = await read_form(request)
        return self._act(
            request,
            form,
            lambda person: self._slack.events.people.write(person, form.get("text", "")),
        )

    async def click(self, request: web.Request) -> web.Response:
        """`user`, `ts` of the message, and `action_id` of its button."""
        form = await read_form(request)
        return self._act(
            request,
            form,
            lambda person: self._slack.events.people.click(
                person, form.get("ts", ""), form.get("action_id", "")
            ),
        )

    def _act(
        self,
        request: web.Request,
        form: dict[str, str],
        act: Callable[[Person], list[Delivery]],
    ) -> web.Response:
        person = self._person(request, form)
        if person is None or not is_own_form(request):
            return render_not_found(
                request, "No such workspace, channel or person.", system="slack"
            )
        page = build_url("slack", person.team.team, person.channel["id"])
        try:
            self._slack.start(act(person))
        except ValueError as error:
            text = quote(f"{str(error)[:1].upper()}{str(error)[1:]}.", safe="")
            return web.Response(status=303, headers={"Location": f"{page}?sorry={text}#newest"})
        return web.Response(
            status=303, headers={"Location": f"{page}?as={person.user['id']}#newest"}
        )

    def _person(self, request: web.Request, form: dict[str, str]) -> Person | None:
        team = self._slack.store[TEAMS].get(request.match_info["team"])
        if team is None:
            return None
        channel = self._slack.rooms.channel(team, request.match_info["channel"])
        people = [user for user in self._slack.rooms.users(team) if not user["is_bot"]]
        user_id = channel["user"] if channel and channel["is_im"] else form.get("user", "")
        users = [user for user in people if user_id in ("", user["id"])]
        if channel is None or channel["is_archived"] or not users:
            return None
        return Person(
            team=self._slack.granted(team),
            channel=channel,
            user=users[0],
            at=self._clock(),
            base=f"{request.scheme}://{request.host}",
            thread=form.get("thread_ts", ""),
        )
