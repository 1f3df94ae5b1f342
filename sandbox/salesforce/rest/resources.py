"""The resources of the REST API that concern one record, one object or one query."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any

from sandbox.salesforce.accounts import Org, username
from sandbox.salesforce.checks import Refusal
from sandbox.salesforce.describe.descriptions import describe_listed, describe_object
from sandbox.salesforce.ids import long
from sandbox.salesforce.records import Record, Records
from sandbox.salesforce.schema import ORGANIZATION, USER, Field, Object
from sandbox.salesforce.soql.conditions import parse_moment
from sandbox.system import ApiResponse

CREATED = {"success": True, "errors": []}


class Locators:
    """Queries that are not read to their end."""

    def __init__(self) -> None:
        self._left: dict[str, list[Record]] = {}

    def open(self, records: list[Record]) -> str:
        name = f"01g{len(self._left):012d}AAA"
        self._left[name] = records
        return name

    def read(self, name: str) -> list[Record]:
        if name not in self._left:
            raise Refusal(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
        return self._left[name]


@dataclass(frozen=True)
class RestRequest:
    """A call within an org's session; `root` is the path of the API version."""

    org: Org
    objects: dict[str, Object]
    records: Records
    locators: Locators
    root: str
    at: float
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: Any
    remaining: int
    text: str = ""  # the body where it is no JSON

    def kind(self, name: str) -> Object:
        if name.lower() not in self.objects:
            raise Refusal(404, "NOT_FOUND", "The requested resource does not exist")
        return self.objects[name.lower()]

    def key(self, kind: Object, name: str) -> Field:
        field = kind.field(name)
        if field is None or not field.external_id:
            message = f"Provided external ID field does not exist or is not accessible: {name}"
            raise Refusal(404, "NOT_FOUND", message)
        return field

    def url(self, kind: Object, id: str) -> str:
        return f"{self.root}/sobjects/{kind.name}/{id}"

    def shown(self, kind: Object, row: Record, names: list[str]) -> Record:
        return {"attributes": {"type": kind.name, "url": self.url(kind, row["Id"])}} | {
            n: row.get(n) for n in names
        }

    def rows(self, kind: Object, *, deleted: bool) -> list[Record]:
        if kind is ORGANIZATION:
            return [organization(self.org)]
        if kind is USER:
            planted = {row["Id"]: row for row in self.records.all(self.org, kind)}
            return list({long(self.org.user): user(self.org), **planted}.values())
        return self.records.all(self.org, kind, deleted=deleted)

    def with_body(self, body: Any) -> "RestRequest":
        return replace(self, body=body)


FIRST_DAY = "2025-01-01T00:00:00.000+0000"


def organization(org: Org) -> Record:
    """Return the record of the org itself, which everyone with API access may read."""
    return {"Id": long(org.org), "Name": org.title, "IsSandbox": org.sandbox}


def user(org: Org) -> Record:
    name = username(org)
    times = dict.fromkeys(("CreatedDate", "LastModifiedDate", "SystemModstamp"), FIRST_DAY)
    return times | {
        "Id": long(org.user),
        "Username": name,
        "Email": name,
        "Name": "Hub",
        "LastName": "Hub",
        "FirstName": None,
        "Alias": "hub",
        "FederationIdentifier": None,
        "IsActive": True,
        "UserType": "Standard",
    }


def list_resources(request: RestRequest) -> ApiResponse:
    """The resources, and who calls: its identity URL."""
    org = request.org
    identity = f"https://login.salesforce.com/id/{long(org.org)}/{long(org.user)}"
    names = ("sobjects", "query", "queryAll", "limits", "composite")
    return ApiResponse(
        200, {"identity": identity} | {name: f"{request.root}/{name}" for name in names}
    )


def limits(request: RestRequest) -> ApiResponse:
    daily = {"Max": request.org.daily_limit, "Remaining": request.remaining}
    return ApiResponse(
        200,
        {
            "DailyApiRequests": daily,
            "DailyBulkV2QueryJobs": {
                "Max": request.org.daily_jobs,
                "Remaining": request.org.daily_jobs,
            },
        },
    )


def list_objects(request: RestRequest) -> ApiResponse:
    matches = [describe_listed(kind, request.root) for kind in request.objects.values()]
    return ApiResponse(200, {"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": matches})


