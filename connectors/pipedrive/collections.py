"""Pipedrive: read persons, organizations, deals and activities page by page, by the API v2.

https://developers.pipedrive.com/docs/api/v1/Deals#getDeals and the OpenAPI description of v2
(2026-11). There is no precondition for a write, and only deals can be listed after they were
deleted.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from connectors.http import KIBIBYTE, Request, Response, Unreadable
from connectors.i18n import _
from connectors.outcomes import Outcome, raises_unreadable
from connectors.pipedrive.actions import base_url, build_token_costs
from connectors.pipedrive.errors import find_rejection
from connectors.roles import Collection, Page, parse_instant
from connectors.schema import Credential

PAGE_SIZE = 500  # "a maximum value of 500 is allowed"
PAGE_BYTES = 8 * 1024 * KIBIBYTE
LIST_TOKENS, ARCHIVE_TOKENS = 10, 20  # of the daily budget, whatever the size of the page
# a list of its own since July 2025, and not editable; https://developers.pipedrive.com/changelog
# (2025-04-15: "Archived deals and leads will not be returned in existing endpoints")
ARCHIVED = "archived"
CURSOR_PATTERN = re.compile(r"[A-Za-z0-9+/=_.-]{1,500}", re.ASCII)
IDS_PATTERN = re.compile(r"[0-9]{1,18}(,[0-9]{1,18}){0,99}", re.ASCII)
WITH_DELETED = "open,won,lost,deleted"
SHAPES = ("include_fields", "custom_fields")  # parameters that select fields, not records
ORDERS = ("sort_by", "sort_direction")
SHARED_FILTERS = {"filter_id", "owner_id", "org_id", "deal_id"}
SHARED_FILTERS |= {*SHAPES, *ORDERS}


class PipedriveCollection(Collection):
    """Records of one kind, ordered by id unless `sort_by` is given."""

    filters: frozenset[str]
    example = {"since": "2026-11-25T00:00:00Z"}
    page_size = PAGE_SIZE
    ids_max = 100
    reads_changes = True
    ordered_by_key = True

    def page_request(
        self, credential: Credential, *, at: datetime, cursor: str = "", **query: str
    ) -> Request:
        """Build the request for a page. Raises ValueError with a text for an invalid parameter."""
        if cursor and not CURSOR_PATTERN.fullmatch(cursor):
            raise ValueError("the cursor is not one of Pipedrive's")
        part = query.pop("part", "")
        if part not in ("", *self.parts):
            raise ValueError(f"{self.key} has no part {part[:80]}")
        path = f"{self.key}/{ARCHIVED}" if part == ARCHIVED else self.key
        parameters = self.build_parameters(**query) | ({"cursor": cursor} if cursor else {})
        return Request(
            "GET",
            f"{base_url(credential)}/api/v2/{path}?{urlencode(parameters)}",
            bearer=credential.access_token,
            spends=build_token_costs(ARCHIVE_TOKENS if part == ARCHIVED else LIST_TOKENS),
            response_bytes_max=PAGE_BYTES,
        )

    def build_parameters(
        self,
        *,
        since: str = "",
        until: str = "",
        deleted: str = "",
        ids: str = "",
        page_size: str = "",
        **filters: str,
    ) -> dict[str, str]:
        """Build the query without its cursor. Raises ValueError for an invalid parameter."""
        if unknown := sorted(set(filters) - self.filters):
            raise ValueError(f"{self.key} cannot be filtered by {unknown[0][:80]}")
        if ids and not IDS_PATTERN.fullmatch(ids):
            raise ValueError("ids are up to 100 numbers")
        if deleted == "true" and self.reads_deleted:
            filters = {"status": WITH_DELETED} | filters
        parameters = {
            "limit": page_size or str(self.page_size),
            "updated_since": format_time(since) if since else "",
            "updated_until": format_time(until) if until else "",
            "ids": ids,
        }
        given_parameters = {name: value for name, value in parameters.items() if value}
        return {"sort_by": "id", "sort_direction": "asc"} | filters | given_parameters

    def find_queries(
        self, query: Mapping[str, str], field: str, values: Sequence[str], *, since: str, type: str
    ) -> Sequence[Mapping[str, str]]:
        """Return one read of what has changed, or of everything: searches have an index of their
        own, cost more tokens, find no custom fields of some types, and no activities.
        """
        return [{name: query[name] for name in SHAPES if name in query} | {"since": since}]

    def required_values(self, query: Mapping[str, str]) -> Mapping[str, str | int | bool]:
        return {
            name: parse_condition(name, value)
            for name, value in query.items()
            if name in self.filters and name not in (*SHAPES, *ORDERS)
        }

    @raises_unreadable
    def parse_page(self, response: Response) -> Page | Outcome:
        if rejection := find_rejection(response):
            return rejection
        answer = response.json()
        records, cursor = answer["data"], answer["additional_data"]["next_cursor"]
        if answer["success"] is not True or not isinstance(records, list):
            raise Unreadable("not a page of records")
        if not isinstance(cursor, str | None) or (cursor and not CURSOR_PATTERN.fullmatch(cursor)):
            raise Unreadable("next_cursor is not a cursor")
        return Page(records, cursor or "")

    def record_id(self, record: Mapping[str, Any]) -> str:
        return str(record["id"])

    def changed_at(self, record: Mapping[str, Any]) -> datetime | None:
        return parse_instant(record.get("update_time"))

    def is_deleted(self, record: Mapping[str, Any]) -> bool:
        return record.get("is_deleted") is True


def parse_condition(name: str, value: str) -> str | int | bool:
    """Return the value of a filter as a write takes it; of several statuses the first."""
    if name == "done":
        return value in ("1", "true")
    return int(value) if value.isdecimal() else value.partition(",")[0]


def format_time(value: str) -> str:
    """Convert an ISO 8601 time to what Pipedrive accepts: UTC, whole seconds. Raises ValueError."""
    instant = parse_instant(value)
    if instant is None:
        raise ValueError("a time must be ISO 8601 with its UTC offset")
    return f"{instant:%Y-%m-%dT%H:%M:%SZ}"


class Persons(PipedriveCollection):
    """Persons that exist. Deleted persons are not listed, so a read cannot detect a deletion."""

    key = "persons"
    label = _("Persons")
    help = (
        "Deleted ones count as missing. "
        "Parameters: since, until, ids, filter_id, owner_id, org_id, deal_id, sort_by."
    )
    filters = frozenset(SHARED_FILTERS)


class Organizations(PipedriveCollection):
    key = "organizations"
    label = _("Organizations")
    help = (
        "Deleted ones count as missing. "
        "Parameters: since, until, ids, filter_id, owner_id, sort_by."
    )
    filters = frozenset(SHARED_FILTERS - {"org_id", "deal_id"})


class Deals(PipedriveCollection):
    key = "deals"
    label = _("Deals")
    help = (
        "Deals, also archived ones. Parameters: since, until, deleted (in the last 30 days), "
        "ids, filter_id, owner_id, person_id, org_id, pipeline_id, stage_id, status, sort_by."
    )
    filters = frozenset(SHARED_FILTERS - {"deal_id"}) | {
        "person_id",
        "pipeline_id",
        "stage_id",
        "status",
    }
    parts = ("listed", ARCHIVED)
    reads_deleted = True


class Activities(PipedriveCollection):
    key = "activities"
    label = _("Activities")
    help = (
        "Parameters: since, until, ids, filter_id, owner_id, person_id, org_id, deal_id, lead_id, "
        "done, sort_by (id, update_time, add_time or due_date)."
    )
    filters = frozenset(SHARED_FILTERS) | {"person_id", "lead_id", "done"}


COLLECTIONS = (Persons(), Organizations(), Deals(), Activities())
