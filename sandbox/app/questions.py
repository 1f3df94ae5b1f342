"""Questions of people: what the hub forwarded to our application, and how it was answered."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sandbox.app.order_book import OrderBook
from sandbox.app.tables import iso
from sandbox.storage.journal import JournaledDict

FIRST = 7001
ORDER = re.compile(r"\bA-\d+\b")
TEXTS = ("connection", "channel", "thread_ts", "user")
Question = dict[str, Any]


class QuestionBook:
    """The questions; a repeated request id returns the question that the first request created."""

    def __init__(self, state: Path):
        self._questions = JournaledDict(state / "app-questions.jsonl")
        self._ids = {row["request"]: row["number"] for row in self._questions.values()}

    def submit(
        self, request_body: Mapping[str, Any], tenant: str, request: str, at: float
    ) -> tuple[Question, bool]:
        """Return the question, and whether it is new. Raises ValueError with a sentence."""
        if request in self._ids:
            return dict(self._questions[self._ids[request]]), False
        text = str(request_body.get("text") or "").strip()
        if not text:
            raise ValueError("The question needs a text.")
        number = f"Q-{FIRST + len(self._questions)}"
        question = {
            "number": number,
            "request": request or number,
            "tenant": tenant,
            "asked_at": iso(at),
            "text": text[:10_000],
            **{name: str(request_body.get(name) or "") for name in TEXTS},
            "answers": [],
        }
        self._questions[number] = question
        self._ids[question["request"]] = number
        return question, True

    def find(self, number: str) -> Question | None:
        return self._questions.get(number)

    def record_answer(self, number: str, text: str, at: float, status: int, response: str) -> None:
        """Record the answer, and the hub's response to the request to post it."""
        question = self._questions[number]
        answer = {"text": text, "at": iso(at), "status": status, "response": response[:2000]}
        self._questions[number] = question | {"answers": [*question["answers"], answer]}

    def all(self, tenant: str = "") -> list[Question]:
        """Oldest first."""
        return [one for one in self._questions.values() if tenant in ("", one["tenant"])]

    def close(self) -> None:
        self._questions.close()


def answer_of(question: Question, book: OrderBook) -> str:
    """Return the answer that our application knows: the state of an order that the question
    names.
    """
    match = ORDER.search(question["text"])
    order = book.find(match[0], question["tenant"]) if match else None
    if order:
        total = f"{order.get('total')} {order.get('currency')}"
        customer, state = order.get("customer"), order.get("state")
        return f"Order {order['number']} of {customer}: {state}, {total}."
    if match:
        return f"There is no order {match[0]}."
    return "Thank you for your question. Name an order, such as A-1001, to see its state."
