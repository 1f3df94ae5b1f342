"""The control restarts a system: `POST /_control/restart`."""

from typing import Any

from aiohttp import web

from sandbox.clock import Clock
from sandbox.system import System

SECONDS_MAX = 3600


class RestartControl:
    def __init__(self, systems: list[System], clock: Clock):
        self._systems = {system.key: system for system in systems}
        self._clock = clock

    def routes(self) -> list[web.RouteDef]:
        return [web.post("/_control/restart", self.restart)]

    async def restart(self, request: web.Request) -> web.Response:
        try:
            system, account, seconds = self._target(await request.json())
            system.restart(account, seconds, self._clock())
        except ValueError as error:
            return web.json_response({"error": str(error)}, status=400)
        return web.json_response({"account": account, "seconds": seconds}, status=201)

    def _target(self, request_body: Any) -> tuple[System, str, float]:
        """Raises ValueError with a sentence."""
        if not isinstance(request_body, dict) or request_body.get("system") not in self._systems:
            raise ValueError(f"system is one of {', '.join(sorted(self._systems))}")
        account, seconds = request_body.get("account"), request_body.get("seconds", 0)
        if not isinstance(account, str) or not account:
            raise ValueError("account is a text")
        if isinstance(seconds, bool) or not isinstance(seconds, int | float):
            raise ValueError("seconds is a number")
        if not 0 <= seconds <= SECONDS_MAX:
            raise ValueError(f"seconds is a number up to {SECONDS_MAX}")
        return self._systems[request_body["system"]], account, float(seconds)
