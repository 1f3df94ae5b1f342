"""The records of the application's API: read in pages and singly, changed and deleted.

A change needs `If-Match` with the record's ETag, or `*`: 428 without, 412 where it is another one
(RFC 9110 and RFC 6585).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from sandbox.app.log_book import log_key
from sandbox.app.order_book import refuse_protected, without_stamp
from sandbox.app.tables import Record, Table, parse_page_query
from sandbox.storage.journal import JournaledDict
from sandbox.system import ApiRequest, ApiResponse

NOT_FOUND = ApiResponse(404, {"error": "not_found"})
CHANGEABLE = ("orders", "customers", "users")
PREFIXES = {"customers": "C-", "users": "U-"}  # of the ids of what can be created here


@dataclass(frozen=True)
class RecordPath:
    """The object that a path names, and the key of one record; empty: all of them."""

    object: str
    key: str = ""


def parse_path(path: str, tables: Mapping[str, Table]) -> RecordPath | None:
    _, object, *parts = path.rstrip("/").split("/") if path.startswith("/") else ("", "")
    if object not in tables or len(parts) > 1:
        return None
    return RecordPath(object, unquote(parts[0]) if parts else "")


class RecordApi:
    def __init__(self, tables: Mapping[str, Table], state: Path, tell: Callable[..., None]):
        """`tell(tenant, message, at, **details)` writes a line of the application's log."""
        self.tables = tables
        self._tell = tell
        self._writes = JournaledDict(state / "app-writes.jsonl", keep=20_000)

    def answer(self, call: ApiRequest, path: RecordPath, tenant: str) -> ApiResponse:
        table = self.tables[path.object]
        if not path.key:
            return self._answer_for_all(call, path, table, tenant)
        record = table.find(path.key, tenant)
        if record is None and call.method == "GET" and call.query.get("include_deleted"):
            record = table.get(tenant, path.key)
        if record is None:
            return NOT_FOUND
        if call.method == "GET":
            return build_record_response(record)
        if path.object in CHANGEABLE and call.method in ("PATCH", "DELETE"):
            return self._write(call, table, record)
        return ApiResponse(405, {"error": "method_not_allowed"})

    def remember(self, call: ApiRequest, record: Record, key: str) -> None:
        """Remember what a message wrote, so that the same message again has no second effect."""
        if id := message_id(call):
            self._writes[id] = {"tenant": record["tenant"], "key": record[key]}

    def find_written(self, call: ApiRequest, table: Table) -> Record | None:
        """The record that this message wrote before."""
        written = self._writes.get(message_id(call) or "")
        return table.find(written["key"], written["tenant"]) if written else None

    def close(self) -> None:
        self._writes.close()

    def _answer_for_all(
        self, call: ApiRequest, path: RecordPath, table: Table, tenant: str
    ) -> ApiResponse:
        if call.method == "GET":
            return self._list(call, path, table)
        if call.method == "POST" and path.object in PREFIXES:
            return self._create(call, path, table, tenant)
        return ApiResponse(405, {"error": "method_not_allowed"})

    def _create(self, call: ApiRequest, path: RecordPath, table: Table, tenant: str) -> ApiResponse:
        """A customer or user with the next free id; orders are placed elsewhere."""
        if (written := self.find_written(call, table)) is not None:
            return build_record_response(written)
        try:
            fields = parse_fields(call.json())
        except ValueError as error:
            return ApiResponse(400, {"error": str(error)})
        id = table.free_key(tenant, PREFIXES[path.object])
        record = table.put({**fields, "id": id, "tenant": tenant}, call.at)
        self.remember(call, record, "id")
        return ApiResponse(201, record, {"ETag": etag(record)})

    def _list(self, call: ApiRequest, path: RecordPath, table: Table) -> ApiResponse:
        ordered = log_key if path.object == "logs" else str
        try:
            query = parse_page_query(call.query, ordered=ordered)
        except ValueError as error:
            return ApiResponse(400, {"error": str(error)})
        records, next_after = table.page(query)
        body = {path.object: records, "count": len(records), "next_after": next_after or None}
        return ApiResponse(200, body)

    def _write(self, call: ApiRequest, table: Table, record: Record) -> ApiResponse:
        if (written := self.find_written(call, table)) is not None:
            return build_record_response(written)
        expected_version = call.headers.get("If-Match", "")
        if not expected_version and call.method == "PATCH":
            return ApiResponse(428, {"error": "precondition_required"})
        if expected_version and not is_met(expected_version, record):
            return ApiResponse(412, {"error": "precondition_failed"}, {"ETag": etag(record)})
        if call.method == "DELETE":
            table.delete(record, call.at)
            self._tell(record["tenant"], f"{record[table.key]} deleted", call.at)
            return ApiResponse(204)
        return self._change(call, table, record)

    def _change(self, call: ApiRequest, table: Table, record: Record) -> ApiResponse:
        """Merge the fields of the body into the record; one that changes nothing is no change."""
        try:
            fields = parse_fields(call.json())
        except ValueError as error:
            return ApiResponse(400, {"error": str(error)})
        if any(name not in record or record[name] != fields[name] for name in fields):
            record = table.put({**without_stamp(record), **fields}, call.at)
            names = sorted(fields)
            self._tell(record["tenant"], f"{record[table.key]} changed", call.at, fields=names)
        self.remember(call, record, table.key)
        return build_record_response(record)


def parse_fields(body: Any) -> Record:
    """The fields to write. Raises ValueError with a sentence."""
    if not isinstance(body, dict):
        raise ValueError("The request must be a JSON object.")
    fields = {name: value for name, value in body.items() if name != "tenant"}
    refuse_protected(fields)
    return fields


def build_record_response(record: Record) -> ApiResponse:
    return ApiResponse(200, record, {"ETag": etag(record)})


def etag(record: Record) -> str:
    return f'"{record["version"]}"'


def is_met(expected_version: str, record: Record) -> bool:
    """Whether If-Match names the version: only strong tags can match (RFC 9110, 13.1.1)."""
    return expected_version.strip() == "*" or etag(record) in [
        tag.strip() for tag in expected_version.split(",")
    ]


def message_id(call: ApiRequest) -> str:
    return str(call.headers.get("webhook-id") or call.headers.get("idempotency-key") or "")
