"""The API of Pipedrive: token, costs, and the resource that the path names."""

import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import unquote

from sandbox.oauth.consent import ConsentPage
from sandbox.pipedrive import users
from sandbox.pipedrive.accounts import COMPANIES, Company
from sandbox.pipedrive.budgets import Budgets, cost
from sandbox.pipedrive.changes import Author
from sandbox.pipedrive.checks import INFO, Refusal
from sandbox.pipedrive.fields.changes import find_new_key, list_changed_fields, make_change
from sandbox.pipedrive.kinds import KINDS, Kind
from sandbox.pipedrive.oauth.login import Login
from sandbox.pipedrive.oauth.tokens import Tokens
from sandbox.pipedrive.records import Record, Records
from sandbox.pipedrive.rest import resources
from sandbox.pipedrive.rest.deals_summary import PATH as SUMMARY
from sandbox.pipedrive.rest.deals_summary import answer_summary
from sandbox.pipedrive.rest.lists import ListResource, find_list
from sandbox.pipedrive.rest.resources import ResourceRequest
from sandbox.pipedrive.webhooks.event_source import PipedriveEvents
from sandbox.pipedrive.webhooks.registry import Webhooks
from sandbox.pipedrive.webhooks.resource import COSTS, SCOPE, answer_webhooks
from sandbox.schema_changes import SchemaChange
from sandbox.sending.sender import Sender
from sandbox.storage.account_store import AccountStore
from sandbox.system import ApiRequest, ApiResponse, Callback, System

API = re.compile(r"/api/(?P<version>v1|v2)/(?P<path>[A-Za-z]+)(?:/(?P<id>[A-Za-z0-9-]+))?/?")
GATEWAY = {401: "unauthorized access", 403: "Scope and URL mismatch", 429: "request over limit"}
WORDS = {402: "Company account is not open", 404: "Not found", 503: "Scheduled maintenance"}
Work = tuple[
    str, Callable[..., ApiResponse], str
]  # what it costs as, what does it, what the scope must allow
ARCHIVE: dict[str, Work] = {"GET": ("archive", resources.list_all, "read")}
ONE: dict[str, Work] = {
    "GET": ("read", resources.read, "read"),
    "DELETE": ("delete", resources.delete, "full"),
}
ALL: dict[str, Work] = {
    "GET": ("list", resources.list_all, "read"),
    "POST": ("write", resources.create, "full"),
}


