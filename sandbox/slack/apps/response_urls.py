"""Response URLs: an app answers a command or a click with them, 5 times within 30 minutes.

https://docs.slack.dev/interactivity/handling-user-interaction (2026-11). The status and the words
of a URL that is used up are unverified.
"""

from dataclasses import dataclass
from random import Random
from typing import Any

from sandbox.slack.accounts import TEAMS
from sandbox.slack.messages import Refused, bot_id, content
from sandbox.slack.rooms import Rooms
from sandbox.storage.account_store import AccountStore
from sandbox.system import ApiRequest, ApiResponse

USES, LIFE = 5, 1800
ROOT = "/slack/hooks"


@dataclass
class ResponseUrl:
    team: str
    channel: str
    user: str
    at: float
    message: str = ""  # ts of the message that was clicked
    thread: str = ""
    uses: int = 0


class ResponseUrls:
    """Those that were handed out; a restart forgets them."""

    def __init__(self, store: AccountStore, rooms: Rooms, random: Random):
        self._store = store
        self._rooms = rooms
        self._random = random
        self._urls: dict[str, ResponseUrl] = {}

    def issue(self, kind: str, response_url: ResponseUrl, base: str) -> str:
        """Return a URL below `base`; `kind` is commands or actions."""
        secret = f"{self._random.getrandbits(128):032x}"
        path = f"/{kind}/{response_url.team}/{secret}"
        self._urls[path] = response_url
        return f"{base}{ROOT}{path}"

    def account(self, call: ApiRequest) -> str:
        response_url = self._urls.get(call.path)
        return response_url.team if response_url else ""

    def answer(self, call: ApiRequest) -> ApiResponse:
        response_url = self._urls.get(call.path)
        if response_url is None or response_url.team not in self._store[TEAMS]:
            return ApiResponse(404, "No service")
        if call.method != "POST":
            return ApiResponse(405, {"ok": False, "error": "method_not_allowed"})
        if call.at > response_url.at + LIFE:
            return ApiResponse(404, {"ok": False, "error": "expired_url"})
        if response_url.uses >= USES:
            return ApiResponse(404, {"ok": False, "error": "used_url"})
        response_url.uses += 1
        try:
            self.post(response_url, call.json(), call.at)
        except Refused as refused:
            return ApiResponse(400, {"ok": False, "error": refused.error})
        return ApiResponse(200, "ok")

    def post(self, response_url: ResponseUrl, body: Any, at: float) -> None:
        """Show an answer in its channel. Raises Refused for what is no message."""
        if not isinstance(body, dict):
            raise Refused("invalid_payload")
        team = self._store[TEAMS][response_url.team]
        channel = self._rooms.channel(team, response_url.channel)
        if channel is None:
            raise Refused("channel_not_found")
        replaces = response_url.message and (
            body.get("replace_original") or body.get("delete_original")
        )
        if replaces and body.get("delete_original"):
            self._rooms.delete(channel, response_url.message)
            return
        message = content(body)
        if replaces:
            empty: dict[str, Any] = {"blocks": [], "attachments": []}
            self._rooms.change(channel, response_url.message, **empty | message)
            return
        thread = str(body.get("thread_ts") or response_url.thread)
        self._rooms.post(
            team,
            channel,
            {
                "type": "message",
                "subtype": "bot_message",
                "bot_id": bot_id(team),
                "app_id": team.app_id,
                "username": team.bot_name,
                "attachments": [],
                **message,
                **({"thread_ts": thread} if thread else {}),
                **(
                    {}
                    if body.get("response_type") == "in_channel"
                    else {"only_for": response_url.user}
                ),
            },
            at,
        )
