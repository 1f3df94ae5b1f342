"""The order application's API: events from the hub, orders to read and to place, and sending new
orders to the hub.
"""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urljoin

from sandbox.app import planting
from sandbox.app.accounts import APP, Tenant
from sandbox.app.hub_requests import HubRequests, Post
from sandbox.app.log_book import LogBook
from sandbox.app.order_book import NumberTaken, Order, OrderBook, build_event
from sandbox.app.record_api import RecordApi, build_record_response, message_id, parse_path
from sandbox.app.tables import Record, Table
from sandbox.storage.account_store import AccountStore
from sandbox.system import ApiRequest, ApiResponse, System
from sandbox.webhook_signatures import signature_error


class OrderApp(System):
    key = "app"
    addresses = (("/app/api", "/{rest:.*}"),)

    def __init__(self, store: AccountStore, state: Path, post: Post):
        self.store = store
        self.book = OrderBook(state)
        self.hub_requests = HubRequests(store, state, self.book, post)
        self.log = LogBook(state)
        self.tables = {
            "orders": self.book.table,
            "customers": Table(state / "app-customers.jsonl", "id"),
            "users": Table(state / "app-users.jsonl", "id"),
            "labels": self.hub_requests.labels.table,
            "logs": self.log.table,
        }
        self._records = RecordApi(self.tables, state, self.log.add)
        self._post = post

    def load_accounts(self, at: float) -> None:
        """Store the users that tenants begin with, unless they are known already."""
        table = self.tables["users"]
        for tenant in self.store[APP].tenants.values():
            first = planting.numbered_users(tenant.users)
            unknown = [user for user in first if table.get(tenant.reference, user["id"]) is None]
            self.seed(tenant.reference, "users", unknown, at)

    def account(self, call: ApiRequest) -> str:
        body = call.json()
        named = body.get("tenant") if isinstance(body, dict) else None
        return str(named or call.query.get("tenant") or unquote(call.headers.get("Hub-Tenant", "")))

    def ids(self, call: ApiRequest) -> list[str]:
        body = call.json()
        return [str(body["id"])] if isinstance(body, dict) and body.get("id") else []

    def refusal(self, status: int) -> Any:
        return {
            "error": {401: "unauthorized", 429: "too_many_requests", 503: "maintenance"}.get(
                status, "failed"
            )
        }

    def answer(self, call: ApiRequest) -> ApiResponse:
        doors = {
            ("GET", "/health"): self._health,
            ("POST", "/orders"): self._place,
            ("POST", "/events"): self._receive,
            ("POST", "/labels"): self._receive_request,
            ("POST", "/questions"): self._receive_request,
            ("GET", "/questions"): self._list_requests,
        }
        path = call.path.rstrip("/")
        if (call.method, path) in doors:
            return doors[call.method, path](call)
        record_path = parse_path(path, self.tables)
        if record_path is None:
            return ApiResponse(404, {"error": "not_found"})
        if problem := self._caller_problem(call):
            return ApiResponse(401, {"error": problem})
        return self._records.answer(call, record_path, self.account(call))

    async def notify_hub(self, order: Order, at: float) -> None:
        """Post order.created to the hub, and keep its answer with the order."""
        tenant = self.store[APP].tenants.get(order["tenant"]) or Tenant(order["tenant"])
        headers = {"Authorization": f"Bearer {tenant.hub_key}"}
        try:
            status, text = await self._post(
                f"{self.store[APP].app.hub}/api/v1/events", headers, build_event(order)
            )
        except OSError as error:
            status, text = 0, f"{type(error).__name__}: {error}"
        self.book.record_answer(order, at, status=status, text=text[:2000])

    def event_page(self, order: Order) -> str:
        """Return the page that the hub's response states as `page_url`; else the hub's first
        page.
        """
        try:
            page_url = json.loads((order["hub"] or {}).get("text", ""))["page_url"]
        except (ValueError, TypeError, KeyError):
            page_url = "/"
        return (
            urljoin(self.store[APP].app.hub, page_url)
            if isinstance(page_url, str)
            else self.store[APP].app.hub
        )

    def close(self) -> None:
        self.book.close()
        self.hub_requests.close()
        for name in ("customers", "users", "logs"):
            self.tables[name].close()
        self._records.close()

    def seed(self, account: str, object: str, rows: Iterable[Record], at: float) -> list[str]:
        return planting.plant(self.tables, self.log, account, object, rows, at)

    def seed_template(self, account: str, object: str) -> dict[str, Any]:
        return planting.template(object)

    def list_records(self, account: str, object: str) -> Iterator[Record]:
        if object not in self.tables:
            raise ValueError(f"object is one of {', '.join(sorted(self.tables))}")
        yield from self.tables[object].of_tenant(account)

    def _health(self, call: ApiRequest) -> ApiResponse:
        return ApiResponse(200, {"ok": True, "orders": len(self.book)})

    def _place(self, call: ApiRequest) -> ApiResponse:
        """Place an order; one that a person places is sent to the hub, one that the hub sent is
        not.
        """
        if problem := self._caller_problem(call):
            return ApiResponse(401, {"error": problem})
        if (written := self._records.find_written(call, self.book.table)) is not None:
            return build_record_response(written)
        request_body = call.json()
        try:
            order = self.book.place(request_body if isinstance(request_body, dict) else {}, call.at)
        except NumberTaken as error:
            return ApiResponse(409, {"error": str(error)})
        except ValueError as error:
            return ApiResponse(400, {"error": str(error)})
        self._records.remember(call, order, "number")
        self.log.add(order["tenant"], f"{order['number']} placed", call.at)
        etag = build_record_response(order).headers
        if message_id(call):
            return ApiResponse(201, order, etag)
        return ApiResponse(201, order, etag, then=lambda: self.notify_hub(order, call.at))

    def _list_requests(self, call: ApiRequest) -> ApiResponse:
        if self._stranger(call):
            return ApiResponse(401, self.refusal(401))
        return self.hub_requests.listed(call)

    def _receive_request(self, call: ApiRequest) -> ApiResponse:
        if problem := self._signature_problem(call):
            return ApiResponse(401, {"error": problem})
        return self.hub_requests.receive(call, self.account(call))

    def _signature_problem(self, call: ApiRequest) -> str:
        """Return why a message is not signed by the hub; empty if it is."""
        secret = self.store[APP].app.secret
        wrong = signature_error([secret], call.headers, call.body, call.at) if secret else ""
        return wrong or ("unauthorized" if self._stranger(call) else "")

    def _receive(self, call: ApiRequest) -> ApiResponse:
        if problem := self._signature_problem(call):
            return ApiResponse(401, {"error": problem})
        event = call.json()
        if not isinstance(event, dict):
            return ApiResponse(400, {"error": "an event is a JSON object"})
        self.book.receive(event, self.account(call), call.at)
        return ApiResponse(202, {"ok": True})

    def _caller_problem(self, call: ApiRequest) -> str:
        """Return why a caller may not read or write records; empty if it may.

        A signature is checked if there is one; otherwise the key that the world may set is
        required.
        """
        if "webhook-signature" in call.headers:
            secret = self.store[APP].app.secret
            return signature_error([secret], call.headers, call.body, call.at) if secret else ""
        return "unauthorized" if self._stranger(call) else ""

    def _stranger(self, call: ApiRequest) -> bool:
        key = self.store[APP].app.api_key
        return bool(key) and call.credential("Bearer") != key
