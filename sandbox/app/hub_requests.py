"""Requests of the hub to our application: labels to print and questions to answer."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sandbox.app.accounts import APP, Tenant
from sandbox.app.labels import LabelBook
from sandbox.app.order_book import OrderBook
from sandbox.app.questions import Question, QuestionBook, answer_of
from sandbox.storage.account_store import AccountStore
from sandbox.system import ApiRequest, ApiResponse

Post = Callable[[str, dict[str, str], Any], Awaitable[tuple[int, str]]]
ID_HEADERS = ("webhook-id", "idempotency-key")


class HubRequests:
    """`/labels` and `/questions` of the API. A question is answered by the hub's *Actions now*."""

    def __init__(self, store: AccountStore, state: Path, orders: OrderBook, post: Post):
        self.labels = LabelBook(state)
        self.questions = QuestionBook(state)
        self._store = store
        self._orders = orders
        self._post = post
        self._tasks: set[asyncio.Task[None]] = set()

    def receive(self, call: ApiRequest, tenant: str) -> ApiResponse:
        """Return 202 with the number of the label or question, or 400 with a sentence."""
        works: dict[str, Callable[[ApiRequest, Mapping[str, Any], str], ApiResponse]] = {
            "/labels": self._create_label,
            "/questions": self._submit_question,
        }
        body = call.json()
        if not isinstance(body, dict):
            return ApiResponse(400, {"error": "The request must be a JSON object."})
        data = body.get("data")
        request_body = data if isinstance(data, dict) else body
        try:
            return works[call.path.rstrip("/")](call, request_body, tenant)
        except ValueError as error:
            return ApiResponse(400, {"error": str(error)})

    def listed(self, call: ApiRequest) -> ApiResponse:
        tenant = call.query.get("tenant", "")
        if call.path.rstrip("/") == "/labels":
            return ApiResponse(200, {"labels": self.labels.all(tenant)})
        return ApiResponse(200, {"questions": self.questions.all(tenant)})

    async def answer(self, number: str, text: str, at: float) -> None:
        """Ask the hub to post this in the thread of the question, and keep its response."""
        question = self.questions.find(number)
        if question is None:
            return
        tenant = self._store[APP].tenants.get(question["tenant"]) or Tenant(question["tenant"])
        connection = quote(question["connection"], safe="")
        url = f"{self._store[APP].app.hub}/api/v1/connections/{connection}/actions/post_message"
        headers = {"Authorization": f"Bearer {tenant.hub_key}"}
        body = {
            "id": f"answer-{number}-{len(question['answers']) + 1}",
            "data": {"channel": question["channel"], "text": text}
            | ({"thread_ts": question["thread_ts"]} if question["thread_ts"] else {}),
        }
        try:
            status, response = await self._post(url, headers, body)
        except OSError as error:
            status, response = 0, f"{type(error).__name__}: {error}"
        self.questions.record_answer(number, text, at, status, response)

    def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        self.labels.close()
        self.questions.close()

    def _create_label(
        self, call: ApiRequest, request_body: Mapping[str, Any], tenant: str
    ) -> ApiResponse:
        label = self.labels.create(request_body, tenant, request_id(call), call.at)
        return ApiResponse(202, {"ok": True, "label": label["number"]})

    def _submit_question(
        self, call: ApiRequest, request_body: Mapping[str, Any], tenant: str
    ) -> ApiResponse:
        """Store the question; it is answered in the background, after the hub has its response."""
        question, is_new = self.questions.submit(request_body, tenant, request_id(call), call.at)
        answer = ApiResponse(202, {"ok": True, "question": question["number"]})
        if not is_new or not self._can_answer(question):
            return answer

        async def start() -> None:
            text = answer_of(question, self._orders)
            task = asyncio.create_task(self.answer(question["number"], text, call.at))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

        return ApiResponse(answer.status, answer.body, then=start)

    def _can_answer(self, question: Question) -> bool:
        tenant = self._store[APP].tenants.get(question["tenant"])
        is_known = bool(tenant and tenant.hub_key)
        return bool(self._store[APP].app.answers and is_known and question["connection"])


def request_id(call: ApiRequest) -> str:
    """The id of the message: a header, or `id` of the body; empty where it has none."""
    for name in ID_HEADERS:
        if call.headers.get(name):
            return call.headers[name]
    body = call.json()
    return str(body.get("id") or "") if isinstance(body, dict) else ""
