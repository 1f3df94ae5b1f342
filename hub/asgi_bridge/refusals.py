"""Responses that are sent without Django. They close the connection: the body may still arrive."""

import json
from collections.abc import Awaitable, Callable
from html import escape
from typing import Any

from hub.db.ids import uuid7
from hub.problems import Problem
from hub.problems.responses import API_PREFIXES, MEDIA_TYPE

Send = Callable[[dict[str, Any]], Awaitable[None]]
REFUSAL_PAGE = (
    "<!doctype html><html lang=en><meta charset=utf-8><title>{title}</title>"
    "<h1>{title}</h1><p>{detail}</p></html>"
)


async def send_problem(problem: Problem, path: str, send: Send) -> None:
    """Send a problem, as JSON to API clients and as HTML to browsers."""
    request_id = str(uuid7())
    if path.startswith(API_PREFIXES):
        content_type, body = MEDIA_TYPE, json.dumps(problem.document(request_id))
    else:
        content_type = "text/html; charset=utf-8"
        body = REFUSAL_PAGE.format(
            title=escape(problem.kind.title), detail=escape(str(problem.detail))
        )
    headers = {
        "Content-Type": content_type,
        "Content-Length": str(len(body.encode())),
        "Cache-Control": "no-store",
        "X-Request-Id": request_id,
        "Connection": "close",
        **problem.headers,
    }
    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": problem.status_code, "headers": raw})
    await send({"type": "http.response.body", "body": body.encode()})
