"""Many in one call: collections of records, and composite requests; each counts as one call of the
org.
"""

import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from sandbox.salesforce.checks import MalformedRequest, Refusal
from sandbox.salesforce.rest import resources
from sandbox.salesforce.rest.resources import RestRequest
from sandbox.system import ApiResponse

MOST_RECORDS, MOST_REQUESTS = 200, 25
REFERENCE = re.compile(r"@\{([A-Za-z0-9_]+)\.([A-Za-z0-9_.]+)\}")
ROLLED_BACK = Refusal(
    400,
    "ALL_OR_NONE_OPERATION_ROLLED_BACK",
    "Record rolled back because not all records were valid and the request was using AllOrNone "
    "header",
)
HALTED = Refusal(
    400,
    "PROCESSING_HALTED",
    "The transaction was rolled back since another operation in the same transaction failed.",
)


def create(request: RestRequest) -> ApiResponse:
    return answer_each(
        request,
        records_of(request),
        lambda one, record: resources.create(one, type_of(one, record)),
    )


def update(request: RestRequest) -> ApiResponse:
    def change(one: RestRequest, record: Any) -> ApiResponse:
        fields = {name: value for name, value in record.items() if name.lower() != "id"}
        id = str(record.get("id") or record.get("Id") or "")
        if not id:
            raise Refusal(400, "MISSING_ARGUMENT", "Id not specified in an update call", ["Id"])
        resources.update(one.with_body(fields), type_of(one, record), id)
        return ApiResponse(200, {"id": id, "success": True, "errors": []})

    return answer_each(request, records_of(request), change)


def delete(request: RestRequest) -> ApiResponse:
    kinds = {kind.prefix: kind for kind in request.objects.values()}

    def remove(one: RestRequest, id: Any) -> ApiResponse:
        if id[:3] not in kinds:
            raise Refusal(400, "MALFORMED_ID", f"malformed id {id}")
        resources.delete(one, kinds[id[:3]].name, id)
        return ApiResponse(200, {"id": id, "success": True, "errors": []})

    ids = request.query.get("ids", "").split(",")
    whole = request.query.get("allOrNone", "false").lower() == "true"
    return answer_each(request.with_body({"allOrNone": whole}), ids, remove)


def upsert(request: RestRequest, name: str, field: str) -> ApiResponse:
    def write(one: RestRequest, record: Any) -> ApiResponse:
        if type_of(one, record).lower() != name.lower():
            raise Refusal(400, "INVALID_TYPE", f"{type_of(one, record)} in a collection of {name}")
        by_key = {key.lower(): value for key, value in record.items()}
        if by_key.get(field.lower()) in (None, ""):
            raise Refusal(400, "MISSING_ARGUMENT", f"{field} not specified", [field])
        if times[key_of(record, field)] > 1:
            message = f"Duplicate external id specified: {by_key[field.lower()]}"
            raise Refusal(400, "DUPLICATE_VALUE", message, [field])
        other_fields = {key: value for key, value in record.items() if key.lower() != field.lower()}
        answer = resources.upsert(
            one.with_body(other_fields), name, field, str(by_key[field.lower()])
        )
        if answer.status == 300:
            raise Refusal(
                300,
                "DUPLICATE_EXTERNAL_ID",
                f"{field}: more than one record found for external id field",
            )
        return answer

    request.key(request.kind(name), field)
    records = records_of(request)
    times = Counter(key_of(record, field) for record in records)
    return answer_each(request, records, write)


def key_of(record: dict[str, Any], field: str) -> str:
    """Its external id as Salesforce compares it: without regard to case."""
    return next(
        (str(value).lower() for name, value in record.items() if name.lower() == field.lower()), ""
    )


