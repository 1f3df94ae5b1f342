"""Forms in which people save and delete records; active flows send messages for these changes."""

from collections.abc import Mapping
from typing import Any

from aiohttp import web
from markupsafe import Markup

from sandbox.clock import Clock
from sandbox.pages.forms import is_own_form, read_form
from sandbox.pages.html import build_url, markup, render_not_found, render_page
from sandbox.salesforce.accounts import ORGS, Org
from sandbox.salesforce.checks import NUMBERS, Refusal
from sandbox.salesforce.ids import long
from sandbox.salesforce.records import Record
from sandbox.salesforce.schema import Object, objects
from sandbox.salesforce.system import Salesforce

FIELDS = {
    "Account": ("Name", "Phone", "Website"),
    "Contact": ("FirstName", "LastName", "Email"),
    "Lead": ("FirstName", "LastName", "Company", "Email", "Status"),
    "Opportunity": ("Name", "StageName", "CloseDate", "Amount"),
    "Case": ("Subject", "Status"),
    "Order": ("AccountId", "EffectiveDate", "Status", "Name", "PoNumber", "TotalAmount"),
}
FORM = """
<form method="post" action="$url" class="grid">$fields
<label>As <select name="user">$people</select></label>
<div><button name="do" value="save">$button</button> $delete</div></form>
"""
FIELD = '<label>$name <input name="$name" value="$value"$required autocomplete="off"></label>'
PERSON = '<option value="$id">$name</option>'
DELETE = '<button class="quiet" name="do" value="delete">Delete</button>'


class RecordForms:
    def __init__(self, salesforce: Salesforce, clock: Clock):
        self._salesforce = salesforce
        self._clock = clock

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/salesforce/{org}/lightning/o/{name}/new", self.act),
            web.post("/salesforce/{org}/lightning/r/{name}/{id}/edit", self.act),
        ]

    async def act(self, request: web.Request) -> web.Response:
        """The object's fields, for one that exists `do` (save or delete), and optionally `user`."""
        org = self._salesforce.store[ORGS].get(request.match_info["org"])
        kind = objects(org).get(request.match_info["name"].lower()) if org else None
        if org is None or kind is None or not is_own_form(request):
            return render_not_found(request, "No such org or object.", system="salesforce")
        form = await read_form(request)
        self._salesforce.records.begin()
        try:
            id = self._write(org, kind, request.match_info.get("id"), form)
        except Refusal as refusal:
            body = markup("<h1>Not saved</h1><p>$text</p>", text=refusal.message)
            return render_page(request, "Not saved", body, system="salesforce", status=400)
        self._salesforce.send_saved(org)
        return web.Response(status=303, headers={"Location": location_of(org, kind, id)})

    def _write(self, org: Org, kind: Object, id: str | None, form: Mapping[str, str]) -> str:
        """Return the id of the record; empty for one that was deleted."""
        records, at = self._salesforce.records, self._clock()
        author = org.colleague if form.get("user") == org.colleague else org.user
        if id is None:
            values = values_of(kind, form, new=True)
            return records.create(org, kind, values, at, author=author)
        if form.get("do") == "delete":
            records.delete(org, kind, id, at)
            return ""
        values = values_of(kind, form, new=False)
        records.update(org, kind, id, values, at, author=author)
        return id


def location_of(org: Org, kind: Object, id: str) -> str:
    """Where a person goes after saving: the record, or the list without an id."""
    if not id:
        return build_url("salesforce", org.org, "lightning", "o", kind.name, "list")
    return build_url("salesforce", org.org, "lightning", "r", kind.name, id, "view")


def values_of(kind: Object, form: Mapping[str, str], *, new: bool) -> dict[str, Any]:
    """What was typed; empty fields of a new record are left out."""
    values: dict[str, Any] = {}
    for name, text in form.items():
        field = kind.field(name)
        if field is None or not field.writable or (new and not text.strip()):
            continue
        is_number = field.type in NUMBERS and text.strip()
        values[field.name] = text.strip() if not is_number else number_of(text)
    return values


def number_of(text: str) -> Any:
    """As it stands where it is no number, for the check of the field to refuse."""
    try:
        return float(text)
    except ValueError:
        return text


def render_form(org: Org, kind: Object, record: Record | None) -> Markup | None:
    """Of a new record where there is none; None for an object without a form."""
    names = FIELDS.get(kind.name)
    if not names:
        return None
    root = ("salesforce", org.org, "lightning")
    if record is None:
        url = build_url(*root, "o", kind.name, "new")
    else:
        url = build_url(*root, "r", kind.name, record["Id"], "edit")
    return markup(
        FORM,
        url=url,
        fields=[render_field(kind, name, record) for name in names],
        people=[
            markup(PERSON, id=long(org.user), name="Hub"),
            markup(PERSON, id=org.colleague, name="A colleague"),
        ],
        button="Save" if record else f"New {kind.name.lower()}",
        delete=markup(DELETE) if record else None,
    )


def render_field(kind: Object, name: str, record: Record | None) -> Markup:
    field = kind.field(name)
    value = (record or {}).get(name)
    return markup(
        FIELD,
        name=name,
        value="" if value is None else str(value),
        required=Markup(" required" if field and field.required else ""),
    )
