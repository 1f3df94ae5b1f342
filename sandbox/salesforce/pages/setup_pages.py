"""Setup of an org: its outbound messages and its flows, which administrators can change."""

from aiohttp import web
from markupsafe import Markup

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
from sandbox.salesforce.accounts import ORGS, Org
from sandbox.salesforce.checks import Refusal
from sandbox.salesforce.outbound.metadata import DEFINITION, FLOW, MESSAGE, Row
from sandbox.salesforce.system import Salesforce

PAGE = """
<p>$back</p>
<h1>Setup of $org</h1>
<h2>Outbound Messages</h2>$messages
<h2>Flows</h2>$flows
"""
MESSAGE_FORM = """
<form method="post" action="$url" class="levers">
<input name="endpoint_url" value="$endpoint" aria-label="Endpoint URL of $name">
<button class="quiet" name="do" value="save">Save</button>
<button class="quiet" name="do" value="delete">Delete</button></form>
"""
FLOW_FORM = """
<form method="post" action="$url" class="levers">
<button class="quiet" name="do" value="activate">Activate</button>
<button class="quiet" name="do" value="deactivate">Deactivate</button>
<button class="quiet" name="do" value="delete">Delete</button></form>
"""


class SetupPages:
    def __init__(self, salesforce: Salesforce):
        self._salesforce = salesforce

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/salesforce/{org}/setup/", self.show),
            web.post("/salesforce/{org}/setup/messages/{id}", self.change_message),
            web.post("/salesforce/{org}/setup/flows/{id}", self.change_flow),
        ]

    async def show(self, request: web.Request) -> web.Response:
        org = self._org(request)
        if org is None:
            return render_not_found(request, "No such org.", system="salesforce")
        metadata = self._salesforce.metadata
        messages = render_table(
            ("Name", "Endpoint URL"),
            ((row["FullName"], self._message_form(org, row)) for row in metadata.all(org, MESSAGE)),
            caption="Outbound messages",
            empty="None yet.",
        )
        flows = render_table(
            ("Name", "Version", "State", "Change"),
            (
                (row["FullName"], row["VersionNumber"], state_of(row), self._flow_form(org, row))
                for row in metadata.all(org, FLOW)
            ),
            caption="Flows",
            empty="None yet.",
        )
        back = render_link("All records", "salesforce", org.org, "")
        body = markup(PAGE, back=back, org=org.title, messages=messages, flows=flows)
        return render_page(request, f"Setup of {org.title}", body, system="salesforce")

    async def change_message(self, request: web.Request) -> web.Response:
        """`do` is delete, or save with an `endpoint_url`."""
        return await self._change(request, MESSAGE)

    async def change_flow(self, request: web.Request) -> web.Response:
        """`do` is activate, deactivate or delete."""
        return await self._change(request, FLOW)

    async def _change(self, request: web.Request, kind: str) -> web.Response:
        org, id = self._org(request), request.match_info["id"]
        if org is None or not is_own_form(request):
            return render_not_found(request, "No such org.", system="salesforce")
        form = await read_form(request)
        try:
            self._write(org, kind, id, form)
        except Refusal as refusal:
            body = markup("<h1>Not saved</h1><p>$text</p>", text=refusal.message)
            return render_page(request, "Not saved", body, system="salesforce", status=400)
        location = build_url("salesforce", org.org, "setup", "")
        return web.Response(status=303, headers={"Location": location})

    def _write(self, org: Org, kind: str, id: str, form: dict[str, str]) -> None:
        metadata, do = self._salesforce.metadata, form.get("do")
        if do == "delete":
            metadata.delete(org, kind, id)
        elif kind == MESSAGE:
            endpoint = {"Metadata": {"endpointUrl": form.get("endpoint_url", "")}}
            metadata.change(org, MESSAGE, id, endpoint)
        else:
            flow = metadata.read(org, FLOW, id)
            number = flow["VersionNumber"] if do == "activate" else 0
            active = {"Metadata": {"activeVersionNumber": number}}
            metadata.change(org, DEFINITION, flow["DefinitionId"], active)

    def _org(self, request: web.Request) -> Org | None:
        return self._salesforce.store[ORGS].get(request.match_info["org"])

    def _message_form(self, org: Org, row: Row) -> Markup:
        return markup(
            MESSAGE_FORM,
            url=build_url("salesforce", org.org, "setup", "messages", row["Id"]),
            endpoint=row["EndpointUrl"],
            name=row["FullName"],
        )

    def _flow_form(self, org: Org, row: Row) -> Markup:
        url = build_url("salesforce", org.org, "setup", "flows", row["Id"])
        return markup(FLOW_FORM, url=url)


def state_of(row: Row) -> Markup:
    return render_state("good" if row["Status"] == "Active" else "quiet", row["Status"])
