"""Pipedrive as its users see it: a company's records of one kind, and one of them."""

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
from sandbox.pipedrive.accounts import COMPANIES, Company
from sandbox.pipedrive.budgets import daily
from sandbox.pipedrive.kinds import KINDS, Kind
from sandbox.pipedrive.pages.record_forms import render_form
from sandbox.pipedrive.records import Record
from sandbox.pipedrive.system import Pipedrive

SHOWN = 200
COLUMNS = {
    "persons": ("emails", "org_id"),
    "organizations": ("address",),
    "deals": ("value", "currency", "status", "person_id", "expected_close_date"),
    "activities": ("type", "due_date", "done", "deal_id"),
    "leads": ("value", "person_id", "organization_id"),
    "notes": ("deal_id", "person_id", "org_id", "lead_id"),
}
TABS = """
<nav class="tabs" aria-label="Companies"><ul>$companies</ul></nav>
<nav class="tabs" aria-label="Kinds"><ul>$kinds <li><a href="$webhooks">Webhooks</a></li></ul></nav>
"""
LIST = """
$tabs
<div class="title"><h1><span class="icon" aria-hidden="true">$letter</span> $plural</h1>$live</div>
<p class="about">Of $company · company $id, with $tokens tokens per day</p>
$table
<h2>Add</h2>$form
"""
RECORD = """
$tabs
<p><a href="$back">All $plural</a></p>
<div class="title"
><h1><span class="icon" aria-hidden="true">$letter</span>
<small>$kind</small> $title</h1>$live</div>
<dl class="record">$fields</dl>
<h2>Edit</h2>$form
"""
FIELD = "<div><dt>$name</dt><dd>$value</dd></div>"


class Pages:
    def __init__(self, pipedrive: Pipedrive):
        self._pipedrive = pipedrive

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/pipedrive/", self.first),
            web.get("/pipedrive/{company}/", self.company),
            web.get("/pipedrive/{company}/{path}/", self.kind),
            web.get("/pipedrive/{company}/{path}/{id}", self.record),
        ]

    async def first(self, request: web.Request) -> web.Response:
        for company in self._pipedrive.store[COMPANIES].values():
            return web.Response(
                status=302, headers={"Location": build_url("pipedrive", company.company) + "/"}
            )
        return render_not_found(request, "The world has no Pipedrive company.", system="pipedrive")

    async def company(self, request: web.Request) -> web.Response:
        company = self._pipedrive.store[COMPANIES].get(request.match_info["company"])
        if company is None:
            return render_not_found(request, "No such company.", system="pipedrive")
        fullest = max(
            KINDS.values(), key=lambda kind: (len(self._rows(company, kind)), kind.path == "deals")
        )
        return web.Response(status=302, headers={"Location": list_of(company, fullest)})

    async def kind(self, request: web.Request) -> web.Response:
        company, kind = self._find_target(request)
        if company is None or kind is None:
            return render_not_found(
                request, "No such company, or kind of record.", system="pipedrive"
            )
        rows = self._rows(company, kind)[::-1]
        columns = COLUMNS[kind.path]
        cells = (
            (
                render_record_link(company, kind, row),
                *(format_value(row.get(name)) for name in columns),
                row["update_time"][:19],
            )
            for row in rows[:SHOWN]
        )
        count = format_shown_count(len(rows), "record", limit=SHOWN)
        body = markup(
            LIST,
            tabs=self._tabs(company, kind),
            letter=kind.name[:1],
            plural=kind.path.title(),
            live=render_live_link(request),
            company=company.title,
            id=company.company,
            tokens=f"{daily(company):,}",
            form=render_form(company, kind, None),
            table=render_table(
                (kind.title, *columns, "Changed"), cells, caption=count, empty="No records yet."
            ),
        )
        return render_page(
            request, f"{kind.path.title()} · {company.title}", body, system="pipedrive"
        )

    async def record(self, request: web.Request) -> web.Response:
        company, kind = self._find_target(request)
        rows = self._rows(company, kind) if company and kind else []
        row = next((row for row in rows if str(row["id"]) == request.match_info["id"]), None)
        if company is None or kind is None or row is None:
            return render_not_found(request, "No such record.", system="pipedrive")
        values = {**row, **row["custom_fields"]}
        labels = company.custom_fields.get(kind.custom_of, {})
        fields = [
            markup(FIELD, name=labels.get(name, name), value=format_value(value))
            for name, value in values.items()
            if name != "custom_fields" and value not in (None, "", [])
        ]
        body = markup(
            RECORD,
            tabs=self._tabs(company, kind),
            back=list_of(company, kind),
            plural=kind.path,
            letter=kind.name[:1],
            kind=kind.name,
            title=row[kind.title],
            live=render_live_link(request),
            fields=fields,
            form=render_form(company, kind, row),
        )
        return render_page(request, str(row[kind.title]), body, system="pipedrive")

    def _find_target(self, request: web.Request) -> tuple[Company | None, Kind | None]:
        company = self._pipedrive.store[COMPANIES].get(request.match_info["company"])
        return company, KINDS.get(request.match_info["path"])

    def _rows(self, company: Company, kind: Kind) -> list[Record]:
        return self._pipedrive.records.all(company, kind)

    def _tabs(self, company: Company, here: Kind) -> Markup:
        companies = [
            render_tab(
                build_url("pipedrive", one.company) + "/", one.title, is_current=one == company
            )
            for one in self._pipedrive.store[COMPANIES].values()
        ]
        kinds = [
            render_tab(
                list_of(company, kind),
                f"{kind.path.title()} {len(self._rows(company, kind))}",
                is_current=kind == here,
            )
            for kind in KINDS.values()
        ]
        webhooks = build_url("pipedrive", company.company, "webhooks", "")
        return markup(TABS, companies=companies, kinds=kinds, webhooks=webhooks)


def render_record_link(company: Company, kind: Kind, row: Record) -> Markup:
    return render_link(row[kind.title], "pipedrive", company.company, kind.path, str(row["id"]))


def list_of(company: Company, kind: Kind) -> str:
    return build_url("pipedrive", company.company, kind.path) + "/"


def format_value(value: Any) -> str:
    """Addresses and amounts as people read them."""
    if isinstance(value, list):
        return ", ".join(format_value(item) for item in value)
    if isinstance(value, dict) and "amount" in value:
        return f"{value['amount']} {value['currency']}"
    if isinstance(value, dict):
        return str(value.get("value", value))
    return "" if value is None else str(value)
