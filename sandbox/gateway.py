"""The gateway, through which every API request passes: ledger, faults, latency, response."""

import asyncio
import contextlib
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import formatdate
from random import Random
from typing import Any

from aiohttp import web

from sandbox.clock import Clock
from sandbox.faults import Fault, Faults
from sandbox.storage.account_store import AccountStore
from sandbox.storage.ledger import Ledger
from sandbox.system import ApiRequest, ApiResponse, System

ID_HEADERS = ("webhook-id", "idempotency-key")
SECRET = re.compile(
    r"(?<![a-z_])((?:client_secret|refresh_token|code|code_verifier|token)=)[^&\s]+"
)
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class CallsInFlight:
    """The calls of each system that were received and are not answered yet, and their maximum since
    the start.
    """

    current: Counter[str] = field(default_factory=Counter)
    most: Counter[str] = field(default_factory=Counter)

    @contextlib.contextmanager
    def count(self, system: str) -> Iterator[None]:
        """Count one call, from when it was read to its answer."""
        self.current[system] += 1
        self.most[system] = max(self.most[system], self.current[system])
        try:
            yield
        finally:
            self.current[system] -= 1


@dataclass(frozen=True)
class Gateway:
    store: AccountStore
    ledger: Ledger
    faults: Faults
    clock: Clock
    random: Random
    calls: CallsInFlight = field(default_factory=CallsInFlight)

    def takes(
        self, system: System, root: str
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        """Return a handler for all requests below `root`, a path of that system."""

        async def take(request: web.Request) -> web.StreamResponse:
            call = await self._read(request, root)
            account = system.account(call)
            fault = self.faults.take_fault(system.key, account, call.url)
            with self.calls.count(system.key):
                answer = respond(system, call, fault)
                self._record(system, account, call, answer.status)
                if answer.then is not None:
                    await answer.then()
                await asyncio.sleep(
                    fault.delay if fault else self.random.uniform(*self.store.latency[system.key])
                )
            return build_web_response(request, answer)

        return take

    async def page_fault(self, request: web.Request, system: str) -> web.Response | None:
        """Return the response that replaces a page of that system, if a fault names its path."""
        fault = self.faults.take_page_fault(system, request.path)
        await asyncio.sleep(fault.delay if fault else 0)
        if fault is None or fault.status is None:
            return None
        return build_web_response(
            request,
            ApiResponse(fault.status, f"{fault.status}" if fault.body is None else fault.body),
        )

    async def _read(self, request: web.Request, root: str) -> ApiRequest:
        return ApiRequest(
            method=request.method,
            path=request.raw_path.split("?")[0].removeprefix(root),
            url=request.raw_path,
            query=request.query,
            headers=request.headers,
            body=await request.read(),
            at=self.clock(),
            base=f"{request.scheme}://{request.host}",
        )

    def _record(self, system: System, account: str, call: ApiRequest, status: int) -> None:
        kind = call.headers.get("Content-Type", "")
        self.ledger.add(
            at=datetime.fromtimestamp(call.at, UTC)
            .isoformat(timespec="milliseconds")
            .replace("+00:00", "Z"),
            system=system.key,
            account=account,
            method=call.method,
            path=mask_secrets(call.url),
            status=status,
            id=" ".join(find_message_ids(system, call)) or None,
            body=describe_body(call, kind),
        )


def respond(system: System, call: ApiRequest, fault: Fault | None) -> ApiResponse:
    if fault is None:
        return system.answer(call)
    if fault.accepts is not None:
        partly = system.answer_partly(call, fault.accepts)
        if not fault.answers:
            return apply_fault_changes(partly, fault, call.at)
    elif not fault.answers:
        return apply_fault_changes(system.answer(call), fault, call.at)
    elif fault.effect:
        system.answer(call)
    headers = {} if fault.retry_after is None else {"Retry-After": f"{fault.retry_after:g}"}
    body = system.refusal(fault.status or 0) if fault.body is None else fault.body
    return apply_fault_changes(ApiResponse(fault.status or 0, body, headers), fault, call.at)


def apply_fault_changes(answer: ApiResponse, fault: Fault, at: float) -> ApiResponse:
    """Return the response with the body, length and time that the fault states."""
    if fault.ahead:
        answer = replace(
            answer, headers={**answer.headers, "Date": formatdate(at + fault.ahead, usegmt=True)}
        )
    if fault.changes and isinstance(answer.body, dict):
        answer = replace(answer, body=merge_patch(answer.body, fault.changes))
    body, kind = answer.content()
    padded = body.ljust(fault.bytes)[: fault.cut]
    return (
        answer
        if padded == body
        else replace(answer, body=padded, headers={**answer.headers, "Content-Type": kind})
    )


def merge_patch(target: Any, patch: Any) -> Any:
    """RFC 7396."""
    if not isinstance(patch, dict):
        return patch
    base = target if isinstance(target, dict) else {}
    result = base | {key: merge_patch(base.get(key), value) for key, value in patch.items()}
    return {key: value for key, value in result.items() if value is not None or key not in patch}


def find_message_ids(system: System, call: ApiRequest) -> list[str]:
    named = [call.headers[name] for name in ID_HEADERS if name in call.headers]
    return named[:1] or system.ids(call)


def describe_body(call: ApiRequest, kind: str) -> str:
    """Return the text of a body; for a picture only its type and size."""
    if kind.startswith("image/"):
        return f"{len(call.body)} bytes of {kind}"
    return mask_secrets(call.text) if kind.startswith(FORM) else call.text


def mask_secrets(text: str) -> str:
    return SECRET.sub(r"\1***", text)


def build_web_response(request: web.Request, answer: ApiResponse) -> web.Response:
    if answer.status == 0:
        if request.transport is not None:
            request.transport.abort()
        return web.Response()
    body, kind = answer.content()
    headers = {**answer.headers, "Content-Type": kind}
    return web.Response(status=answer.status, body=body, headers=headers)
