"""Salesforce as its users see it: an org's objects, a list of records, and a record."""

from typing import Any

from aiohttp import web
from markupsafe import Markup

from sandbox.pages.html import (
    build_url,
    format_shown_count,
    markup,
    render_link,
    render_live_link,
    render_not_found,
    render_page,
    render_tab,
    render_table,
)
from sandbox.salesforce.accounts import ORGS, Org
from sandbox.salesforce.pages.record_forms import render_form
from sandbox.salesforce.records import Record
from sandbox.salesforce.schema import Object, objects
from sandbox.salesforce.system import Salesforce

SHOWN = 200
COLUMNS = 5
TABS = """
<nav class="tabs" aria-label="Orgs"><ul>$orgs</ul></nav>
<nav class="tabs" aria-label="Objects"><ul>$kinds <li><a href="$setup">Setup</a></li></ul></nav>
"""
LIST = """
$tabs
<div class="title"><h1><span class="icon" aria-hidden="true">$letter</span> $plural</h1>$live</div>
<p class="about">Of $org · org $id</p>
$table
$form
"""
RECORD = """
$tabs
<p><a href="$back">All of $kind</a></p>
<div class="title"
><h1><span class="icon" aria-hidden="true">$letter</span> <small>$kind</small> $name</h1>$live</div>
<dl class="record">$fields</dl>
$form
"""


class Pages:
    def __init__(self, salesforce: Salesforce):
        self._salesforce = salesforce

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/salesforce/", self.first),
            web.get("/salesforce/{org}/", self.org),
            web.get("/salesforce/{org}/lightning/o/{name}/list", self.list),
            web.get("/salesforce/{org}/lightning/r/{name}/{id}/view", self.record),
        ]

    async def first(self, request: web.Request) -> web.Response:
        for org in self._salesforce.store[ORGS].values():
            return web.Response(
                status=302, headers={"Location": build_url("salesforce", org.org) + "/"}
            )
        return render_not_found(request, "The world has no Salesforce org.", system="salesforce")

    async def org(self, request: web.Request) -> web.Response:
        org = self._salesforce.store[ORGS].get(request.match_info["org"])
        if org is None:
            return render_not_found(request, "No such org.", system="salesforce")
        fullest = max(
            written_objects(org).values(),
            key=lambda kind: len(self._salesforce.records.all(org, kind)),
        )
        return web.Response(status=302, headers={"Location": list_of(org, fullest)})

    async def list(self, request: web.Request) -> web.Response:
        org, kind = self._find_target(request)
        if org is None or kind is None:
            return render_not_found(request, "No such org or object.", system="salesforce")
        rows = sorted(
            self._salesforce.records.all(org, kind),
            key=lambda row: row["SystemModstamp"],
            reverse=True,
        )
        columns = list_used_columns(kind, rows)
        cells = (
            (
                render_record_link(org, kind, row),
                *(row.get(name) for name in columns),
                row["LastModifiedDate"][:19].replace("T", " "),
            )
            for row in rows[:SHOWN]
        )
        count = format_shown_count(len(rows), "record", limit=SHOWN)
        body = markup(
            LIST,
            tabs=self._tabs(org, kind),
            letter=kind.name[:1],
            plural=plural(kind),
            live=render_live_link(request),
            org=org.title,
            id=org.org,
            form=render_form(org, kind, None),
            table=render_table(
                (kind.title, *columns, "Last modified"),
                cells,
                caption=count,
                empty="No records yet.",
            ),
        )
        return render_page(request, f"{plural(kind)} · {org.title}", body, system="salesforce")

    async def record(self, request: web.Request) -> web.Response:
        org, kind = self._find_target(request)
        rows = self._salesforce.records.all(org, kind, deleted=True) if org and kind else []
        row = next((row for row in rows if row["Id"][:15] == request.match_info["id"][:15]), None)
        if org is None or kind is None or row is None:
            return render_not_found(request, "No such record.", system="salesforce")
        fields = [
            markup(
                "<div><dt>$label</dt><dd>$value</dd></div>",
                label=field.title,
                value=row.get(field.name),
            )
            for field in kind.fields.values()
            if row.get(field.name) not in (None, "")
        ]
        body = markup(
            RECORD,
            tabs=self._tabs(org, kind),
            back=list_of(org, kind),
            kind=kind.name,
            letter=kind.name[:1],
            name=row.get(kind.title) or row["Id"],
            live=render_live_link(request),
            fields=fields,
            form=None if row["IsDeleted"] else render_form(org, kind, row),
        )
        return render_page(
            request, str(row.get(kind.title) or row["Id"]), body, system="salesforce"
        )

    def _find_target(self, request: web.Request) -> tuple[Org | None, Object | None]:
        org = self._salesforce.store[ORGS].get(request.match_info["org"])
        if org is None:
            return None, None
        return org, written_objects(org).get(request.match_info["name"].lower())

    def _tabs(self, org: Org, here: Object) -> Markup:
        orgs = [
            render_tab(build_url("salesforce", one.org) + "/", one.title, is_current=one == org)
            for one in self._salesforce.store[ORGS].values()
        ]
        kinds = [
            render_tab(
                list_of(org, kind),
                f"{plural(kind)} {len(self._salesforce.records.all(org, kind))}",
                is_current=kind.name == here.name,
            )
            for kind in written_objects(org).values()
        ]
        setup = build_url("salesforce", org.org, "setup", "")
        return markup(TABS, orgs=orgs, kinds=kinds, setup=setup)


def written_objects(org: Org) -> dict[str, Object]:
    return {name: kind for name, kind in objects(org).items() if not kind.read_only}


def render_record_link(org: Org, kind: Object, row: Record) -> Markup:
    name = row.get(kind.title) or row["Id"]
    return render_link(name, "salesforce", org.org, "lightning", "r", kind.name, row["Id"], "view")


def list_of(org: Org, kind: Object) -> str:
    return build_url("salesforce", org.org, "lightning", "o", kind.name, "list")


def plural(kind: Object) -> str:
    name = kind.name.removesuffix("__c")
    return f"{name[:-1]}ies" if name.endswith("y") else f"{name}s"


def list_used_columns(kind: Object, rows: list[Record]) -> list[str]:
    """The first fields that any of these records fills in."""
    hidden = {kind.title, "FirstName", "LastName"}
    names = [
        field.name for field in kind.fields.values() if field.writable and field.name not in hidden
    ]
    return [name for name in names if any(get_shown_value(row, name) for row in rows[:SHOWN])][
        :COLUMNS
    ]


def get_shown_value(row: Record, name: str) -> Any:
    return row.get(name) not in (None, "")
