"""The control of what is sent: cause an event, change the pace of schedules, read the attempts."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from typing import Any

from aiohttp import web

from sandbox.clock import Clock
from sandbox.sending.deliveries import TAMPERS, Delivery, EventSource
from sandbox.sending.disturbance import Disturbance
from sandbox.sending.sender import Sender

FIELDS = {"system", "account", "event", "times", "tamper", "duplicate"}
MOST_TIMES, MOST_COPIES = 10_000, 1_000


class SendingControl:
    def __init__(self, sender: Sender, sources: Iterable[EventSource], clock: Clock):
        self._sender = sender
        self._sources = {source.key: source for source in sources}
        self._clock = clock

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/_control/send", self.send),
            web.post("/_control/pace", self.change_pace),
            web.get("/_control/pace", self.paces),
            web.post("/_control/disturb", self.disturb),
            web.get("/_control/disturb", self.disturbances),
            web.get("/_control/sent", self.attempts),
        ]

    async def send(self, request: web.Request) -> web.Response:
        try:
            request_body = await read_json(request)
            deliveries = self._deliveries(request_body, f"{request.scheme}://{request.host}")
            copies = 1 + read_count(request_body, "duplicate", least=0, most=MOST_COPIES)
        except ValueError as error:
            return web.json_response({"error": str(error)}, status=400)
        attempts = await asyncio.gather(
            *(self._sender.send(delivery) for delivery in deliveries for _ in range(copies))
        )
        listed = sorted(
            (asdict(attempt) for attempt in attempts if attempt), key=lambda row: row["seq"]
        )
        return web.json_response({"sent": listed})

    async def change_pace(self, request: web.Request) -> web.Response:
        try:
            request_body = await read_json(request)
            if unknown := set(request_body) - {"system", "factor"}:
                raise ValueError(f"unknown field {min(unknown)!r}; known are factor, system")
            factor = request_body.get("factor")
            if isinstance(factor, bool) or not isinstance(factor, int | float):
                raise ValueError("factor is a number")
            self._sender.pace.change(self._source(request_body).key, factor)
        except ValueError as error:
            return web.json_response({"error": str(error)}, status=400)
        return web.json_response({"pace": self._factors()})

    async def paces(self, request: web.Request) -> web.Response:
        return web.json_response({"pace": self._factors()})

    async def disturb(self, request: web.Request) -> web.Response:
        """Disturb the webhooks that the API's calls cause at a system from now on."""
        try:
            request_body = await read_json(request)
            system = self._source(request_body).key
            self._sender.disturbances[system] = Disturbance.parse(request_body)
        except ValueError as error:
            return web.json_response({"error": str(error)}, status=400)
        return await self.disturbances(request)

    async def disturbances(self, request: web.Request) -> web.Response:
        by_system = {system: one.shown() for system, one in self._sender.disturbances.items()}
        return web.json_response({"disturbances": by_system})

    async def attempts(self, request: web.Request) -> web.Response:
        since = request.query.get("since", "0")
        if not (since.isascii() and since.isdigit()):
            return web.json_response({"error": "since is a number"}, status=400)
        return web.json_response({"sent": self._sender.attempts(int(since))})

    def _factors(self) -> dict[str, float]:
        return dict.fromkeys(self._sources, 1.0) | self._sender.pace.factors()

    def _deliveries(self, request_body: Mapping[str, Any], base: str) -> list[Delivery]:
        if unknown := set(request_body) - FIELDS:
            raise ValueError(
                f"unknown field {min(unknown)!r}; known are {', '.join(sorted(FIELDS))}"
            )
        source = self._source(request_body)
        if request_body.get("account") not in source.accounts():
            raise ValueError(f"account is one of {', '.join(source.accounts()) or 'none'}")
        if request_body.get("event") not in source.events():
            raise ValueError(f"event is one of {', '.join(source.events())}")
        tamper = request_body.get("tamper") or ""
        if tamper and tamper not in source.tampers:
            raise ValueError(
                f"tamper is one of {', '.join(source.tampers)} at {source.key}"
                if tamper in TAMPERS
                else f"tamper is one of {', '.join(TAMPERS)}"
            )
        times = read_count(request_body, "times", least=1, most=MOST_TIMES)
        read_count(request_body, "duplicate", least=0, most=MOST_COPIES)
        deliveries = source.cause(
            request_body["account"], request_body["event"], times=times, at=self._clock(), base=base
        )
        return [replace(delivery, tamper=tamper) for delivery in deliveries]

    def _source(self, request_body: Mapping[str, Any]) -> EventSource:
        system = request_body.get("system")
        if not isinstance(system, str) or system not in self._sources:
            raise ValueError(f"system is one of {', '.join(sorted(self._sources))}")
        return self._sources[system]


async def read_json(request: web.Request) -> Mapping[str, Any]:
    data = await request.json()
    if not isinstance(data, dict):
        raise ValueError("what is wanted is a JSON object")
    return data


def read_count(request_body: Mapping[str, Any], name: str, *, least: int, most: int) -> int:
    value = request_body.get(name)
    if value is None:
        return least
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise ValueError(f"{name} is a whole number from {least} to {most}")
    return value