def read_object(request: RestRequest, name: str) -> ApiResponse:
    """What an object is, and records of it that the user saw last: here always none."""
    listed = describe_listed(request.kind(name), request.root)
    return ApiResponse(200, {"objectDescribe": listed, "recentItems": []})


def describe(request: RestRequest, name: str) -> ApiResponse:
    return ApiResponse(200, describe_object(request.kind(name), request.root))


def create(request: RestRequest, name: str) -> ApiResponse:
    kind = request.kind(name)
    id = request.records.create(request.org, kind, request.body, request.at)
    return ApiResponse(201, {"id": id, **CREATED}, {"Location": request.url(kind, id)})


def read(request: RestRequest, name: str, id: str) -> ApiResponse:
    kind = request.kind(name)
    row = request.records.read(request.org, kind, id)
    names = (
        request.query["fields"].split(",")
        if "fields" in request.query
        else [f.name for f in kind.fields.values()]
    )
    return ApiResponse(200, request.shown(kind, row, check_field_names(kind, names)))


def read_by_key(request: RestRequest, name: str, field: str, value: str) -> ApiResponse:
    kind = request.kind(name)
    matches = request.records.found(request.org, kind, request.key(kind, field).name, value)
    if len(matches) > 1:
        return build_ambiguous_answer(request, kind, matches)
    if not matches:
        raise Refusal(404, "NOT_FOUND", "The requested resource does not exist")
    return read(request, name, matches[0]["Id"])


def update(request: RestRequest, name: str, id: str) -> ApiResponse:
    kind = request.kind(name)
    if not is_unmodified(request, request.records.read(request.org, kind, id)):
        return ApiResponse(412)
    request.records.update(request.org, kind, id, request.body, request.at)
    return ApiResponse(204)


def is_unmodified(request: RestRequest, row: Record) -> bool:
    """Whether If-Unmodified-Since holds, which is compared with the last change to the second.

    An invalid value is refused with 400.
    https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/
    intro_rest_conditional_requests.htm (2026-11)
    """
    text = request.headers.get("If-Unmodified-Since")
    if text is None:
        return True
    try:
        since = parsedate_to_datetime(text)
    except ValueError:
        message = "invalid date in If-Unmodified-Since"
        raise Refusal(400, "INVALID_HEADER", message) from None
    changed = parse_moment(row["LastModifiedDate"]).replace(microsecond=0)
    return changed <= (since if since.tzinfo else since.replace(tzinfo=UTC))


def delete(request: RestRequest, name: str, id: str) -> ApiResponse:
    request.records.delete(request.org, request.kind(name), id, request.at)
    return ApiResponse(204)


def upsert(request: RestRequest, name: str, field: str, value: str) -> ApiResponse:
    kind = request.kind(name)
    if field.lower() == "id":
        return update(request, name, value)
    key = request.key(kind, field)
    matches = request.records.found(request.org, kind, key.name, value)
    if len(matches) > 1:
        return build_ambiguous_answer(request, kind, matches)
    if isinstance(request.body, dict) and key.name in request.body:
        message = f"The {key.name} field should not be specified in the sobject data."
        raise Refusal(400, "INVALID_FIELD", message, [key.name])
    if matches:
        request.records.update(request.org, kind, matches[0]["Id"], request.body, request.at)
        return ApiResponse(200, {"id": matches[0]["Id"], **CREATED, "created": False})
    if request.query.get("updateOnly") == "true":
        raise Refusal(404, "NOT_FOUND", "The requested resource does not exist")
    body = {**request.body, key.name: value} if isinstance(request.body, dict) else None
    id = request.records.create(request.org, kind, body, request.at)
    return ApiResponse(
        201, {"id": id, **CREATED, "created": True}, {"Location": request.url(kind, id)}
    )


def build_ambiguous_answer(
    request: RestRequest, kind: Object, matches: list[Record]
) -> ApiResponse:
    return ApiResponse(300, [request.url(kind, row["Id"]) for row in matches])


def check_field_names(kind: Object, names: list[str]) -> list[str]:
    for name in names:
        if kind.field(name.strip()) is None:
            message = f"No such column '{name}' on entity '{kind.name}'."
            raise Refusal(400, "INVALID_FIELD", message)
    return [field.name for name in names if (field := kind.field(name.strip()))]
