"""The control adds records to any system, and lists the existing ones.

`POST /_control/seed`, `GET /_control/records`.
"""

import asyncio
import json
import re
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from aiohttp import web

from sandbox.clock import Clock
from sandbox.system import System

KNOWN = {"system", "account", "object", "records", "generate"}
GENERATED = {"count", "start", "fields"}
FIRST, COUNT_MAX = 1001, 1_000_000
CHUNK = 5_000  # records that are stored at a time; other requests are answered in between
IDS_MAX = 1_000  # ids that the answer lists
NUMBER = re.compile(r"\{n(?::0(?P<digits>\d{1,2})d)?\}")


class SeedingControl:
    def __init__(self, systems: list[System], clock: Clock):
        self._systems = {system.key: system for system in systems}
        self._clock = clock

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/_control/seed", self.seed),
            web.get("/_control/records", self.records),
        ]

    async def seed(self, request: web.Request) -> web.Response:
        try:
            request_body = await request.json()
            system, account, object = self._target(request_body)
            ids: list[str] = []
            rows = wanted_rows(request_body, system.seed_template(account, object))
            while chunk := list(islice(rows, CHUNK)):
                ids += system.seed(account, object, chunk, self._clock())
                await asyncio.sleep(0)
        except ValueError as error:
            return web.json_response({"error": str(error)}, status=400)
        return web.json_response(summary(ids), status=201)

    async def records(self, request: web.Request) -> web.StreamResponse:
        """Every record as a line of JSON, deleted ones among them."""
        try:
            system, account, object = self._target(dict(request.query))
            rows = system.list_records(account, object)
            first = list(islice(rows, CHUNK))
        except ValueError as error:
            return web.json_response({"error": str(error)}, status=400)
        response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
        await response.prepare(request)
        while first:
            await response.write("".join(json.dumps(row) + "\n" for row in first).encode())
            first = list(islice(rows, CHUNK))
        await response.write_eof()
        return response

    def _target(self, request_body: Any) -> tuple[System, str, str]:
        """Raises ValueError with a sentence."""
        if not isinstance(request_body, dict):
            raise ValueError("what is wanted is a JSON object")
        if unknown := set(request_body) - KNOWN:
            raise ValueError(
                f"unknown field {min(unknown)!r}; known are {', '.join(sorted(KNOWN))}"
            )
        if request_body.get("system") not in self._systems:
            raise ValueError(f"system is one of {', '.join(sorted(self._systems))}")
        account, object = request_body.get("account"), request_body.get("object")
        if not isinstance(account, str) or not isinstance(object, str):
            raise ValueError("account and object are texts")
        return self._systems[request_body["system"]], account, object


def wanted_rows(
    request_body: Mapping[str, Any], template: Mapping[str, Any]
) -> Iterator[dict[str, Any]]:
    """Yield the records of a request, those that are to be generated after those that it lists."""
    records, generate = request_body.get("records", []), request_body.get("generate")
    if not isinstance(records, list) or not all(isinstance(row, dict) for row in records):
        raise ValueError("records is a list of JSON objects")
    if not records and generate is None:
        raise ValueError("records or generate is missing")
    yield from records
    if generate is not None:
        yield from generated_rows(generate, template)


def generated_rows(generate: Any, template: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield records by a template: {n} in a text is the number of the record, {n:06d} with zeros,
    and a text that starts with "=" is JSON, such as "={n}.5" for a number.
    """
    if not isinstance(generate, dict) or set(generate) - GENERATED:
        raise ValueError(f"generate is a JSON object of {', '.join(sorted(GENERATED))}")
    count, start = generate.get("count"), generate.get("start", FIRST)
    if type(count) is not int or type(start) is not int or not 0 <= count <= COUNT_MAX:
        raise ValueError(f"count is a number up to {COUNT_MAX}, start is a number")
    fields = generate.get("fields", {})
    if not isinstance(fields, dict):
        raise ValueError("fields is a JSON object")
    row_template = {**template, **fields}
    for number in range(start, start + count):
        yield {name: fill_template(value, number) for name, value in row_template.items()}


def fill_template(value: Any, number: int) -> Any:
    if isinstance(value, dict):
        return {name: fill_template(inner, number) for name, inner in value.items()}
    if isinstance(value, list):
        return [fill_template(inner, number) for inner in value]
    if not isinstance(value, str) or "{n" not in value and not value.startswith("="):
        return value
    text = NUMBER.sub(lambda match: str(number).rjust(int(match["digits"] or 0), "0"), value)
    return json.loads(text[1:]) if text.startswith("=") else text


def summary(ids: list[str]) -> dict[str, Any]:
    first, last = (ids[0], ids[-1]) if ids else (None, None)
    return {"count": len(ids), "first": first, "last": last, "ids": ids[:IDS_MAX]}
