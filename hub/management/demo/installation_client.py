"""An HTTP client of the local installation: the sandbox's shop and ledger, the hub's API."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from connectors.http import Request, Response, dump_json
from hub.egress import EgressError
from hub.management.demo.demo_rows import DemoSummary

MAX_LEDGER_BYTES = 64 * 1024 * 1024  # bytes
LedgerEntry = dict[str, Any]  # of the ledger


class InstallationNotRunning(Exception):
    """The local installation does not answer or is not ready. The message is for the user."""


class InstallationClient:
    def __init__(self, demo: DemoSummary, *, call: Callable[[Request], Response]) -> None:
        self.hub, self.sandbox = demo["hub"], demo["sandbox"]
        self.call = call

    def send_request(
        self,
        method: str,
        url: str,
        *,
        json: Any = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        bearer: str = "",
    ) -> Response:
        request = Request(
            method,
            url,
            json=json,
            body=body,
            headers=headers or {},
            bearer=bearer,
            response_bytes_max=MAX_LEDGER_BYTES,
        )
        try:
            return self.call(request)
        except EgressError as error:
            raise InstallationNotRunning(
                f"The local installation is not running: {url} does not respond. Start it "
                "with script/server."
            ) from error

    def require_ready(self) -> None:
        """Raise InstallationNotRunning if hub or sandbox do not answer, or the hub is unhealthy."""
        self.read_ledger_position()
        ready = self.send_request("GET", f"{self.hub}/healthz")
        if ready.status != 200:
            problems = [
                check["detail"] for check in ready.json()["checks"].values() if not check["ok"]
            ]
            raise InstallationNotRunning(
                f"The local installation is not ready. {' '.join(problems)}"
            )

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
        """Cause an event in a system of the sandbox, which then sends its webhook."""
        self.send_request("POST", f"{self.sandbox}/_control/send", json=event)

    def change_record(self, url: str, changes: Mapping[str, Any]) -> Response:
        """Change a record of our own application, whatever version it has."""
        return self.send_request("PATCH", url, json=changes, headers={"If-Match": "*"})

    def plant_records(
        self, system: str, account: str, object: str, records: Sequence[Mapping[str, Any]]
    ) -> None:
        """Store records in a system of the sandbox, as existing data."""
        seed = {"system": system, "account": account, "object": object, "records": records}
        self.send_request("POST", f"{self.sandbox}/_control/seed", json=seed)

    def read_records(self, system: str, account: str, object: str) -> list[dict[str, Any]]:
        """Return every record of an object in a system of the sandbox."""
        query = urlencode({"system": system, "account": account, "object": object})
        response = self.send_request("GET", f"{self.sandbox}/_control/records?{query}")
        return [Response(200, line).json() for line in response.body.splitlines()]

    def send_log_lines(
        self, lines: Sequence[Mapping[str, Any]], *, key: str, idempotency_key: str
    ) -> Response:
        """Send log lines to the hub, as NDJSON."""
        headers = {"Content-Type": "application/x-ndjson", "Idempotency-Key": idempotency_key}
        body = b"".join(dump_json(line) + b"\n" for line in lines)
        url = f"{self.hub}/api/v1/logs"
        return self.send_request("POST", url, body=body, headers=headers, bearer=key)
