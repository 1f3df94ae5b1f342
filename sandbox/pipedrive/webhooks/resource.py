"""The resource /api/v1/webhooks: list, create, delete; there is no update."""

from sandbox.pipedrive.accounts import Company
from sandbox.pipedrive.checks import Refusal
from sandbox.pipedrive.webhooks.registry import Webhooks, shown_webhook
from sandbox.system import ApiRequest, ApiResponse

COSTS = {"GET": "short list", "POST": "write", "DELETE": "delete"}  # of v1: 10, 10 and 6 tokens
SCOPE = "admin"


def answer_webhooks(
    webhooks: Webhooks, company: Company, call: ApiRequest, id: str | None
) -> ApiResponse:
    """An app sees and deletes only what it made itself. Raises Refusal."""
    if call.method == "POST" and id is None:
        row = webhooks.create(company, call.json(), call.at, kind="application")
        return ApiResponse(201, {"success": True, "status": "ok", "data": shown_webhook(row)})
    if call.method == "GET" and id is None:
        rows = [
            shown_webhook(row, is_banned=webhooks.is_banned(row))
            for row in webhooks.of(company)
            if row["type"] == "application"
        ]
        return ApiResponse(200, {"success": True, "status": "ok", "data": rows})
    if call.method == "DELETE" and id is not None:
        row_found = webhooks.find(company, id)
        if row_found is None:
            raise Refusal(404, "Webhook not found")
        if row_found["type"] != "application":
            message = "The requested webhook does not belong to this app"
            raise Refusal(403, "Forbidden", message=message)
        webhooks.delete(row_found)
        return ApiResponse(200, {"success": True, "status": "ok"})
    raise Refusal(405, "Method not allowed")