class Pipedrive(System):
    key = "pipedrive"
    addresses = (
        ("/pipedrive", "/oauth/{rest:token|revoke}"),
        ("/pipedrive", "/{host}/api/{rest:.*}"),
        (
            "",
            "/api/{rest:.*}",
        ),  # where a client keeps only the origin of the API domain: the token tells the company
    )

    def __init__(self, store: AccountStore, state: Path, random: Random, sender: Sender):
        self.store = store
        self.records = Records(state, random)
        self.users = users.Users(state)
        self.webhooks = Webhooks(state, sender.pace)
        self.events = PipedriveEvents(store, self.records, self.webhooks, random)
        self._sender = sender
        self._tokens = Tokens(store, state, random)
        self._tokens.on_uninstall(self.webhooks.delete_of_app)
        self._login = Login(store, self._tokens, random)
        self._budgets = Budgets()
        self.codes = self._login.codes

    def load_accounts(self, at: float) -> None:
        self._tokens.load_accounts(at)
        for company in self.store[COMPANIES].values():
            self.users.load_first_users(company)
            if company.records and not self.records.has_records_of(company):
                for path, rows in company.records.items():
                    for row in rows:
                        self.records.create(company, KINDS[path], row, at)
        self.records.take_changes()  # of what the world begins with, nobody is told

    def account(self, call: ApiRequest) -> str:
        if call.path.startswith("/oauth/"):
            return self._login.account(call)
        return self._tokens.owner(call.credential("Bearer"))

    def ids(self, call: ApiRequest) -> list[str]:
        body = call.json() if call.method == "POST" else None
        marked = body.get("origin_id") if isinstance(body, dict) else None
        return [marked] if isinstance(marked, str) else []

    def refusal(self, status: int) -> Any:
        if status in GATEWAY:
            return {
                "success": False,
                "error": GATEWAY[status],
                "errorCode": status,
                "error_info": INFO,
            }
        return Refusal(status, WORDS.get(status, "Server error")).body()

    def answer(self, call: ApiRequest) -> ApiResponse:
        if page := self._budgets.block(call.at):
            return page
        if call.path.startswith("/oauth/"):
            return self._login.answer(call, call.path)
        token = call.credential("Bearer")
        company = self._tokens.holder(token, call.at)
        host, _, path = call.path.partition("/api/")
        if company is None or host.strip("/") not in ("", company.host):
            return ApiResponse(401, self.refusal(401), {"x-401-by-gw": "true"})
        answer = self._company(company, token, call, f"/api/{path}")
        self.send_changes(Author(company.user_id, "api"))
        return ApiResponse(
            answer.status,
            answer.body,
            {**self._budgets.headers(company, token, call.at), **answer.headers},
        )

    def send_changes(self, author: Author) -> None:
        """Send the latest changes to the webhooks."""
        for delivery in self.events.deliveries(self.records.take_changes(), author):
            self._sender.start(delivery, is_by_api=author.source == "api")

    def consent(self) -> ConsentPage:
        return self._login.place()

    def oauth_accounts(self) -> Iterable[tuple[str, str, str]]:
        return [
            (one.company, one.title, "") for one in self.store[COMPANIES].values() if one.client_id
        ]

    def tokens(self, at: float) -> Iterable[dict[str, Any]]:
        return self._tokens.listed(at)

    def uninstall_callbacks(self, account: str, at: float) -> list[Callback]:
        return self._login.uninstall_callbacks(account, at)

    def end(self, account: str, do: str, kind: str, at: float) -> None:
        if account not in self.store[COMPANIES]:
            raise ValueError("account is the id of a company of this world")
        if kind:
            raise ValueError("kind is of Slack's tokens only")
        {"expire": self._tokens.expire}.get(do, self._tokens.uninstall)(account)

    def seed(self, account: str, object: str, rows: Iterable[Record], at: float) -> list[str]:
        if object == "users":
            return self.users.plant(self._find_company(account), rows)
        company, kind = self._target(account, object)
        return self.records.plant(company, kind, rows, at)

    def seed_template(self, account: str, object: str) -> dict[str, Any]:
        if object == "users":
            return users.TEMPLATE
        _, kind = self._target(account, object)
        return {kind.title: f"{kind.name} {{n}}"}

    def list_records(self, account: str, object: str) -> Iterator[Record]:
        if object == "users":
            yield from self.users.of_company(self._find_company(account))
            return
        company, kind = self._target(account, object)
        yield from self.records.all(company, kind, deleted=True)

    def schema_fields(self, account: str, object: str) -> list[dict[str, Any]]:
        return list_changed_fields(self._find_company(account), object)

    def change_schema(self, change: SchemaChange, at: float) -> None:
        company = self._find_company(change.account)
        changes = make_change(company, change)
        self.store.change_account(self.key, change.account, **changes)
        if change.change in ("rename", "remove"):
            new = find_new_key(change) if change.change == "rename" else ""
            for kind in KINDS.values():
                if kind.custom_of == change.object:
                    self.records.move_custom_field(company, kind, change.field, new)

    def _find_company(self, account: str) -> Company:
        """Raises ValueError with a sentence."""
        if account not in self.store[COMPANIES]:
            raise ValueError("account is the id of a company of this world")
        return self.store[COMPANIES][account]

    def _target(self, account: str, object: str) -> tuple[Company, Kind]:
        """Raises ValueError with a sentence."""
        company = self._find_company(account)
        if object not in KINDS:
            raise ValueError(f"object is one of {', '.join(sorted([*KINDS, 'users']))}")
        return company, KINDS[object]

    def close(self) -> None:
        self.records.close()
        self.users.close()
        self.webhooks.close()
        self._tokens.close()

    def _company(self, company: Company, token: str, call: ApiRequest, path: str) -> ApiResponse:
        if company.closed:
            return ApiResponse(402, self.refusal(402))
        lists = {
            "/api/v1/users/me": self._read_own_user,
            "/api/v1/users": self._list_users,
            SUMMARY: self._summarize,
        }
        if call.method == "GET" and path.rstrip("/") in lists:
            return lists[path.rstrip("/")](company, token, call)
        match = API.fullmatch(path)
        if match is None:
            return ApiResponse(404, self.refusal(404))
        if (match["version"], match["path"]) == ("v1", "webhooks"):
            return self._answer_webhooks(company, token, call, match["id"])
        kind = KINDS.get(match["path"])
        if match["version"] == "v2" and (listed := find_list(match["path"], match["id"])):
            return self._list(company, token, call, listed, match["path"])
        if kind is None or kind.version != match["version"]:
            return ApiResponse(404, self.refusal(404))
        return self._resource(company, token, call, kind, match["id"])

    def _list(
        self, company: Company, token: str, call: ApiRequest, listed: ListResource, path: str
    ) -> ApiResponse:
        if call.method != "GET":
            return ApiResponse(405, Refusal(405, "Method not allowed").body())
        if refused := self._budgets.spend(company, token, cost(listed.costs_as, "v2"), call.at):
            return refused
        if not listed.scopes(path).intersection(company.scopes.split(",")):
            return ApiResponse(403, self.refusal(403))
        try:
            return listed.does(company, self.records, call, path)
        except Refusal as refusal:
            return ApiResponse(refusal.status, refusal.body())

    def _read_own_user(self, company: Company, token: str, call: ApiRequest) -> ApiResponse:
        refused = self._budgets.spend(company, token, cost("read", "v1"), call.at)
        return refused or resources.me(company)

    def _list_users(self, company: Company, token: str, call: ApiRequest) -> ApiResponse:
        if refused := self._budgets.spend(company, token, cost("list", "v1"), call.at):
            return refused
        if not users.SCOPES.intersection(company.scopes.split(",")):
            return ApiResponse(403, self.refusal(403))
        return self.users.answer(company)

    def _summarize(self, company: Company, token: str, call: ApiRequest) -> ApiResponse:
        if refused := self._budgets.spend(company, token, cost("summary", "v1"), call.at):
            return refused
        if not {"deals:full", "deals:read"}.intersection(company.scopes.split(",")):
            return ApiResponse(403, self.refusal(403))
        try:
            return answer_summary(company, self.records, call)
        except Refusal as refusal:
            return ApiResponse(refusal.status, refusal.body())

    def _answer_webhooks(
        self, company: Company, token: str, call: ApiRequest, id: str | None
    ) -> ApiResponse:
        price = cost(COSTS.get(call.method, "read"), "v1")
        if refused := self._budgets.spend(company, token, price, call.at):
            return refused
        if SCOPE not in company.scopes.split(","):
            return ApiResponse(403, self.refusal(403))
        try:
            return answer_webhooks(self.webhooks, company, call, id)
        except Refusal as refusal:
            return ApiResponse(refusal.status, refusal.body())

    def _resource(
        self, company: Company, token: str, call: ApiRequest, kind: Kind, id: str | None
    ) -> ApiResponse:
        is_archive = (kind.path, id) == ("deals", "archived")
        if is_archive:
            works, id = ARCHIVE, None
        else:
            works = ONE | {kind.changed_by: ("write", resources.update, "full")} if id else ALL
        if call.method not in works:
            return ApiResponse(405, Refusal(405, "Method not allowed").body())
        costs_as, does, needed = works[call.method]
        if refused := self._budgets.spend(company, token, cost(costs_as, kind.version), call.at):
            return refused
        if not {f"{kind.scope}:full", f"{kind.scope}:{needed}"}.intersection(
            company.scopes.split(",")
        ):
            return ApiResponse(403, self.refusal(403))
        request = ResourceRequest(
            company, kind, self.records, call.at, call.query, call.json(), is_archive
        )
        try:
            return does(request, **({"id": unquote(id)} if id else {}))
        except Refusal as refusal:
            return ApiResponse(refusal.status, refusal.body())
