"""Search of the API v2: records of one kind or of several, by a term in their texts.

https://developers.pipedrive.com/docs/api/v1/ItemSearch (2026-11). How Pipedrive scores results is
not documented: what equals the term comes first here, then what begins with it.
"""

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sandbox.pipedrive.checks import Refusal
from sandbox.pipedrive.kinds import KINDS, Kind
from sandbox.pipedrive.records import Record, Records
from sandbox.pipedrive.rest.resources import ResourceRequest, limit_of
from sandbox.system import ApiResponse

ITEM_SEARCH = "itemSearch"  # the path of a search of several kinds
TYPES = {"person": "persons", "organization": "organizations", "deal": "deals", "lead": "leads"}
FIELDS = {  # of each kind, what `fields` may name
    "persons": ("name", "email", "phone", "notes", "custom_fields"),
    "organizations": ("name", "address", "notes", "custom_fields"),
    "deals": ("title", "notes", "custom_fields"),
    "leads": ("title", "notes", "custom_fields"),
}
SHORTEST, SHORTEST_EXACT = 2, 1  # characters of a term


@dataclass(frozen=True)
class Term:
    text: str  # in lower case
    is_exact: bool
    fields: frozenset[str]  # empty: all

    def score(self, kind: Kind, row: Record) -> float:
        """0: it is not found."""
        return max((self._score(text) for text in texts(kind, row, self.fields)), default=0.0)

    def _score(self, text: str) -> float:
        text = text.lower()
        if text == self.text:
            return 1.0
        if self.is_exact or self.text not in text:
            return 0.0
        return 0.5 if text.startswith(self.text) else 0.25


def texts(kind: Kind, row: Record, fields: frozenset[str]) -> Iterator[str]:
    """The texts of a record that a search reads, of these fields."""
    texts_by_field: dict[str, list[Any]] = {
        kind.title: [row[kind.title]],
        "email": [entry["value"] for entry in row.get("emails") or []],
        "phone": [entry["value"] for entry in row.get("phones") or []],
        "address": [(row.get("address") or {}).get("value")],
        "custom_fields": list(row["custom_fields"].values()),
    }
    for name in FIELDS[kind.path]:
        if not fields or name in fields:
            yield from (str(value) for value in texts_by_field.get(name, []) if value is not None)


def search(request: ResourceRequest, kinds: list[Kind]) -> ApiResponse:
    """Answer a page of results. Raises Refusal."""
    term = parse_term(request, kinds)
    scored = [
        (score, kind, row)
        for kind in kinds
        for row in request.records.all(request.company, kind)
        if is_related(request, row) and (score := term.score(kind, row))
    ]
    scored.sort(key=lambda match: (-match[0], match[1].path, str(match[2]["id"])))
    start, limit = position_of(request), limit_of(request)
    page = scored[start : start + limit]
    items = [
        {"result_score": score, "item": found_item(request, kind, row)} for score, kind, row in page
    ]
    end = str(start + limit).encode()
    following = base64.b64encode(end).decode() if len(scored) > start + limit else None
    return ApiResponse(
        200,
        {
            "success": True,
            "data": {"items": items},
            "additional_data": {"next_cursor": following},
        },
    )


def parse_term(request: ResourceRequest, kinds: list[Kind]) -> Term:
    text = request.query.get("term", "").strip()
    is_exact = request.query.get("exact_match", "false").lower() in ("true", "1")
    shortest = SHORTEST_EXACT if is_exact else SHORTEST
    if len(text) < shortest:
        raise refuse(f"term: must be at least {shortest} characters long")
    fields = frozenset(name for name in request.query.get("fields", "").split(",") if name)
    allowed = {name for kind in kinds for name in FIELDS[kind.path]}
    if unknown := fields - allowed:
        raise refuse(f"fields: {min(unknown)} is not allowed")
    return Term(text.lower(), is_exact, fields)


def position_of(request: ResourceRequest) -> int:
    """How many results the pages before had. Raises Refusal."""
    try:
        return int(base64.b64decode(request.query.get("cursor", ""), validate=True) or 0)
    except ValueError as error:
        raise Refusal(400, "Invalid cursor") from error


def is_related(request: ResourceRequest, row: Record) -> bool:
    field_by_parameter = {"person_id": "person_id", "organization_id": "org_id", "status": "status"}
    return all(
        str(row.get(field)) == request.query[name]
        for name, field in field_by_parameter.items()
        if name in request.query
    )


def found_item(request: ResourceRequest, kind: Kind, row: Record) -> Record:
    """A record as a search shows it, with the names of what it is linked to."""
    one = next(name for name, path in TYPES.items() if path == kind.path)
    item: Record = {"id": row["id"], "type": one, kind.title: row[kind.title]}
    item["owner"] = {"id": row.get("owner_id")}
    item["custom_fields"] = [str(value) for value in row["custom_fields"].values() if value]
    item["notes"] = []
    linked = request.company, request.records
    if kind.path == "persons":
        emails = [entry["value"] for entry in row.get("emails") or []]
        phones = [entry["value"] for entry in row.get("phones") or []]
        item |= {"emails": emails, "phones": phones, "primary_email": next(iter(emails), None)}
    if kind.path == "organizations":
        item["address"] = (row.get("address") or {}).get("value")
    if kind.path == "deals":
        item |= {name: row.get(name) for name in ("value", "currency", "status")}
    if "person_id" in kind.links:
        item["person"] = find_reference(*linked, "persons", row.get("person_id"))
    organization = row.get("org_id") or row.get("organization_id")
    if kind.path != "organizations":
        item["organization"] = find_reference(*linked, "organizations", organization)
    return item


def find_reference(company: Any, records: Records, path: str, id: Any) -> Record | None:
    row = next((row for row in records.sorted(company, KINDS[path]).having([str(id)])), None)
    return {"id": row["id"], "name": row["name"]} if row else None


def item_kinds(request: ResourceRequest) -> list[Kind]:
    """The kinds that `item_types` names; all of them if it names none. Raises Refusal."""
    names = [name for name in request.query.get("item_types", "").split(",") if name]
    if unknown := sorted(set(names) - set(TYPES)):
        raise refuse(f"item_types: {unknown[0]} is not allowed")
    return [KINDS[path] for name, path in TYPES.items() if not names or name in names]


def search_scopes(path: str) -> set[str]:
    """One of these scopes is needed; `path` is that of a kind, or ITEM_SEARCH."""
    scope = KINDS[path].scope if path in KINDS else ""
    return {"search:read"} | ({f"{scope}:read", f"{scope}:full"} if scope else set())


def refuse(problem: str) -> Refusal:
    return Refusal(400, f"Validation failed: {problem}", code="ERR_SCHEMA_VALIDATION_FAILED")
