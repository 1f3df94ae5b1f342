"""Lists of the API v2 that are no lists of records: pipelines, stages, fields, and searches."""

from collections.abc import Callable
from typing import NamedTuple

from sandbox.pipedrive.accounts import Company
from sandbox.pipedrive.fields.field_lists import FIELD_LISTS, list_fields
from sandbox.pipedrive.kinds import KINDS
from sandbox.pipedrive.pipelines import pipelines, stages
from sandbox.pipedrive.records import Records
from sandbox.pipedrive.rest.resources import ResourceRequest
from sandbox.pipedrive.rest.search import FIELDS as SEARCH_FIELDS
from sandbox.pipedrive.rest.search import ITEM_SEARCH, item_kinds, search, search_scopes
from sandbox.system import ApiRequest, ApiResponse

SHORT_LISTS = {"pipelines": pipelines, "stages": stages}


class ListResource(NamedTuple):
    """What a list costs as, the scopes of which one is needed, and what answers it."""

    costs_as: str
    scopes: Callable[[str], set[str]]  # of its path
    does: Callable[[Company, Records, ApiRequest, str], ApiResponse]


def find_list(path: str, id: str | None) -> ListResource | None:
    if (id == "search" and path in SEARCH_FIELDS) or (path == ITEM_SEARCH and not id):
        return SEARCH
    if id:
        return None
    if path in SHORT_LISTS:
        return SHORT_LIST
    return FIELD_LIST if path in FIELD_LISTS else None


def list_short(company: Company, records: Records, call: ApiRequest, path: str) -> ApiResponse:
    rows = SHORT_LISTS[path](company)
    if path == "stages" and (pipeline := call.query.get("pipeline_id")):
        rows = [row for row in rows if str(row["pipeline_id"]) == pipeline]
    more = {"next_cursor": None}
    return ApiResponse(200, {"success": True, "data": rows, "additional_data": more})


def field_scopes(path: str) -> set[str]:
    scope = KINDS[FIELD_LISTS[path]].scope
    return {f"{scope}:full", f"{scope}:read", "admin"}


def list_all_fields(company: Company, records: Records, call: ApiRequest, path: str) -> ApiResponse:
    return ApiResponse(200, list_fields(company, FIELD_LISTS[path], call.query))


def search_records(company: Company, records: Records, call: ApiRequest, path: str) -> ApiResponse:
    kind = KINDS.get(path, KINDS["deals"])
    request = ResourceRequest(company, kind, records, call.at, call.query, None)
    return search(request, item_kinds(request) if path == ITEM_SEARCH else [kind])


SHORT_LIST = ListResource("short list", lambda path: {"deals:full", "deals:read"}, list_short)
FIELD_LIST = ListResource("list", field_scopes, list_all_fields)
SEARCH = ListResource("search", search_scopes, search_records)
