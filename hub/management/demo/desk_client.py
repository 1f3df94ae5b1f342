"""An HTTP client of the running desk: the sandbox's shop and ledger, and the hub's API."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from connectors.http import Request, Response
from hub.egress import EgressError
from hub.management.demo.demo_rows import DemoSummary

MAX_LEDGER_BYTES = 64 * 1024 * 1024  # bytes
LedgerEntry = dict[str, Any]  # of the ledger


class DeskNotRunning(Exception):
    """The desk does not answer or is not ready; the message is a sentence for the user."""


class DeskClient:
    def __init__(self, demo: DemoSummary, *, call: Callable[[Request], Response]) -> None:
        self.hub, self.sandbox = demo["hub"], demo["sandbox"]
        self.call = call

    def send_request(
        self, method: str, url: str, *, json: Any = None, bearer: str = ""
    ) -> Response:
        try:
            return self.call(Request(method, url, json=json, bearer=bearer, keep=MAX_LEDGER_BYTES))
        except EgressError as error:
            raise DeskNotRunning(
                f"The local installation is not running: {url} does not respond. Start it "
                "with script/server."
            ) from error

    def require_ready(self) -> None:
        """Raise DeskNotRunning if hub or sandbox do not answer, or the hub is unhealthy."""
        self.read_ledger_position()
        ready = self.send_request("GET", f"{self.hub}/healthz")
        if ready.status != 200:
            problems = [
                check["detail"] for check in ready.json()["checks"].values() if not check["ok"]
            ]
            raise DeskNotRunning(f"The local installation is not ready. {' '.join(problems)}")

    def read_ledger_position(self) -> int:
        health = self.send_request("GET", f"{self.sandbox}/_control/health").json()
        return int(health["seq"])

    def read_ledger(self, since: int) -> Iterator[LedgerEntry]:
        response = self.send_request("GET", f"{self.sandbox}/_control/ledger?since={since}")
        yield from (Response(200, raw_entry).json() for raw_entry in response.body.splitlines())

    def place_order(self, order_data: Mapping[str, Any]) -> dict[str, Any]:
        """Place an order in the shop, which sends it to the hub; return the order."""
        number = self.send_request(
            "POST", f"{self.sandbox}/app/api/orders", json=order_data
        ).json()["number"]
        order: dict[str, Any] = self.send_request(
            "GET", f"{self.sandbox}/app/api/orders/{number}"
        ).json()
        return order

    def publish_event(self, event: Mapping[str, Any], *, key: str) -> Response:
        return self.send_request("POST", f"{self.hub}/api/v1/events", json=event, bearer=key)

    def inject_fault(self, **fault: Any) -> None:
        self.send_request("POST", f"{self.sandbox}/_control/faults", json=fault)

    def cause_event(self, **event: Any) -> None:
        """Let something happen in a system of the sandbox, which sends its webhook."""
        self.send_request("POST", f"{self.sandbox}/_control/send", json=event)
