"""The resources of both versions of the API: one record, a page of them, and who asks."""

import base64
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sandbox.pipedrive.accounts import Company
from sandbox.pipedrive.checks import MOMENT, Refusal, invalid
from sandbox.pipedrive.kinds import Kind
from sandbox.pipedrive.records import Record, Records
from sandbox.pipedrive.sorted_records import Place, place_of
from sandbox.system import ApiResponse

FILTERS = (
    "owner_id",
    "person_id",
    "pipeline_id",
    "org_id",
    "deal_id",
    "lead_id",
    "organization_id",
    "stage_id",
)
STATUSES = {"open", "won", "lost", "deleted"}
MOST, USUALLY = 500, 100  # records on a page
IDS_MOST = 100
KEPT = 30 * 24 * 3600  # seconds that deleted records are kept
SORTED_BY = ("id", "update_time", "add_time")


@dataclass(frozen=True)
class ResourceRequest:
    """A call within a company, about one kind of records."""

    company: Company
    kind: Kind
    records: Records
    at: float
    query: Mapping[str, str]
    body: Any
    is_archive: bool = False  # of deals, whose lists have either archived ones or the others


def me(company: Company) -> ApiResponse:
    return ApiResponse(
        200,
        {
            "success": True,
            "data": {
                "id": company.user_id,
                "name": company.user,
                "email": company.email,
                "active_flag": True,
                "is_admin": 1,
                "default_currency": company.currency,
                "locale": "en_US",
                "timezone_name": "Europe/Tallinn",
                "company_id": int(company.company),
                "company_name": company.title,
                "company_domain": company.host,
                "company_country": "EE",
                "language": {"language_code": "en", "country_code": "US"},
            },
        },
    )


def create(request: ResourceRequest) -> ApiResponse:
    row = request.records.create(request.company, request.kind, request.body, request.at)
    return ApiResponse(
        200 if request.kind.strict else 201,
        {"success": True, "data": build_shown_record(request.kind, row)},
    )


def read(request: ResourceRequest, id: str) -> ApiResponse:
    row = request.records.read(request.company, request.kind, id)
    return ApiResponse(200, {"success": True, "data": build_shown_record(request.kind, row)})


def update(request: ResourceRequest, id: str) -> ApiResponse:
    row = request.records.update(request.company, request.kind, id, request.body, request.at)
    return ApiResponse(200, {"success": True, "data": build_shown_record(request.kind, row)})


def delete(request: ResourceRequest, id: str) -> ApiResponse:
    request.records.delete(request.company, request.kind, id, request.at)
    if request.kind.path == "notes":
        return ApiResponse(200, {"success": True, "data": True})
    return ApiResponse(
        200, {"success": True, "data": {"id": id if request.kind.path == "leads" else int(id)}}
    )


def list_all(request: ResourceRequest) -> ApiResponse:
    if request.kind.strict:
        return ApiResponse(200, {"success": True, **by_cursor(request)})
    is_wanted = filter_of(request)
    rows = [row for row in request.records.all(request.company, request.kind) if is_wanted(row)]
    return ApiResponse(200, {"success": True, **by_offset(request, rows)})


def moment(request: ResourceRequest, name: str) -> str:
    text = request.query.get(name, "")
    if text and not (MOMENT.fullmatch(text) and text.endswith("Z")):
        raise invalid(request.kind, f"{name}: {text} is not a valid datetime")
    return text


def by_cursor(request: ResourceRequest) -> dict[str, Any]:
    """A page of v2: sorted by `sort_by` and then by id, from behind the cursor."""
    limit, statuses = limit_of(request), statuses_of(request)
    is_wanted = filter_of(request)
    records: list[Record] = []
    order = Order.of(request)
    for row in candidates(request, order):
        if is_wanted(row) and has_status(row, statuses, request.at):
            records.append(row)
        if len(records) > limit:
            break
    following = order.cursor_behind(records[limit - 1]) if len(records) > limit else None
    data = [build_shown_record(request.kind, row) for row in records[:limit]]
    return {"data": data, "additional_data": {"next_cursor": following}}


def candidates(request: ResourceRequest, order: "Order") -> Iterable[Record]:
    records = request.records.sorted(request.company, request.kind)
    if "ids" not in request.query:
        return records.in_order(order.field, descending=order.descending, after=order.after)
    ids = set(request.query["ids"].split(","))
    if len(ids) > IDS_MOST:
        raise invalid(request.kind, f"ids: must contain less than or equal to {IDS_MOST} items")
    rows = records.having(ids)
    rows.sort(key=lambda row: place_of(row, order.field), reverse=order.descending)
    return [row for row in rows if order.is_behind(row)]


