"""Forms in which people add, change and delete records; webhooks are sent for these changes."""

from collections.abc import Mapping
from typing import Any

from aiohttp import web
from markupsafe import Markup

from sandbox.clock import Clock
from sandbox.pages.forms import is_own_form, read_form
from sandbox.pages.html import build_url, markup, render_not_found, render_page
from sandbox.pipedrive.accounts import COMPANIES, Company
from sandbox.pipedrive.changes import Author
from sandbox.pipedrive.checks import Refusal
from sandbox.pipedrive.kinds import KINDS, Kind
from sandbox.pipedrive.records import Record
from sandbox.pipedrive.system import Pipedrive

FIELDS = {
    "persons": ("name", "email", "phone", "org_id"),
    "organizations": ("name",),
    "deals": ("title", "value", "status", "person_id", "org_id"),
    "activities": ("subject", "due_date", "deal_id"),
    "leads": ("title", "person_id", "organization_id"),
    "notes": ("content", "deal_id", "person_id"),
}
CONTACTS = {"email": "emails", "phone": "phones"}
FORM = """
<form method="post" action="$url" class="grid">$fields
<label>As <select name="user">$people</select></label>
<div><button name="do" value="$do">$button</button> $delete</div></form>
"""
FIELD = """<label>$name <input name="$name" value="$value" autocomplete="off"></label>"""
DELETE = '<button class="quiet" name="do" value="delete">Delete</button>'
PERSON = '<option value="$id">$name</option>'


class RecordForms:
    def __init__(self, pipedrive: Pipedrive, clock: Clock):
        self._pipedrive = pipedrive
        self._clock = clock

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/pipedrive/{company}/{path}/", self.create),
            web.post("/pipedrive/{company}/{path}/{id}", self.change),
        ]

    async def create(self, request: web.Request) -> web.Response:
        """The kind's fields, and optionally `user`, the id of who adds it."""
        return await self._act(request)

    async def change(self, request: web.Request) -> web.Response:
        """`do` is save or delete; fields that are not sent stay."""
        return await self._act(request)

    async def _act(self, request: web.Request) -> web.Response:
        company = self._pipedrive.store[COMPANIES].get(request.match_info["company"])
        kind = KINDS.get(request.match_info["path"])
        if company is None or kind is None or not is_own_form(request):
            return render_not_found(
                request, "No such company, or kind of record.", system="pipedrive"
            )
        form = await read_form(request)
        try:
            id = self._write(company, kind, request.match_info.get("id"), form)
        except (Refusal, ValueError) as error:
            text = error.error if isinstance(error, Refusal) else str(error)
            body = markup("<h1>Not saved</h1><p>$text</p>", text=text)
            return render_page(request, "Not saved", body, system="pipedrive", status=400)
        self._pipedrive.send_changes(author_of(company, form))
        back = build_url("pipedrive", company.company, kind.path)
        location = f"{back}/{id}" if id else f"{back}/"
        return web.Response(status=303, headers={"Location": location})

    def _write(self, company: Company, kind: Kind, id: str | None, form: Mapping[str, str]) -> str:
        """Return the id of the record; empty for one that was deleted."""
        records, at = self._pipedrive.records, self._clock()
        if id is None:
            return str(records.create(company, kind, values_of(kind, form, new=True), at)["id"])
        if form.get("do") == "delete":
            records.delete(company, kind, id, at)
            return ""
        records.update(company, kind, id, values_of(kind, form, new=False), at)
        return id


def values_of(kind: Kind, form: Mapping[str, str], *, new: bool) -> dict[str, Any]:
    """What was typed, as the API takes it; empty fields of a new record are left out.

    Raises ValueError with a sentence for what is no number.
    """
    values: dict[str, Any] = {}
    for name in FIELDS[kind.path]:
        text = form.get(name, "").strip()
        if name not in form or (new and not text):
            continue
        if name in CONTACTS:
            values[CONTACTS[name]] = (
                [{"value": text, "primary": True, "label": "work"}] if text else []
            )
        else:
            values[name] = parse_form_value(kind.fields[name], name, text)
    return values


def parse_form_value(kind: str, name: str, text: str) -> Any:
    if not text:
        return None
    try:
        return {"integer": int, "number": float}.get(kind, str)(text)
    except ValueError:
        raise ValueError(f"{name} is a number") from None


def author_of(company: Company, form: Mapping[str, str]) -> Author:
    """The user of the connection, unless the form names the colleague."""
    colleague = company.user_id + 1
    is_colleague = form.get("user") == str(colleague)
    return Author(colleague if is_colleague else company.user_id, "app")


def render_form(company: Company, kind: Kind, record: Record | None) -> Markup:
    """Of a new record where there is none."""
    url = build_url("pipedrive", company.company, kind.path)
    fields = [
        markup(FIELD, name=name, value=text_of(record, name) if record else "")
        for name in FIELDS[kind.path]
    ]
    people = [
        markup(PERSON, id=str(company.user_id), name=company.user),
        markup(PERSON, id=str(company.user_id + 1), name="A colleague"),
    ]
    return markup(
        FORM,
        url=f"{url}/{record['id']}" if record else f"{url}/",
        fields=fields,
        people=people,
        do="save",
        button="Save" if record else f"Add {kind.name.lower()}",
        delete=markup(DELETE) if record else None,
    )


def text_of(record: Record, name: str) -> str:
    if name in CONTACTS:
        contacts = record.get(CONTACTS[name]) or []
        return str(contacts[0]["value"]) if contacts else ""
    value = record.get(name)
    return "" if value is None else str(value)
