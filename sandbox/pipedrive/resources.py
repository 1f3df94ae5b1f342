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
        "id": company.user_id, "name": company.user, "email": company.email, "active_flag": True, "is_admin": 1,
        "default_currency": company.currency, "locale": "en_US", "timezone_name": "Europe/Tallinn",
        "company_id": int(company.company), "company_name": company.title, "company_domain": company.host,
        "company_country": "EE", "language": {"language_code": "en", "country_code": "US"},
    }})  # fmt: skip


def create(asked: Asked) -> ApiResponse:
    row = asked.records.create(asked.company, asked.kind, asked.body, asked.at)
    return ApiResponse(
        200 if asked.kind.strict else 201, {"success": True, "data": shown(asked.kind, row)}
    )


def read(asked: Asked, id: str) -> ApiResponse:
    row = asked.records.read(asked.company, asked.kind, id)
    return ApiResponse(200, {"success": True, "data": shown(asked.kind, row)})


def update(asked: Asked, id: str) -> ApiResponse:
    row = asked.records.update(asked.company, asked.kind, id, asked.body, asked.at)
    return ApiResponse(200, {"success": True, "data": shown(asked.kind, row)})


def delete(asked: Asked, id: str) -> ApiResponse:
    asked.records.delete(asked.company, asked.kind, id, asked.at)
    if asked.kind.path == "notes":
        return ApiResponse(200, {"success": True, "data": True})
    return ApiResponse(
        200, {"success": True, "data": {"id": id if asked.kind.path == "leads" else int(id)}}
    )


def list_all(asked: Asked) -> ApiResponse:
    rows = [row for row in asked.records.all(asked.company, asked.kind) if wanted(asked, row)]
    page = by_cursor if asked.kind.strict else by_offset
    return ApiResponse(200, {"success": True, **page(asked, rows)})


def wanted(asked: Asked, row: Record) -> bool:
    for name in FILTERS:
        if name in asked.query and name in row and str(row[name]) != asked.query[name]:
            return False
    since, until = moment(asked, "updated_since"), moment(asked, "updated_until")
    changed = row["update_time"]
    return (not since or changed >= since) and (not until or changed < until)


def moment(asked: Asked, name: str) -> str:
    given = asked.query.get(name, "")
    if given and not (MOMENT.fullmatch(given) and given.endswith("Z")):
        raise invalid(asked.kind, f"{name}: {given} is not a valid datetime")
    return given


def by_cursor(asked: Asked, rows: list[Record]) -> dict[str, Any]:
    if "ids" in asked.query:
        ids = asked.query["ids"].split(",")
        if len(ids) > IDS_MOST:
            raise invalid(asked.kind, f"ids: must contain less than or equal to {IDS_MOST} items")
        rows = [row for row in rows if str(row["id"]) in ids]
    after, limit = start_of(asked), limit_of(asked)
    rows = [row for row in rows if row["id"] > after]
    following = cursor_at(rows[limit - 1]["id"]) if len(rows) > limit else None
    data = [shown(asked.kind, row) for row in rows[:limit]]
    return {"data": data, "additional_data": {"next_cursor": following}}


def cursor_at(id: int) -> str:
    return base64.b64encode(json.dumps({"field": "id", "after": id}).encode()).decode()


def start_of(asked: Asked) -> int:
    if not asked.query.get("cursor"):
        return 0
    try:
        return int(json.loads(base64.b64decode(asked.query["cursor"]))["after"])
    except (ValueError, LookupError, TypeError) as error:
        raise Refusal(400, "Invalid cursor") from error


def by_offset(asked: Asked, rows: list[Record]) -> dict[str, Any]:
    """Notes tell it under `pagination`, leads beside it: both were seen."""
    start, limit = number(asked, "start", 0), limit_of(asked)
    more = len(rows) > start + limit
    told = {"start": start, "limit": limit, "more_items_in_collection": more}
    told |= {"next_start": start + limit} if more else {}
    data = [shown(asked.kind, row) for row in rows[start : start + limit]]
    return {
        "data": data,
        "additional_data": {"pagination": told} if asked.kind.path == "notes" else told,
    }


def limit_of(asked: Asked) -> int:
    return max(1, min(number(asked, "limit", USUALLY), MOST))


def number(asked: Asked, name: str, usually: int) -> int:
    given = asked.query.get(name, str(usually))
    if not (given.isascii() and given.isdigit() and len(given) < 10):
        raise invalid(asked.kind, f"{name}: must be of type integer")
    return int(given)


def shown(kind: Kind, row: Record) -> Record:
    """Custom fields of v1 stand among the others."""
    if kind.strict:
        return row
    others: dict[str, Any] = {
        name: value for name, value in row.items() if name not in ("custom_fields", "is_deleted")
    }
    return {**others, **row["custom_fields"]}
