"""The running desk, as the demo meets it: the shop and the ledger of the sandbox, and the hub's API, over HTTP."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from connectors.wire import Request, Response
from hub.egress import EgressError
from hub.management.demo.load import Told

LEDGER_MOST = 64 * 1024 * 1024  # bytes
Line = dict[str, Any]  # of the ledger


class NotRunning(Exception):
    """The desk cannot show anything; a sentence for a person."""


class Desk:
    def __init__(self, told: Told, *, call: Callable[[Request], Response]) -> None:
        self.hub, self.sandbox = told["hub"], told["sandbox"]
        self.call = call

    def answer(self, method: str, url: str, *, json: Any = None, bearer: str = "") -> Response:
        try:
            return self.call(Request(method, url, json=json, bearer=bearer, keep=LEDGER_MOST))
        except EgressError as error:
            raise NotRunning(f"The desk is not running: {url} does not answer. Start it with script/server.") from error

    def insist(self) -> None:
        """Raises NotRunning."""
        self.seq()
        ready = self.answer("GET", f"{self.hub}/healthz")
        if ready.status != 200:
            wrong = [check["detail"] for check in ready.json()["checks"].values() if not check["ok"]]
            raise NotRunning(f"The desk is not ready. {' '.join(wrong)}")

    def seq(self) -> int:
        return self.answer("GET", f"{self.sandbox}/_control/health").json()["seq"]

    def ledger(self, since: int) -> Iterator[Line]:
        lines = self.answer("GET", f"{self.sandbox}/_control/ledger?since={since}")
        yield from (Response(200, line).json() for line in lines.body.splitlines())

    def order(self, wish: Mapping[str, Any]) -> dict[str, Any]:
        """Place an order in the shop, which tells the hub; the order as it stands then."""
        number = self.answer("POST", f"{self.sandbox}/app/api/orders", json=wish).json()["number"]
        return self.answer("GET", f"{self.sandbox}/app/api/orders/{number}").json()

    def publish(self, event: Mapping[str, Any], *, key: str) -> Response:
        return self.answer("POST", f"{self.hub}/api/v1/events", json=event, bearer=key)

    def fault(self, **fault: Any) -> None:
        self.answer("POST", f"{self.sandbox}/_control/faults", json=fault)
