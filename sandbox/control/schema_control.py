"""The control changes the schema of an account, as its people would: `POST /_control/schema`."""

from typing import Any

from aiohttp import web

from sandbox.clock import Clock
from sandbox.schema_changes import parse_change
from sandbox.system import System


class SchemaControl:
    def __init__(self, systems: list[System], clock: Clock):
        self._systems = {system.key: system for system in systems}
        self._clock = clock

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/_control/schema", self.show),
            web.post("/_control/schema", self.change),
        ]

    async def show(self, request: web.Request) -> web.Response:
        account, object = request.query.get("account", ""), request.query.get("object", "")
        try:
            fields = self._system(dict(request.query)).schema_fields(account, object)
        except ValueError as error:
            return web.json_response({"error": str(error)}, status=400)
        return web.json_response({"fields": fields})

    async def change(self, request: web.Request) -> web.Response:
        try:
            request_body = await request.json()
            system, change = self._system(request_body), parse_change(request_body)
            system.change_schema(change, self._clock())
            fields = system.schema_fields(change.account, change.object)
        except ValueError as error:
            return web.json_response({"error": str(error)}, status=400)
        return web.json_response({"fields": fields}, status=201)

    def _system(self, request_body: Any) -> System:
        """Raises ValueError with a sentence."""
        if not isinstance(request_body, dict):
            raise ValueError("what is wanted is a JSON object")
        if request_body.get("system") not in self._systems:
            raise ValueError(f"system is one of {', '.join(sorted(self._systems))}")
        return self._systems[request_body["system"]]
