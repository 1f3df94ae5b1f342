"""An org's REST API as a whole: session, the org's quota, and the resource that the path names."""

import re
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import unquote

from sandbox.clock import Clock
from sandbox.oauth.consent import ConsentPage
from sandbox.rate_limits import RollingCount
from sandbox.salesforce.accounts import ORGS, Org
from sandbox.salesforce.bulk.resources import list_bulk_resources
from sandbox.salesforce.checks import NUMBERS, Refusal
from sandbox.salesforce.describe.changes import list_changed_fields, make_change
from sandbox.salesforce.oauth.consent import REFUSALS, Consents
from sandbox.salesforce.oauth.login import Login
from sandbox.salesforce.oauth.sessions import API, Sessions
from sandbox.salesforce.outbound.event_source import SalesforceEvents
from sandbox.salesforce.outbound.metadata import OrgMetadata
from sandbox.salesforce.outbound.tooling import answer_tooling
from sandbox.salesforce.planting import numbered_users
from sandbox.salesforce.records import Record, Records
from sandbox.salesforce.rest import batches, queries, replication, resources
from sandbox.salesforce.rest.resources import Locators, RestRequest
from sandbox.salesforce.schema import USER, Field, Object, objects
from sandbox.schema_changes import SchemaChange
from sandbox.sending.sender import Sender
from sandbox.storage.account_store import AccountStore
from sandbox.system import ApiRequest, ApiResponse, System

DAY = 24 * 3600
VERSIONS = [(67, "Summer '26"), (66, "Spring '26"), (65, "Winter '26")]
DATA = re.compile(r"/services/data/v(?P<version>\d\d)\.0(?P<rest>/.*)?")
ID_AND_FIELD = re.compile(r"/sobjects/[^/]+/(?P<field>[^/]+)/(?P<value>[^/]+)")
HOSTS = ("login", "test")
NOT_FOR_REST = "This session is not valid for use with the REST API"
WORDS = {
    401: ("INVALID_SESSION_ID", "Session expired or invalid"),
    403: ("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."),
    404: ("NOT_FOUND", "The requested resource does not exist"),
    503: ("SERVER_UNAVAILABLE", "The server is temporarily unavailable. Please try again later."),
}
Resource = Callable[..., ApiResponse]
RESOURCES: list[tuple[str, str, Resource]] = [
    ("GET", r"", resources.list_resources),
    ("GET", r"/limits", resources.limits),
    ("GET", r"/query", queries.query),
    ("GET", r"/queryAll", partial(queries.query, deleted=True)),
    ("GET", r"/query(?:All)?/(?P<locator>[^/]+)", queries.query_more),
    ("GET", r"/sobjects", resources.list_objects),
    ("GET", r"/sobjects/(?P<name>[^/]+)/describe", resources.describe),
    ("GET", r"/sobjects/(?P<name>[^/]+)", resources.read_object),
    ("POST", r"/sobjects/(?P<name>[^/]+)", resources.create),
    ("GET", r"/sobjects/(?P<name>[^/]+)/deleted", replication.list_deleted),
    ("GET", r"/sobjects/(?P<name>[^/]+)/updated", replication.list_updated),
    ("GET", r"/sobjects/(?P<name>[^/]+)/(?P<id>[^/]+)", resources.read),
    ("PATCH", r"/sobjects/(?P<name>[^/]+)/(?P<id>[^/]+)", resources.update),
    ("DELETE", r"/sobjects/(?P<name>[^/]+)/(?P<id>[^/]+)", resources.delete),
    ("GET", r"/sobjects/(?P<name>[^/]+)/(?P<field>[^/]+)/(?P<value>[^/]+)", resources.read_by_key),
    ("PATCH", r"/sobjects/(?P<name>[^/]+)/(?P<field>[^/]+)/(?P<value>[^/]+)", resources.upsert),
    ("POST", r"/composite/sobjects", batches.create),
    ("PATCH", r"/composite/sobjects", batches.update),
    ("DELETE", r"/composite/sobjects", batches.delete),
    ("PATCH", r"/composite/sobjects/(?P<name>[^/]+)/(?P<field>[^/]+)", batches.upsert),
]


