"""A job that compares our sandbox's orders with a simulated system, by real HTTP."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

import requests

from connectors.http import Response, dump_json
from tests.factories import WHSEC
from tests.hub.scheduled.reconciliation.repair_deliveries import CREDENTIAL_URLS
from tests.hub.scheduled.reconciliation.systems import SimulatedClock
from tests.hub.scheduled.reconciliation.world import ReconciliationScenario
from tests.hub.scheduled.sandbox_run import ORG, SECRETS

COMPANY = "701"
RECORDS = "Order__c"
FIELDS = [
    {"name": "Number__c", "type": "string", "length": 80, "external_id": True},
    {"name": "Status__c", "type": "string", "length": 80},
    {"name": "Total__c", "type": "double"},
    {"name": "Region__c", "type": "string", "length": 80},
    {"name": "Code__c", "type": "double"},
    {"name": "Due__c", "type": "date"},
    {"name": "Begin__c", "type": "datetime"},
]
ACCOUNTS = {"app": "acme", "salesforce": ORG, "pipedrive": COMPANY}
OBJECTS = {"app": "orders", "salesforce": RECORDS, "pipedrive": "deals"}
KEY_FIELDS = {"salesforce": "Number__c", "pipedrive": "title"}
STATUS_FIELDS = {"salesforce": "Status__c", "pipedrive": "status"}
TOTAL_FIELDS = {"salesforce": "Total__c", "pipedrive": "value"}
ACTIONS = {"salesforce": "update_record", "pipedrive": "update_deal"}
QUERIES = {
    "salesforce": {"object": RECORDS, "fields": "Number__c, Status__c, Total__c"},
    "pipedrive": {},
}
LONG_AGO = "2026-11-20T00:00:00Z"


@dataclass
class SandboxSystem:
    """Sends requests to the sandbox at the time of the clock.

    `before_write` and `after_read` are called once each, before the next writes and after the next
    reads of the other system. `conceal` returns what the connected user sees of a record of the
    other system; None: nothing. `ahead`: of the other system's clock, compared with ours.
    """

    desk: object
    clock: SimulatedClock
    before_write: list = field(default_factory=list)
    after_read: list = field(default_factory=list)
    lose_answers: int = 0  # of the writes to come
    ahead: timedelta = timedelta(0)
    conceal: Callable[[dict], dict | None] = lambda record: record

    def answer(self, request):
        is_write = request.method != "GET"
        if is_write and self.before_write:
            self.before_write.pop(0)()
        url = request.url.replace(CREDENTIAL_URLS["api"], f"{self.desk.url}/app/api")
        self.set_time(is_ours="/app/" in url)
        answer = requests.request(
            request.method, url, data=request.content(), headers=request.all_headers(), timeout=5
        )
        if is_write and self.lose_answers:
            self.lose_answers -= 1
            return Response(502, b"", {}, self.clock.at)
        if not is_write and self.after_read and "/app/" not in url:
            self.after_read.pop(0)()
        headers = {name.lower(): value for name, value in answer.headers.items()}
        content = answer.content
        if answer.ok and not is_write and "/app/" not in url and "/jobs/" not in url:
            content = dump_json(self._hide(answer.json()))
        return Response(answer.status_code, content, headers, self.clock.at)

    def set_time(self, *, is_ours):
        at = self.clock.at if is_ours else self.clock.at + self.ahead
        self.desk.now = at.timestamp()

    def _hide(self, page):
        """Return the page without what the connected user does not see."""
        name = "records" if "records" in page else "data"
        if not page.get(name):
            return page
        if isinstance(page[name], list):
            seen = [self.conceal(record) for record in page[name]]
            page[name] = [record for record in seen if record is not None]
        return page | ({"totalSize": len(page[name])} if page.get("done") else {})


class SandboxScenario(ReconciliationScenario):
    """A tenant's orders, and its records in the sandbox's Salesforce or Pipedrive."""

    def __init__(self, make, desk, connector, *, query=None, **options):
        super().__init__(make, tenant=make.tenant("acme"))
        self.desk, self.connector = desk, connector
        self.orders = self.deals = SandboxSystem(desk, self.clock)
        desk.world(salesforce=[{"org": ORG, "fields": {RECORDS: FIELDS}}], app={"secret": WHSEC})
        desk.now = self.clock.at.timestamp()
        settings = {
            "salesforce": {"instance_url": f"{desk.url}/salesforce/{ORG}"},
            "pipedrive": {"api_domain": f"{desk.url}/pipedrive/acme"},
        }
        self.remote = make.connection(
            self.tenant, connector, secret=SECRETS[connector], settings=settings[connector]
        )
        self.job.connector_key = connector
        self.job.options = {
            "local": {"collection": "orders"},
            "remote": {
                "collection": {"salesforce": "records", "pipedrive": "deals"}[connector],
                "query": {**QUERIES[connector], **(query or {})},
            },
            "match": {"local": "number", "remote": KEY_FIELDS[connector]},
            "fields": [
                {
                    "name": "status",
                    "local": "state",
                    "remote": STATUS_FIELDS[connector],
                    "owner": "ours",
                },
                {
                    "name": "total",
                    "local": "total",
                    "remote": TOTAL_FIELDS[connector],
                    "type": "decimal",
                    "owner": "theirs",
                },
            ],
            "missing": {"there": "create", "here": "create"},
            "repair": {"local_action": "update_order", "remote_action": ACTIONS[connector]},
            "limits": {"share": 1, "count": 1000},
            **options,
        }
        self.job.save()

    def put_order(self, number, state, **fields):
        fields = {"updated_at": LONG_AGO, "total": "5.00", "currency": "EUR", **fields}
        self.seed("app", {"number": number, "state": state, **fields})

    def put_record(self, number, status, **fields):
        named = {KEY_FIELDS[self.connector]: number, STATUS_FIELDS[self.connector]: status}
        total = {TOTAL_FIELDS[self.connector]: 5}
        return self.seed(self.connector, {**named, **total, **fields})

    def delete_order(self, number):
        self.delete(f"/app/api/orders/{number}?tenant=acme", "")

    def delete_record(self, id):
        path = {
            "salesforce": f"/salesforce/{ORG}/services/data/v66.0/sobjects/{RECORDS}/{id}",
            "pipedrive": f"/pipedrive/acme/api/v2/deals/{id}",
        }[self.connector]
        self.delete(path, SECRETS[self.connector]["access_token"])

    def delete(self, path, token):
        self.orders.set_time(is_ours=path.startswith("/app/"))
        bearer = {"Authorization": f"Bearer {token}"}
        answer = requests.delete(self.desk.url + path, headers=bearer, timeout=5)
        assert answer.ok, answer.text

    def list_orders(self):
        """Return the numbers of the existing orders."""
        answer = self.desk.get("/_control/records?system=app&account=acme&object=orders")
        orders = [json.loads(line) for line in answer.text.splitlines()]
        return {order["number"] for order in orders if not order.get("deleted")}

    def seed(self, system, record):
        self.orders.set_time(is_ours=system == "app")
        body = {"system": system, "account": ACCOUNTS[system], "object": OBJECTS[system]}
        answer = self.desk.post("/_control/seed", json={**body, "records": [record]})
        assert answer.status_code == 201, answer.text
        return answer.json()["ids"][0]

    def list_records(self, number):
        """Return the existing records of the system with this number."""
        query = f"account={ACCOUNTS[self.connector]}&object={OBJECTS[self.connector]}"
        answer = self.desk.get(f"/_control/records?system={self.connector}&{query}")
        records = [json.loads(line) for line in answer.text.splitlines()]
        key = KEY_FIELDS[self.connector]
        return [record for record in records if record.get(key) == number]

    def list_statuses(self, number):
        return [record[STATUS_FIELDS[self.connector]] for record in self.list_records(number)]
