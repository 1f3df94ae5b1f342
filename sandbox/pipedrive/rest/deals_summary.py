"""The summary of deals: how many there are in each currency, and what they are worth.

https://developers.pipedrive.com/docs/api/v1/Deals#getDealsSummary (2026-11). Values are not
converted: a company has one currency here for what its default currency is worth. Without deals,
`values_total` is an empty list; that is as PHP writes an empty object, and was not seen.
"""

from typing import Any

from sandbox.pipedrive.accounts import Company
from sandbox.pipedrive.checks import Refusal
from sandbox.pipedrive.kinds import KINDS
from sandbox.pipedrive.records import Record, Records
from sandbox.system import ApiRequest, ApiResponse

PATH = "/api/v1/deals/summary"
COMPARED = {"user_id": "owner_id", "pipeline_id": "pipeline_id", "stage_id": "stage_id"}
STATUSES = ("open", "won", "lost", "deleted", "all_not_deleted")


def answer_summary(company: Company, records: Records, call: ApiRequest) -> ApiResponse:
    status = call.query.get("status", "")
    if status and status not in STATUSES:
        raise Refusal(400, f"status: {status} is not valid")
    deals = [
        deal
        for deal in records.all(company, KINDS["deals"])
        if (status in ("", "all_not_deleted") or deal["status"] == status)
        and all(
            str(deal[field]) == call.query.get(name, str(deal[field]))
            for name, field in COMPARED.items()
        )
    ]
    totals: dict[str, dict[str, Any]] = {}
    for deal in deals:
        add_deal(totals, deal)
    total = sum(one["value"] for one in totals.values())
    data = {
        "values_total": totals or [],
        "weighted_values_total": totals or [],
        "total_count": len(deals),
        "total_currency_converted_value": total,
        "total_weighted_currency_converted_value": total,
        "total_currency_converted_value_formatted": f"{total:,.2f} {company.currency}",
    }
    return ApiResponse(200, {"success": True, "data": data})


def add_deal(totals: dict[str, dict[str, Any]], deal: Record) -> None:
    total = totals.setdefault(deal["currency"], {"value": 0, "count": 0})
    total["value"] = round(total["value"] + (deal["value"] or 0), 2)
    total["count"] += 1
    total["value_converted"] = total["value"]
    total["value_formatted"] = f"{total['value']:,.2f} {deal['currency']}"