class Salesforce(System):
    key = "salesforce"
    approvals = ("", *REFUSALS)
    addresses = (
        ("/salesforce", "/{host}/services/{rest:.*}"),  # login, test, or an org
        ("/salesforce", "/{host}/id/{rest:.*}"),
        ("/salesforce", "/{host}/.well-known/{rest:openid-configuration}"),
        (
            "",
            "/services/{rest:.*}",
        ),  # where a client keeps only the host of the instance: the session tells the org
    )

    def __init__(
        self, store: AccountStore, state: Path, random: Random, sender: Sender, clock: Clock
    ):
        self.store = store
        self.records = Records(state)
        self.metadata = OrgMetadata(state, clock)
        self._sender = sender
        self._consents = Consents(store, random)
        self.codes = self._consents.codes
        self._sessions = Sessions(store, state, random)
        self._login = Login(store, self._sessions, self.codes)
        self._locators = Locators()
        self._resources = [*RESOURCES, *list_bulk_resources()]
        self._used: dict[str, RollingCount] = {}
        self.events = SalesforceEvents(
            store, self.records, self.metadata, self._start_session, random
        )

    def load_accounts(self, at: float) -> None:
        self._sessions.load_accounts(at)
        for org in self.store[ORGS].values():
            if org.records and not self.records.has_records_of(org):
                for name, rows in org.records.items():
                    for row in rows:
                        self.records.create(org, objects(org)[name.lower()], row, at)
            first = numbered_users(org.users)
            unknown = [row for row in first if not self.records.latest(org, USER, row["Id"])]
            self.records.plant(org, USER, unknown, at)
        self.records.begin()  # of what the world begins with, nobody is told

    def send_saved(self, org: Org, *, is_by_api: bool = False) -> None:
        """Send the messages of active flows about records that were just saved."""
        for delivery in self.events.deliveries(org, self.records.take_saved()):
            self._sender.start(delivery, is_by_api=is_by_api)

    def account(self, call: ApiRequest) -> str:
        owner, path = self._parts(call)
        if is_sign_in(owner, path):
            return self._login.account(call)
        return owner if owner in self.store[ORGS] else ""

    def ids(self, call: ApiRequest) -> list[str]:
        match = ID_AND_FIELD.search(call.path)
        return [unquote(match["value"])] if match and call.method == "PATCH" else []

    def refusal(self, status: int) -> Any:
        code, message = WORDS.get(status, ("UNKNOWN_EXCEPTION", "An unexpected error occurred."))
        return Refusal(status, code, message).body()

    def answer(self, call: ApiRequest) -> ApiResponse:
        owner, path = self._parts(call)
        if is_sign_in(owner, path):
            return self._login.answer(call, owner, path)
        if path.startswith("/services/async/"):  # Bulk API 1.0
            return ApiResponse(404, self.refusal(404))
        if path.rstrip("/") == "/services/data" and owner in self.store[ORGS]:
            return ApiResponse(200, versions())
        approval = self._sessions.session(call.credential("Bearer"), call.at)
        if approval is None or approval.org.org != owner or is_at_former_host(approval.org, call):
            return ApiResponse(401, self.refusal(401))
        if not API.intersection(approval.scopes):
            return ApiResponse(401, Refusal(401, "INVALID_SESSION_ID", NOT_FOR_REST).body())
        org = approval.org
        used = self._used.setdefault(org.org, RollingCount(DAY))
        spent = used.at(call.at) >= org.daily_limit
        if not spent:
            used.add(call.at)
        usage = {"Sforce-Limit-Info": f"api-usage={used.at(call.at)}/{org.daily_limit}"}
        answer = ApiResponse(403, self.refusal(403)) if spent else self._data(org, call, path, used)
        self.send_saved(org, is_by_api=True)
        return ApiResponse(answer.status, answer.body, {**usage, **answer.headers})

    def consent(self) -> ConsentPage:
        return self._consents.place()

    def oauth_accounts(self) -> list[tuple[str, str, str]]:
        return [
            (org.org, org.title, org.approval) for org in self.store[ORGS].values() if org.client_id
        ]

    def tokens(self, at: float) -> Iterator[dict[str, Any]]:
        return self._sessions.listed(at)

    def end(self, account: str, do: str, kind: str, at: float) -> None:
        if account not in self.store[ORGS]:
            raise ValueError("account is the id of an org of this world")
        if kind:
            raise ValueError("kind is of Slack's tokens only")
        {"expire": self._sessions.expire}.get(do, self._sessions.end)(self.store[ORGS][account])

    def seed(self, account: str, object: str, rows: Iterable[Record], at: float) -> list[str]:
        org, kind = self._target(account, object)
        return self.records.plant(org, kind, rows, at)

    def seed_template(self, account: str, object: str) -> dict[str, Any]:
        """The required fields of the object, with values of their types."""
        org, kind = self._target(account, object)
        return {
            field.name: sample(org, self.records, field)
            for field in kind.fields.values()
            if field.required
        }

    def list_records(self, account: str, object: str) -> Iterator[Record]:
        org, kind = self._target(account, object)
        yield from self.records.all(org, kind, deleted=True)

    def schema_fields(self, account: str, object: str) -> list[dict[str, Any]]:
        return list_changed_fields(self._org(account), object)

    def change_schema(self, change: SchemaChange, at: float) -> None:
        changes = make_change(self._org(change.account), self.records, change)
        self.store.change_account(self.key, change.account, schema_changes=changes)

    def _org(self, account: str) -> Org:
        """Raises ValueError with a sentence."""
        if account not in self.store[ORGS]:
            raise ValueError("account is the id of an org of this world")
        return self.store[ORGS][account]

    def _target(self, account: str, object: str) -> tuple[Org, Object]:
        """Raises ValueError with a sentence."""
        org = self._org(account)
        kind = objects(org).get(object.lower())
        if kind is None or (kind.read_only and kind is not USER):
            raise ValueError(f"{object!r} is not an object of {account}")
        return org, kind

    def close(self) -> None:
        self.records.close()
        self.metadata.close()
        self._sessions.close()

    def _start_session(self, org: Org, at: float) -> str:
        return self._sessions.start(self._sessions.first_approval(org), at)

    def _parts(self, call: ApiRequest) -> tuple[str, str]:
        """The org (or `login`), and the path on its host."""
        if call.path.startswith("/services/"):
            named = call.credential("Bearer").partition("!")[0]
            return next(
                (org for org in self.store[ORGS] if named and org[:15] == named), ""
            ), call.path
        _, owner, *remainder = call.path.split("/")
        return unquote(owner), "/" + "/".join(remainder)

    def _data(self, org: Org, call: ApiRequest, path: str, used: RollingCount) -> ApiResponse:
        match = DATA.fullmatch(path)
        if match is None or int(match["version"]) > VERSIONS[0][0]:
            return ApiResponse(404, self.refusal(404))
        request = RestRequest(
            org=org,
            objects=objects(org),
            records=self.records,
            locators=self._locators,
            root=f"/services/data/v{match['version']}.0",
            at=call.at,
            query=call.query,
            headers=call.headers,
            body=call.json(),
            text=call.text,
            remaining=org.daily_limit - used.at(call.at),
        )
        self.records.begin()
        remainder = (match["rest"] or "").rstrip("/")
        if remainder.startswith("/tooling/"):
            return self._answer_guarded(
                partial(answer_tooling, self.metadata, org, call, remainder)
            )
        if remainder == "/composite" and call.method == "POST":
            return self._answer_guarded(partial(batches.composite, request, self._answer_resource))
        return self._answer_resource(request, call.method, remainder)

    def _answer_resource(self, request: RestRequest, method: str, path: str) -> ApiResponse:
        matches = [
            (verb, match, resource)
            for verb, form, resource in self._resources
            if (match := re.fullmatch(form, path))
        ]
        for verb, match, resource in matches:
            if verb == method:
                named = {key: unquote(value) for key, value in match.groupdict().items()}
                return self._answer_guarded(partial(resource, request, **named))
        if matches:
            message = (
                f"HTTP Method '{method}' not allowed. Allowed are "
                f"{', '.join(sorted({verb for verb, *_ in matches}))}"
            )
            return ApiResponse(405, Refusal(405, "METHOD_NOT_ALLOWED", message).body())
        return ApiResponse(404, self.refusal(404))

    def _answer_guarded(self, work: Callable[[], ApiResponse]) -> ApiResponse:
        try:
            return work()
        except Refusal as refusal:
            return ApiResponse(refusal.status, refusal.body())


def is_sign_in(owner: str, path: str) -> bool:
    """Whether the login answers this path: all of its own hosts, and some of each org's host."""
    return owner in HOSTS or path.startswith(("/services/oauth2/", "/.well-known/", "/id/"))


def sample(org: Org, records: Records, field: Field) -> Any:
    """A value for a generated record; a reference names the first record of its object."""
    if field.type == "reference":
        kind = objects(org)[field.refers.lower()]
        first = next(iter(records.all(org, kind)), None)
        return first["Id"] if first else None
    if field.type in NUMBERS:
        return 0
    return {"date": "2026-12-01", "datetime": "2026-12-01T12:00:00Z"}.get(
        field.type, f"{field.name} {{n}}"
    )


def is_at_former_host(org: Org, call: ApiRequest) -> bool:
    """Whether the org has moved to another host, and this call went to the former one."""
    return bool(org.instance_url) and not org.instance_url.startswith(call.base)


def versions() -> list[dict[str, str]]:
    return [
        {"label": label, "url": f"/services/data/v{number}.0", "version": f"{number}.0"}
        for number, label in VERSIONS[::-1]
    ]
