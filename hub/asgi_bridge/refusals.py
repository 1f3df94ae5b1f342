"""Answers that are sent without Django."""

import json
from collections.abc import Awaitable, Callable
from html import escape
from typing import Any

from hub.asgi_bridge.responses import Answer, encode_headers
from hub.db.ids import uuid7
from hub.problems import Problem
from hub.problems.responses import API_PREFIXES, MEDIA_TYPE

Send = Callable[[dict[str, Any]], Awaitable[None]]
REFUSAL_PAGE = (
    "<!doctype html><html lang=en><meta charset=utf-8><title>{title}</title>"
    "<h1>{title}</h1><p>{detail}</p></html>"
)


async def send_problem(problem: Problem, path: str, send: Send) -> None:
    """Send a problem and close the connection, since the body may still arrive."""
    request_id = str(uuid7())
    answer = build_problem_answer(problem, path, request_id, closes=True)
    answer.headers.append((b"x-request-id", request_id.encode()))
    await send_answer(answer, send)


def build_problem_answer(problem: Problem, path: str, request_id: str, *, closes: bool) -> Answer:
    """Build the answer of a problem: JSON for API clients, HTML for browsers.

    `closes`: whether the connection is closed, since the body may still arrive.
    """
    if path.startswith(API_PREFIXES):
        content_type, body = MEDIA_TYPE, json.dumps(problem.document(request_id))
    else:
        content_type = "text/html; charset=utf-8"
        body = REFUSAL_PAGE.format(
            title=escape(problem.kind.title), detail=escape(str(problem.detail))
        )
    headers = {
        "content-type": content_type,
        "content-length": str(len(body.encode())),
        "cache-control": "no-store",
        **{name.lower(): value for name, value in problem.headers.items()},
        **({"connection": "close"} if closes else {}),
    }
    return Answer(problem.status_code, encode_headers(headers.items()), body.encode())


async def send_answer(answer: Answer, send: Send) -> None:
    """Send a small answer at once."""
    await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
    await send({"type": "http.response.body", "body": answer.body})
