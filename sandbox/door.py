"""The door that every API request walks through: ledger, faults, latency, answer."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random

from aiohttp import web

from sandbox.clock import Clock
from sandbox.faults import Fault, Faults
from sandbox.ledger import Ledger
from sandbox.wire import Answer, Call, System
from sandbox.world import World

ID_HEADERS = ("webhook-id", "idempotency-key")
SECRET = re.compile(r"(?<![a-z_])((?:client_secret|refresh_token|code|token)=)[^&\s]+")
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Door:
    world: World
    ledger: Ledger
    faults: Faults
    clock: Clock
    random: Random

    def takes(self, system: System, root: str) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        """A handler for all that arrives below `root`, a path of that system."""

        async def take(request: web.Request) -> web.StreamResponse:
            call = await self._read(request, root)
            account = system.account(call)
            fault = self.faults.meet(system.key, account)
            answer = decided(system, call, fault)
            self._record(system, account, call, answer.status)
            if answer.then is not None:
                await answer.then()
            await asyncio.sleep(fault.delay if fault else self.random.uniform(*self.world.latency[system.key]))
            return sent(request, answer)

        return take

    async def _read(self, request: web.Request, root: str) -> Call:
        return Call(
            method=request.method,
            path=request.raw_path.split("?")[0].removeprefix(root),
            url=request.raw_path,
            query=request.query,
            headers=request.headers,
            body=await request.read(),
            at=self.clock(),
            base=f"{request.scheme}://{request.host}",
        )

    def _record(self, system: System, account: str, call: Call, status: int) -> None:
        form = call.headers.get("Content-Type", "").startswith(FORM)
        self.ledger.add(
            at=datetime.fromtimestamp(call.at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            system=system.key,
            account=account,
            method=call.method,
            path=masked(call.url),
            status=status,
            id=" ".join(outward_ids(system, call)) or None,
            body=masked(call.text) if form else call.text,
        )


def decided(system: System, call: Call, fault: Fault | None) -> Answer:
    if fault is None or not fault.answers:
        return system.answer(call)
    if fault.effect:
        system.answer(call)
    headers = {} if fault.retry_after is None else {"Retry-After": f"{fault.retry_after:g}"}
    body = system.refusal(fault.status or 0) if fault.body is None else fault.body
    return Answer(fault.status or 0, body, headers)


def outward_ids(system: System, call: Call) -> list[str]:
    named = [call.headers[name] for name in ID_HEADERS if name in call.headers]
    return named[:1] or system.ids(call)


def masked(text: str) -> str:
    return SECRET.sub(r"\1***", text)


def sent(request: web.Request, answer: Answer) -> web.Response:
    if answer.status == 0:
        if request.transport is not None:
            request.transport.abort()
        return web.Response()
    body, kind = answer.content()
    headers = {**answer.headers, "Content-Type": kind}
    return web.Response(status=answer.status, body=body, headers=headers)
