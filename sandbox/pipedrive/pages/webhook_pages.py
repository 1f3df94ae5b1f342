"""The webhooks of a company, as its admins see them under Tools and apps."""

from aiohttp import web
from markupsafe import Markup

from sandbox.clock import Clock
from sandbox.pages.forms import is_own_form, read_form
from sandbox.pages.html import (
    build_url,
    markup,
    render_link,
    render_not_found,
    render_page,
    render_state,
    render_table,
)
from sandbox.pipedrive.accounts import COMPANIES, Company
from sandbox.pipedrive.checks import Refusal
from sandbox.pipedrive.system import Pipedrive
from sandbox.pipedrive.webhooks.registry import Webhook

PAGE = """
<p>$back</p>
<h1>Webhooks of $company</h1>
$table
<h2>Add a webhook of this company's own</h2>
<form method="post" action="$url" class="grid">
<label>Name <input name="name" required></label>
<label>Action <input name="event_action" value="*" required></label>
<label>Object <input name="event_object" value="*" required></label>
<label class="wide">URL <input name="subscription_url" type="url" required></label>
<label>User <input name="http_auth_user" autocomplete="off"></label>
<label>Password <input name="http_auth_password" autocomplete="off"></label>
<div><button>Add</button></div></form>
"""
FORMS = """
<form method="post" action="$url" class="levers">
<input name="subscription_url" value="$target" aria-label="URL of $name">
<button class="quiet" name="do" value="save">Save</button>
<button class="quiet" name="do" value="disable">Disable</button>
<button class="quiet" name="do" value="delete">Delete</button></form>
"""


class WebhookPages:
    def __init__(self, pipedrive: Pipedrive, clock: Clock):
        self._pipedrive = pipedrive
        self._clock = clock

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/pipedrive/{company}/webhooks/", self.show),
            web.post("/pipedrive/{company}/webhooks/", self.create),
            web.post("/pipedrive/{company}/webhooks/{id}", self.change),
        ]

    async def show(self, request: web.Request) -> web.Response:
        company = self._company(request)
        if company is None:
            return render_not_found(request, "No such company.", system="pipedrive")
        heads = ("Name", "Event", "Type", "State", "Last delivery", "Status", "URL")
        table = render_table(
            heads,
            (self._row(company, row) for row in self._pipedrive.webhooks.of(company)),
            caption="Webhooks",
            empty="None yet.",
        )
        body = markup(
            PAGE,
            back=render_link("All persons", "pipedrive", company.company, "persons", ""),
            company=company.title,
            table=table,
            url=build_url("pipedrive", company.company, "webhooks", ""),
        )
        return render_page(request, f"Webhooks of {company.title}", body, system="pipedrive")

    async def create(self, request: web.Request) -> web.Response:
        """One that belongs to no app: apps neither see nor delete it."""
        company = self._company(request)
        if company is None or not is_own_form(request):
            return render_not_found(request, "No such company.", system="pipedrive")
        form = await read_form(request)
        try:
            self._pipedrive.webhooks.create(company, form, self._clock(), kind="general")
        except Refusal as refusal:
            text = ", ".join(dict(refusal.more.get("errors", {})).values()) or refusal.error
            body = markup("<h1>Not saved</h1><p>$text</p>", text=text)
            return render_page(request, "Not saved", body, system="pipedrive", status=400)
        return back_to(company)

    async def change(self, request: web.Request) -> web.Response:
        """`do` is delete, disable, or save with a `subscription_url`."""
        company = self._company(request)
        webhooks = self._pipedrive.webhooks
        row = webhooks.find(company, request.match_info["id"]) if company else None
        if company is None or row is None or not is_own_form(request):
            return render_not_found(request, "No such webhook.", system="pipedrive")
        form = await read_form(request)
        if form.get("do") == "delete":
            webhooks.delete(row)
        elif form.get("do") == "disable":
            webhooks.change(row, is_active=0)
        elif form.get("subscription_url"):
            webhooks.change(row, subscription_url=form["subscription_url"])
        return back_to(company)

    def _company(self, request: web.Request) -> Company | None:
        return self._pipedrive.store[COMPANIES].get(request.match_info["company"])

    def _row(self, company: Company, row: Webhook) -> tuple[object, ...]:
        forms = markup(
            FORMS,
            url=build_url("pipedrive", company.company, "webhooks", str(row["id"])),
            target=row["subscription_url"],
            name=row["name"],
        )
        return (
            row["name"],
            f"{row['event_action']}.{row['event_object']}",
            row["type"],
            self._state(row),
            row["last_delivery_time"],
            row["last_http_status"],
            forms,
        )

    def _state(self, row: Webhook) -> Markup:
        if self._pipedrive.webhooks.is_banned(row):
            return render_state("bad", "banned for 30 minutes")
        if not row["is_active"]:
            return render_state("bad", "disabled")
        if row["failing_since"] is not None:
            return render_state("bad", "failing")
        return render_state("good", "active")


def back_to(company: Company) -> web.Response:
    location = build_url("pipedrive", company.company, "webhooks", "")
    return web.Response(status=303, headers={"Location": location})
