"""The resources of both versions of the API: one record, a page of them, and who asks."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.pipedrive.accounts import Company
from sandbox.pipedrive.checks import MOMENT, Refusal, invalid
from sandbox.pipedrive.kinds import Kind
from sandbox.pipedrive.records import Record, Records
from sandbox.system import ApiResponse

FILTERS = (
    "owner_id",
    "person_id",
    "org_id",
    "deal_id",
    "lead_id",
    "organization_id",
    "stage_id",
    "status",
)
MOST, USUALLY = 500, 100  # records on a page
IDS_MOST = 100


@dataclass(frozen=True)
class Asked:
    """A call within a company, about one kind of records."""

    company: Company
    kind: Kind
    records: Records
    at: float
    query: Mapping[str, str]
    body: Any


def me(company: Company) -> ApiResponse:
    return ApiResponse(200, {"success": True, "data": {
        "id": company.user_id, "name": company.user, "email": company.email, "active_flag": True,
        "is_admin": 1,
        "default_currency": company.currency, "locale": "en_US", "timezone_name": "Europe/Tallinn",
        "company_id": int(company.company), "company_name": company.title,
        "company_domain": company.host,
        "company_country": "EE", "language": {"language_code": "en", "country_code": "US"},
    }})  # fmt: skip


def create(request: Asked) -> ApiResponse:
    row = request.records.create(request.company, request.kind, request.body, request.at)
    return ApiResponse(
        200 if request.kind.strict else 201, {"success": True, "data": shown(request.kind, row)}
    )


def read(request: Asked, id: str) -> ApiResponse:
    row = request.records.read(request.company, request.kind, id)
    return ApiResponse(200, {"success": True, "data": shown(request.kind, row)})


def update(request: Asked, id: str) -> ApiResponse:
    row = request.records.update(request.company, request.kind, id, request.body, request.at)
    return ApiResponse(200, {"success": True, "data": shown(request.kind, row)})


def delete(request: Asked, id: str) -> ApiResponse:
    request.records.delete(request.company, request.kind, id, request.at)
    if request.kind.path == "notes":
        return ApiResponse(200, {"success": True, "data": True})
    return ApiResponse(
        200, {"success": True, "data": {"id": id if request.kind.path == "leads" else int(id)}}
    )


def list_all(request: Asked) -> ApiResponse:
    rows = [
        row for row in request.records.all(request.company, request.kind) if wanted(request, row)
    ]
    page = by_cursor if request.kind.strict else by_offset
    return ApiResponse(200, {"success": True, **page(request, rows)})


def wanted(request: Asked, row: Record) -> bool:
    for name in FILTERS:
        if name in request.query and name in row and str(row[name]) != request.query[name]:
            return False
    since, until = moment(request, "updated_since"), moment(request, "updated_until")
    changed = row["update_time"]
    return (not since or changed >= since) and (not until or changed < until)


def moment(request: Asked, name: str) -> str:
    text = request.query.get(name, "")
    if text and not (MOMENT.fullmatch(text) and text.endswith("Z")):
        raise invalid(request.kind, f"{name}: {text} is not a valid datetime")
    return text


def by_cursor(request: Asked, rows: list[Record]) -> dict[str, Any]:
    if "ids" in request.query:
        ids = request.query["ids"].split(",")
        if len(ids) > IDS_MOST:
            raise invalid(request.kind, f"ids: must contain less than or equal to {IDS_MOST} items")
        rows = [row for row in rows if str(row["id"]) in ids]
    after, limit = start_of(request), limit_of(request)
    rows = [row for row in rows if row["id"] > after]
    following = cursor_at(rows[limit - 1]["id"]) if len(rows) > limit else None
    data = [shown(request.kind, row) for row in rows[:limit]]
    return {"data": data, "additional_data": {"next_cursor": following}}


def cursor_at(id: int) -> str:
    return base64.b64encode(json.dumps({"field": "id", "after": id}).encode()).decode()


def start_of(request: Asked) -> int:
    if not request.query.get("cursor"):
        return 0
    try:
        return int(json.loads(base64.b64decode(request.query["cursor"]))["after"])
    except (ValueError, LookupError, TypeError) as error:
        raise Refusal(400, "Invalid cursor") from error


def by_offset(request: Asked, rows: list[Record]) -> dict[str, Any]:
    """Notes tell it under `pagination`, leads beside it: both were seen."""
    start, limit = number(request, "start", 0), limit_of(request)
    more = len(rows) > start + limit
    pagination = {"start": start, "limit": limit, "more_items_in_collection": more}
    pagination |= {"next_start": start + limit} if more else {}
    data = [shown(request.kind, row) for row in rows[start : start + limit]]
    return {
        "data": data,
        "additional_data": {"pagination": pagination}
        if request.kind.path == "notes"
        else pagination,
    }


def limit_of(request: Asked) -> int:
    return max(1, min(number(request, "limit", USUALLY), MOST))


def number(request: Asked, name: str, usually: int) -> int:
    text = request.query.get(name, str(usually))
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise invalid(request.kind, f"{name}: must be of type integer")
    return int(text)


def shown(kind: Kind, row: Record) -> Record:
    """Custom fields of v1 stand among the others."""
    if kind.strict:
        return row
    others: dict[str, Any] = {
        name: value for name, value in row.items() if name not in ("custom_fields", "is_deleted")
    }
    return {**others, **row["custom_fields"]}