def filter_of(request: ResourceRequest) -> Callable[[Record], bool]:
    """Whether a record is wanted; the parameters are read once for all of them."""
    filters = {name: request.query[name] for name in FILTERS if name in request.query}
    since, until = moment(request, "updated_since"), moment(request, "updated_until")

    def is_wanted(row: Record) -> bool:
        changed = row["update_time"]
        if request.kind.path == "deals" and bool(row["is_archived"]) != request.is_archive:
            return False
        if (since and changed < since) or (until and changed >= until):
            return False
        return all(name not in row or str(row[name]) == want for name, want in filters.items())

    return is_wanted


def statuses_of(request: ResourceRequest) -> set[str]:
    """Return the requested states of deals; by default all except deleted ones."""
    text = request.query.get("status", "") if request.kind.path == "deals" else ""
    statuses = {status for status in text.split(",") if status}
    if unknown := statuses - STATUSES:
        raise invalid(request.kind, f"status: {min(unknown)} is not allowed")
    return statuses


def has_status(row: Record, statuses: set[str], at: float) -> bool:
    """Deleted deals are listed on demand, for 30 days; other deleted records are not."""
    if row["is_deleted"]:
        deleted_at = datetime.fromisoformat(row["update_time"]).timestamp()
        return "deleted" in statuses and deleted_at > at - KEPT
    return not statuses or row["status"] in statuses


@dataclass(frozen=True)
class Order:
    """How a list of v2 is sorted, and the position after which a page begins."""

    field: str
    descending: bool
    after: Place | None

    @classmethod
    def of(cls, request: ResourceRequest) -> "Order":
        field = request.query.get("sort_by") or "id"
        allowed = (*SORTED_BY, *(["due_date"] if request.kind.path == "activities" else []))
        if field not in allowed:
            raise invalid(request.kind, f"sort_by: must be one of {', '.join(allowed)}")
        direction = request.query.get("sort_direction") or "asc"
        if direction not in ("asc", "desc"):
            raise invalid(request.kind, "sort_direction: must be one of asc, desc")
        return cls(field, direction == "desc", parse_cursor(request, field, direction))

    def cursor_behind(self, row: Record) -> str:
        direction = "desc" if self.descending else "asc"
        place = [self.field, direction, *place_of(row, self.field)]
        return base64.b64encode(json.dumps(place).encode()).decode()

    def is_behind(self, row: Record) -> bool:
        place = place_of(row, self.field)
        if self.after is None:
            return True
        return place < self.after if self.descending else place > self.after


def parse_cursor(request: ResourceRequest, field: str, direction: str) -> Place | None:
    if not request.query.get("cursor"):
        return None
    try:
        sorted_by, towards, value, id = json.loads(base64.b64decode(request.query["cursor"]))
        if (sorted_by, towards) != (field, direction):
            raise ValueError("of another order")
        return str(value), int(id)
    except (ValueError, LookupError, TypeError) as error:
        raise Refusal(400, "Invalid cursor") from error


def by_offset(request: ResourceRequest, rows: list[Record]) -> dict[str, Any]:
    """Return a page by offset; notes state it under `pagination`, leads beside it (both were
    seen).
    """
    start, limit = number(request, "start", 0), limit_of(request)
    more = len(rows) > start + limit
    pagination = {"start": start, "limit": limit, "more_items_in_collection": more}
    pagination |= {"next_start": start + limit} if more else {}
    data = [build_shown_record(request.kind, row) for row in rows[start : start + limit]]
    return {
        "data": data,
        "additional_data": {"pagination": pagination}
        if request.kind.path == "notes"
        else pagination,
    }


def limit_of(request: ResourceRequest) -> int:
    return max(1, min(number(request, "limit", USUALLY), MOST))


def number(request: ResourceRequest, name: str, usually: int) -> int:
    text = request.query.get(name, str(usually))
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise invalid(request.kind, f"{name}: must be of type integer")
    return int(text)


def build_shown_record(kind: Kind, row: Record) -> Record:
    """Return a record as the API shows it; in v1 custom fields are among the other fields."""
    if kind.strict:
        return row
    others: dict[str, Any] = {
        name: value for name, value in row.items() if name not in ("custom_fields", "is_deleted")
    }
    return {**others, **row["custom_fields"]}
