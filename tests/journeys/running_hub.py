"""A running desk as its neighbours meet it: our own application by the API, the systems by the
sandbox's control.
"""

import json
import sqlite3
from contextlib import closing, contextmanager

import requests

from bench.installation.processes import wait_until

SHARED = ("client_id", "client_secret")  # of our app, which every account of a system lets in
FIELDS = {
    "Opportunity": [
        {
            "name": "OrderNumber__c",
            "label": "Order number",
            "type": "string",
            "external_id": True,
            "unique": True,
        }
    ]
}
TAKE_AWAY = """
from hub.connections.models import ConnectorApp
app = ConnectorApp.objects.get(connector_key={connector!r})
kept = app.open()
app.seal({{key: value for key, value in kept.items() if key != "client_id"}})
app.save()
print(kept["client_id"])
"""
PUT_BACK = """
from hub.connections.models import ConnectorApp
app = ConnectorApp.objects.get(connector_key={connector!r})
app.seal(app.open() | {{"client_id": {kept!r}}})
app.save()
"""
TEN_MINUTES_LATER = """
UPDATE connections_authorization SET expires_at = created_at
WHERE state IN ('begun', 'granted')
AND tenant_id = (SELECT id FROM tenants_tenant WHERE reference = ?)
"""


class RunningHub:
    def __init__(self, desk):
        self.desk = desk
        self.told = json.loads((desk.folder / "var" / "demo.json").read_text())
        self.hub, self.sandbox = self.told["hub"], self.told["sandbox"]
        self.companies = 0

    # --- our own application ---

    def knows(self, reference, name=""):
        """A new tenant, in which nobody has an account here."""
        company = self.settles(Company(reference, name or reference.title(), self.companies))
        self.companies += 1
        self.asks("PUT", f"tenants/{reference}", name=company.name)
        return company

    def invites(self, reference, name):
        """And a mail to whoever shall own it."""
        company = self.knows(reference, name)
        self.asks("POST", "invitations", tenant=reference, email=company.email, role="owner")
        return company

    def order(self, company, number):
        data = {
            "number": number,
            "customer": "Ada",
            "email": "ada@example.org",
            "total": "12.50",
            "currency": "EUR",
        }
        data |= {"items": [{"name": "Tea", "quantity": 1, "price": "12.50"}]}
        event = {
            "tenant": company.reference,
            "id": f"order-{number}",
            "type": "order.created",
            "data": data,
        }
        return self.asks("POST", "events", **event)["id"]

    def asks(self, method, path, **fields):
        headers = {"Authorization": f"Bearer {self.told['platform_key']}"}
        answer = requests.request(
            method, f"{self.hub}/api/v1/{path}", json=fields, headers=headers, timeout=20
        )
        assert answer.ok, answer.text
        return answer.json()

    def connect_link(self, company, connector):
        return self.asks("POST", "connect-links", tenant=company.reference, connector=connector)[
            "url"
        ]

    def portal_link(self, company, **who):
        data = {"user": "user-7", "name": "Gwen Guest", "role": "admin"} | who
        return self.asks("POST", "portal-links", tenant=company.reference, **data)["url"]

    def states(self, company):
        """Of its connections, by connector."""
        rows = self.asks("GET", f"connections?tenant={company.reference}")["items"]
        return {row["connector"]: row["state"] for row in rows}

    # --- the systems ---

    def settles(self, company):
        """An account of its own in every system, with our app registered and nothing let in."""
        world = self.control("GET", "world")
        app = {
            system: {key: world[system][0][key] for key in SHARED}
            for system in ("slack", "salesforce", "pipedrive")
        }
        self.control("POST", "world", **company.accounts(app))
        return company

    def fault(self, system, **fault):
        self.control("POST", "faults", system=system, **fault)

    def revokes(self, system, company):
        self.control("POST", "tokens", system=system, account=company.account(system), do="revoke")

    def approves(self, system, company, approval):
        """What the company's admin there thinks of our app."""
        entry = {"slack": "team", "salesforce": "org"}[system]
        self.control(
            "POST", "world", **{system: [{entry: company.account(system), "approval": approval}]}
        )

    def control(self, method, page, **fields):
        answer = requests.request(
            method, f"{self.sandbox}/_control/{page}", json=fields or None, timeout=20
        )
        assert answer.ok, answer.text
        return answer.json()

    # --- what is seen of it ---

    def mail(self, company, about):
        """The newest to its owner with these words in the subject, as soon as there is one."""
        wait_until(
            lambda: self.mails(company, about),
            within=30,
            every=0.2,
            what=f"a mail that says {about!r}",
        )
        return self.mails(company, about)[-1]

    def mails(self, company, about):
        mails = self.control("GET", f"mail?to={company.email}")["mails"]
        return [mail for mail in mails if about in mail["subject"]]

    def assert_received(self, number, system, company):
        """Assert that the order arrives in this account and is accepted there."""
        wait_until(
            lambda: self.taken(system, company, number),
            within=30,
            every=0.2,
            what=f"order {number} in {system}",
        )

    def taken(self, system, company, number):
        lines = requests.get(
            f"{self.sandbox}/_control/ledger?since=0", timeout=20
        ).text.splitlines()
        came = [
            line
            for line in map(json.loads, lines)
            if line["system"] == system and line["status"] < 300
        ]
        return any(
            line["account"] == company.account(system) and number in line["body"] + line["path"]
            for line in came
        )

    # --- staff ---

    @contextmanager
    def not_set_up(self, connector):
        """Nobody has registered us there yet."""
        kept = self.desk.manage("shell", "-v0", "-c", TAKE_AWAY.format(connector=connector)).strip()
        yield
        self.desk.manage("shell", "-c", PUT_BACK.format(connector=connector, kept=kept))

    def ten_minutes_pass(self, company):
        """For what its people have begun."""
        file = self.desk.folder / "var" / "hub.sqlite3"
        with closing(sqlite3.connect(file, timeout=20)) as database, database:
            assert database.execute(TEN_MINUTES_LATER, [company.reference]).rowcount > 0


class Company:
    """A customer: who looks after it, and its accounts."""

    def __init__(self, reference, name, number):
        self.reference, self.name = reference, name
        self.email = f"olga@{reference}.example"
        self.team, self.channel = f"T{number:08}", f"C{number:08}"
        self.org, self.company = f"00D0000000009{number:02}EAA", str(9000 + number)
        self.token = f"11111111-1111-4111-8111-{number:012}"

    def account(self, system):
        return {"slack": self.team, "salesforce": self.org, "pipedrive": self.company}.get(
            system, self.reference
        )

    def accounts(self, app):
        channels = [{"id": self.channel, "name": "orders"}]
        org = {"org": self.org, "name": self.name, "fields": FIELDS}
        company = {"company": self.company, "name": self.name, "domain": self.reference}
        return {
            "slack": [{"team": self.team, "name": self.name, "channels": channels} | app["slack"]],
            "salesforce": [org | app["salesforce"]],
            "pipedrive": [company | app["pipedrive"]],
            "splunk": [{"stack": self.reference, "token": self.token}],
            "webhook": [{"endpoint": self.reference, "name": self.name}],
        }
