"""The control, over HTTP: the ledger, mails, faults, tokens, and the world. Its page is in
`control_page`.
"""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from aiohttp import web

from sandbox.control.account_controls import AccountControls
from sandbox.control.control_page import ControlPage
from sandbox.gateway import Gateway
from sandbox.mail.mailbox import Mailbox
from sandbox.system import Callback, Send


class Control:
    def __init__(
        self, gateway: Gateway, levers: AccountControls, box: Mailbox, systems: set[str], send: Send
    ):
        self._send = send
        self._gateway = gateway
        self._levers = levers
        self._box = box
        self._systems = systems
        self._page = ControlPage(gateway, levers, sorted(systems))

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/_control", self._page.moved),
            web.get("/_control/", self._page.show),
            web.get("/_control/health", self.health),
            web.get("/_control/ledger", self.ledger),
            web.get("/_control/calls", self.calls),
            web.get("/_control/faults", self.faults),
            web.post("/_control/faults", self.add_fault),
            web.post("/_control/reset", self.reset),
            web.get("/_control/mail", self.mail),
            web.get("/_control/tokens", self.tokens),
            web.post("/_control/tokens", self.end),
            web.post("/_control/approval", self.approve),
            web.get("/_control/world", self.world),
            web.post("/_control/world", self.merge),
        ]

    async def health(self, request: web.Request) -> web.Response:
        return web.json_response({"ok": True, "seq": self._gateway.ledger.seq})

    async def ledger(self, request: web.Request) -> web.StreamResponse:
        since = parse_since(request)
        if since is None:
            return error_response("since is a number")
        response = web.StreamResponse(
            headers={"Content-Type": "application/x-ndjson", "Cache-Control": "no-store"}
        )
        await response.prepare(request)
        for chunk in self._gateway.ledger.since(since):
            await response.write(chunk)
        await response.write_eof()
        return response

    async def calls(self, request: web.Request) -> web.Response:
        calls = self._gateway.calls
        return web.json_response({"in_flight": calls.current, "most_in_flight": calls.most})

    async def faults(self, request: web.Request) -> web.Response:
        return web.json_response({"faults": self._gateway.faults.listed()})

    async def add_fault(self, request: web.Request) -> web.StreamResponse:
        try:
            fault = self._gateway.faults.add_fault(await read_body(request), self._systems)
        except ValueError as error:
            return self._refused(request, error)
        return (
            redirect_to_control()
            if is_from_page(request)
            else web.json_response(asdict(fault), status=201)
        )

    async def reset(self, request: web.Request) -> web.StreamResponse:
        self._gateway.faults.reset()
        return redirect_to_control() if is_from_page(request) else web.json_response({"faults": []})

    async def mail(self, request: web.Request) -> web.Response:
        since = parse_since(request)
        if since is None:
            return error_response("since is a number")
        return web.json_response({"mails": self._box.since(since, to=request.query.get("to", ""))})

    async def tokens(self, request: web.Request) -> web.Response:
        data = request.query
        return web.json_response(
            {"tokens": self._levers.tokens(data.get("system", ""), data.get("account", ""))}
        )

    async def end(self, request: web.Request) -> web.StreamResponse:
        try:
            data = await read_body(request)
            callbacks = self._levers.callbacks(data)
            tokens = self._levers.end(data)
        except ValueError as error:
            return self._refused(request, error)
        results = [await self._call_back(callback) for callback in callbacks]
        if is_from_page(request):
            return redirect_to_control()
        return web.json_response({"tokens": tokens, "callbacks": results})

    async def _call_back(self, callback: Callback) -> dict[str, Any]:
        """Send the request, and return its result; it is not repeated if there is no response."""
        stated = {"method": callback.method, "url": callback.url}
        try:
            headers, body = dict(callback.headers), callback.body
            status, _ = await self._send(callback.method, callback.url, headers, body)
        except OSError:
            status = 0
        return stated | {"status": status}

    async def approve(self, request: web.Request) -> web.StreamResponse:
        try:
            self._levers.approve(await read_body(request))
        except ValueError as error:
            return self._refused(request, error)
        return redirect_to_control() if is_from_page(request) else web.json_response({"ok": True})

    async def world(self, request: web.Request) -> web.Response:
        return web.json_response(self._gateway.store.raw)

    async def merge(self, request: web.Request) -> web.Response:
        try:
            self._gateway.store.merge(await request.json())
        except ValueError as error:
            return error_response(str(error))
        return web.json_response(self._gateway.store.raw)

    def _refused(self, request: web.Request, error: ValueError) -> web.Response:
        return (
            self._page.refused(request, str(error))
            if is_from_page(request)
            else error_response(str(error))
        )


async def read_body(request: web.Request) -> Mapping[str, Any]:
    if is_from_page(request):
        return {key: str(value) for key, value in (await request.post()).items()}
    data = await request.json()
    if not isinstance(data, dict):
        raise ValueError("what is wanted is a JSON object")
    return data


def parse_since(request: web.Request) -> int | None:
    since = request.query.get("since", "0")
    return int(since) if since.isascii() and since.isdigit() else None


def is_from_page(request: web.Request) -> bool:
    return request.content_type == "application/x-www-form-urlencoded"


def redirect_to_control() -> web.Response:
    return web.Response(status=303, headers={"Location": "/_control/"})


def error_response(sentence: str) -> web.Response:
    return web.json_response({"error": sentence}, status=400)
