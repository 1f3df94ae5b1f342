"""The Tooling API over REST: `/tooling/sobjects/…` and `/tooling/query` of messages and flows."""

import re
from typing import Any
from urllib.parse import unquote

from sandbox.salesforce.accounts import Org
from sandbox.salesforce.checks import Refusal
from sandbox.salesforce.outbound.metadata import PREFIXES, OrgMetadata, Row
from sandbox.salesforce.soql.parser import parse
from sandbox.system import ApiRequest, ApiResponse

PATH = re.compile(r"/tooling/(?:(?P<query>query)|sobjects/(?P<kind>\w+)(?:/(?P<id>\w+))?)")
WHOLE = ("FullName", "Metadata")  # a query returns them of one record only
NOT_FOUND = Refusal(404, "NOT_FOUND", "The requested resource does not exist")


def answer_tooling(metadata: OrgMetadata, org: Org, call: ApiRequest, path: str) -> ApiResponse:
    """`path` begins with /tooling. Raises Refusal."""
    match = PATH.fullmatch(path)
    if match is None:
        raise NOT_FOUND
    if not org.customize_application:
        message = "insufficient access rights on object id"
        raise Refusal(403, "INSUFFICIENT_ACCESS", message)
    if match["query"]:
        return query(metadata, org, call)
    kind = next((name for name in PREFIXES if name.lower() == match["kind"].lower()), None)
    if kind is None:
        raise NOT_FOUND
    root = call.url.split("/tooling/")[0]
    if match["id"] is None:
        return create(metadata, org, kind, call)
    return change(metadata, org, kind, unquote(match["id"]), call, root)


def create(metadata: OrgMetadata, org: Org, kind: str, call: ApiRequest) -> ApiResponse:
    if call.method != "POST":
        raise Refusal(405, "METHOD_NOT_ALLOWED", f"HTTP Method '{call.method}' not allowed.")
    row = metadata.create(org, kind, call.json())
    answer: Row = {"id": row["Id"], "success": True, "errors": [], "warnings": [], "infos": []}
    return ApiResponse(201, answer)


def change(
    metadata: OrgMetadata, org: Org, kind: str, id: str, call: ApiRequest, root: str
) -> ApiResponse:
    if call.method == "GET":
        row = metadata.read(org, kind, id)
        url = f"{root}/tooling/sobjects/{kind}/{row['Id']}"
        return ApiResponse(200, {"attributes": {"type": kind, "url": url}, **row})
    if call.method == "PATCH":
        metadata.change(org, kind, id, call.json())
    elif call.method == "DELETE":
        metadata.delete(org, kind, id)
    else:
        raise Refusal(405, "METHOD_NOT_ALLOWED", f"HTTP Method '{call.method}' not allowed.")
    return ApiResponse(204)


def query(metadata: OrgMetadata, org: Org, call: ApiRequest) -> ApiResponse:
    """SOQL over one kind; every field of a kind is text, number or boolean."""
    parsed = parse(call.query.get("q", ""))
    kind = next((name for name in PREFIXES if name.lower() == parsed.object.lower()), None)
    if kind is None:
        message = f"sObject type '{parsed.object}' is not supported."
        raise Refusal(400, "INVALID_TYPE", message)
    rows = parsed.of(metadata.all(org, kind))
    if len(rows) > 1 and set(WHOLE) & set(parsed.fields):
        message = (
            "When retrieving results with Metadata or FullName fields, the query qualifications "
            "must specify no more than one row for retrieval."
        )
        raise Refusal(400, "MALFORMED_QUERY", message)
    if not parsed.fields:
        return ApiResponse(200, {"totalSize": len(rows), "done": True, "records": []})
    root = call.url.split("/tooling/")[0]
    records = [record(kind, row, parsed.fields, root) for row in rows]
    answer: dict[str, Any] = {
        "size": len(records),
        "totalSize": len(records),
        "done": True,
        "entityTypeName": kind,
        "records": records,
    }
    return ApiResponse(200, answer)


def record(kind: str, row: Row, fields: list[str], root: str) -> Row:
    url = f"{root}/tooling/sobjects/{kind}/{row['Id']}"
    if unknown := [name for name in fields if name not in row]:
        message = f"No such column '{unknown[0]}' on entity '{kind}'."
        raise Refusal(400, "INVALID_FIELD", message)
    return {"attributes": {"type": kind, "url": url}} | {name: row[name] for name in fields}