def answer_each(
    request: RestRequest, items: list[Any], work: Callable[[RestRequest, Any], ApiResponse]
) -> ApiResponse:
    """Return 200 with an entry for each item, in order.

    With allOrNone a failure fails the others, too; an unreadable item always does.
    """
    if len(items) > MOST_RECORDS:
        message = (
            f"record limit reached. cannot submit more than {MOST_RECORDS} records in this call"
        )
        raise Refusal(400, "EXCEEDED_MAX_SIZE_REQUEST", message)
    mark = request.records.mark()
    results = []
    for item in items:
        try:
            results.append(work(request.with_body(item), item).body)
        except MalformedRequest:
            request.records.roll_back(mark)
            raise
        except Refusal as refusal:
            results.append(refusal.of_a_record())
    if request.body.get("allOrNone") is True and not all(result["success"] for result in results):
        request.records.roll_back(mark)
        results = [ROLLED_BACK.of_a_record() if result["success"] else result for result in results]
    return ApiResponse(200, results)


def records_of(request: RestRequest) -> list[Any]:
    records = request.body.get("records") if isinstance(request.body, dict) else None
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        raise MalformedRequest(400, "JSON_PARSER_ERROR", "a list of records is expected")
    return records


def type_of(request: RestRequest, record: dict[str, Any]) -> str:
    attributes = record.get("attributes")
    name = attributes.get("type") if isinstance(attributes, dict) else None
    if not isinstance(name, str):
        raise MalformedRequest(400, "INVALID_TYPE", "the record has no attributes.type")
    if name.lower() not in request.objects:
        raise MalformedRequest(400, "INVALID_TYPE", f"sObject type '{name}' is not supported.")
    return name


def composite(
    request: RestRequest, route: Callable[[RestRequest, str, str], ApiResponse]
) -> ApiResponse:
    """Return 200; errors are in the results of the parts."""
    parts = request.body.get("compositeRequest") if isinstance(request.body, dict) else None
    if not isinstance(parts, list) or not all(isinstance(part, dict) for part in parts):
        raise Refusal(400, "JSON_PARSER_ERROR", "a list of requests is expected")
    if not 0 < len(parts) <= MOST_REQUESTS:
        raise Refusal(
            400, "LIMIT_EXCEEDED", f"compositeRequest holds 1 to {MOST_REQUESTS} requests"
        )
    mark = request.records.mark()
    references: dict[str, Any] = {}
    answers = []
    for part in parts:
        answer = subrequest(request, part, references, route)
        references[part.get("referenceId", "")] = answer.body if answer.status < 300 else None
        answers.append(answer)
    if request.body.get("allOrNone") is True and any(answer.status >= 300 for answer in answers):
        request.records.roll_back(mark)
        answers = [
            answer if answer.status >= 300 else ApiResponse(400, HALTED.body())
            for answer in answers
        ]
    subresponses = [
        build_subresponse(part, answer) for part, answer in zip(parts, answers, strict=True)
    ]
    return ApiResponse(200, {"compositeResponse": subresponses})


def subrequest(
    request: RestRequest,
    part: dict[str, Any],
    references: dict[str, Any],
    route: Callable[..., ApiResponse],
) -> ApiResponse:
    try:
        filled = json.loads(
            REFERENCE.sub(lambda match: value_of(match, references), json.dumps(part))
        )
    except KeyError:
        return ApiResponse(400, HALTED.body())
    url = urlsplit(str(filled.get("url", "")))
    if not url.path.startswith(f"{request.root}/"):
        return ApiResponse(
            404, Refusal(404, "NOT_FOUND", "The requested resource does not exist").body()
        )
    one = replace(request, body=filled.get("body"), query=dict(parse_qsl(url.query)))
    return route(one, str(filled.get("method", "GET")), url.path.removeprefix(request.root))


def value_of(match: re.Match[str], references: dict[str, Any]) -> str:
    value = references[match[1]]
    for step in match[2].split("."):
        if not isinstance(value, dict):
            raise KeyError(match[0])
        value = value[step]
    return json.dumps(str(value))[1:-1]


def build_subresponse(part: dict[str, Any], answer: ApiResponse) -> dict[str, Any]:
    return {
        "body": answer.body or None,
        "httpHeaders": dict(answer.headers),
        "httpStatusCode": answer.status,
        "referenceId": part.get("referenceId", ""),
    }
