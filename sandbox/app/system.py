"""The order application's API: events from the hub, orders to read and to place, and telling the
hub of them.
"""

import json
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urljoin

from sandbox.app.accounts import APP, Tenant
from sandbox.app.hub_requests import HubRequests, Post
from sandbox.app.order_book import Order, OrderBook, build_event
from sandbox.storage.account_store import AccountStore
from sandbox.system import ApiRequest, ApiResponse, System
from sandbox.webhook_signatures import signature_error

MOST_OF_A_PAGE = 500


class OrderApp(System):
    key = "app"
    addresses = (("/app/api", "/{rest:.*}"),)

    def __init__(self, store: AccountStore, state: Path, post: Post):
        self.store = store
        self.book = OrderBook(state)
        self.hub_requests = HubRequests(store, state, self.book, post)
        self._post = post

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
            ("GET", "/orders"): self._list,
            ("POST", "/orders"): self._place,
            ("POST", "/events"): self._receive,
            ("POST", "/labels"): self._receive_request,
            ("POST", "/questions"): self._receive_request,
            ("GET", "/labels"): self._list_requests,
            ("GET", "/questions"): self._list_requests,
        }
        path = call.path.rstrip("/")
        if (call.method, path) in doors:
            return doors[call.method, path](call)
        number = path.removeprefix("/orders/")
        order = self.book.find(number) if call.method == "GET" and number != path else None
        return ApiResponse(200, order) if order else ApiResponse(404, {"error": "not_found"})

    async def tell_the_hub(self, order: Order, at: float) -> None:
        """Post order.created to the hub, and keep its answer with the order."""
        tenant = self.store[APP].tenants.get(order["tenant"]) or Tenant(order["tenant"])
        headers = {"Authorization": f"Bearer {tenant.hub_key}"}
        try:
            status, text = await self._post(
                f"{self.store[APP].app.hub}/api/v1/events", headers, build_event(order)
            )
        except OSError as error:
            status, text = 0, f"{type(error).__name__}: {error}"
        self.book.record_answer(order["number"], at, status=status, text=text[:2000])

    def event_page(self, order: Order) -> str:
        """The page that the hub's answer names for people by `page_url`; else the hub's first
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

    def _health(self, call: ApiRequest) -> ApiResponse:
        return ApiResponse(200, {"ok": True, "orders": len(self.book)})

    def _list(self, call: ApiRequest) -> ApiResponse:
        if self._stranger(call):
            return ApiResponse(401, self.refusal(401))
        since = call.query.get("updated_since", "")
        orders = [
            order
            for order in self.book.orders(call.query.get("tenant", ""))
            if order["updated_at"] >= since
        ]
        try:
            start, limit = int(call.query.get("cursor") or 0), int(call.query.get("limit") or 100)
        except ValueError:
            return ApiResponse(400, {"error": "bad_cursor_or_limit"})
        end = start + min(max(limit, 1), MOST_OF_A_PAGE)
        return ApiResponse(
            200,
            {"orders": orders[start:end], "next_cursor": str(end) if end < len(orders) else None},
        )

    def _place(self, call: ApiRequest) -> ApiResponse:
        if self._stranger(call):
            return ApiResponse(401, self.refusal(401))
        wish = call.json()
        try:
            order = self.book.place(wish if isinstance(wish, dict) else {}, call.at)
        except ValueError as error:
            return ApiResponse(400, {"error": str(error)})
        return ApiResponse(201, order, then=lambda: self.tell_the_hub(order, call.at))

    def _list_requests(self, call: ApiRequest) -> ApiResponse:
        if self._stranger(call):
            return ApiResponse(401, self.refusal(401))
        return self.hub_requests.listed(call)

    def _receive_request(self, call: ApiRequest) -> ApiResponse:
        if problem := self._signature_problem(call):
            return ApiResponse(401, {"error": problem})
        return self.hub_requests.receive(call, self.account(call))

    def _signature_problem(self, call: ApiRequest) -> str:
        """Why a message is not the hub's; empty where it is."""
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

    def _stranger(self, call: ApiRequest) -> bool:
        key = self.store[APP].app.api_key
        return bool(key) and call.credential("Bearer") != key
