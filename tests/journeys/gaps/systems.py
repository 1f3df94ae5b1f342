"""What the matrix sees of each system, and its systems with records that people change."""

import json
import time
from collections import Counter

from hub.audit import ActorContext
from hub.db.clock import clock
from hub.incoming.gaps.gap_actions import read_source
from hub.incoming.models import (
    InboundSource,
    WebhookSubscription,
)
from hub.incoming.registration.scheduling.checks import request_check
from hub.outgoing.models import Event, EventBody
from tests.hub.incoming.registration.sandbox_account import SandboxAccount
from tests.sandbox.salesforce_requests import ORG, raw

FAST = 1000  # times: retries after three minutes come at once
NOWHERE = "http://127.0.0.1:9/hooks/another"
PATIENCE = 20  # seconds
ACCEPTED = 200  # the status


class System:
    """What a test sees of a system's webhooks, and the speed at which it sends again."""

    sends_again = True
    collection_count = 1

    def list_attempts(self):
        return self.desk.get("/_control/sent?since=0").json()["sent"]

    def count_accepted(self):
        return sum(attempt["status"] == ACCEPTED for attempt in self.list_attempts())

    def wait_for_attempts(self, count):
        wait_for(lambda: len(self.list_attempts()) >= count)

    def wait_for_accepted(self, count):
        wait_for(lambda: self.count_accepted() >= count)

    def read_ledger_position(self):
        return self.desk.get("/_control/health").json()["seq"]

    def set_pace(self, factor):
        pace = {"system": self.key, "factor": factor}
        assert self.desk.post("/_control/pace", json=pace).status_code == 200

    def read_by_hand(self, from_at):
        (source,) = InboundSource.unscoped.all()
        read_source(source, ActorContext.system(), from_at=from_at, to_at=clock(), now=clock())


class RecordSystem(System):
    """Records of an account, by the pages of the sandbox; names tell the version of a record."""

    key = account = event_type = name_field = check_path = ""
    page_size = unheard_messages = 0
    waits_for_webhooks = False  # after each change, as two that are sent at once may overtake

    def __init__(self, make, hub):
        self.hub, self.desk = hub, hub.desk
        self.names, self.deleted = {}, set()
        make.app(self.key, {"client_id": "1", "client_secret": "2"}, hosts=[self.desk.url])
        SandboxAccount(make, self.desk, self.key, event_type=self.event_type, now=clock)
        for _check in range(2):
            hub.work()
            hub.turn(hours=1)
        assert {row.state for row in self.list_subscriptions()} == {"verified"}

    def list_subscriptions(self):
        rows = WebhookSubscription.unscoped.filter(endpoint__connector_key=self.key)
        return list(rows.exclude(reason=WebhookSubscription.NO_REGISTRATION).order_by("pk"))

    # --- what people do ---

    def submit(self, path, **data):
        """Submit a form of a page; return where the person goes then."""
        self.hub.turn(seconds=2)  # times of records may have whole seconds
        url = f"/{self.key}/{self.account}/{path}"
        answer = self.desk.post(url, data=data, allow_redirects=False)
        assert answer.status_code == 303, answer.text
        return answer.headers["Location"]

    def create(self, name):
        id = self.submit_new(f"{name} v1")
        self.names[id] = f"{name} v1"
        return id

    def change(self, id):
        name, _, version = self.names[id].rpartition("v")
        self.names[id] = f"{name}v{int(version) + 1}"
        count = len(self.list_attempts())
        self.submit_change(id, self.names[id])
        if self.waits_for_webhooks:
            self.wait_for_attempts(count + 1)

    def delete(self, id):
        self.submit_deletion(id)
        self.deleted.add(id)

    def act_before(self):
        self.old = [self.create(f"old {number}") for number in range(4)]
        self.wait_for_accepted(4)

    def act_unheard(self):
        """Nine changes, as ten failures in a row are a ban of Pipedrive."""
        for id in (self.old[0], self.old[0], self.old[1]):
            self.change(id)
        self.delete(self.old[2])
        self.create("new")
        self.change(self.create("new and changed"))
        self.delete(self.create("new and deleted"))

    def act_after(self):
        count = self.count_accepted()
        self.change(self.old[1])
        self.create("newest")
        self.wait_for_accepted(count + 2)

    # --- what is seen ---

    def request_check(self):
        request_check(self.list_subscriptions()[0].endpoint, now=clock())

    def count_calls(self, since):
        """Count the calls since then but those of checks."""
        entries = [entry for entry in self.desk.ledger(since) if entry["system"] == self.key]
        return sum(self.check_path not in entry["path"] for entry in entries)

    def list_wrong(self):
        """List the records whose last state or deletion is not exactly one event, or whose events
        are not in the order of their changes, and the events of what is no such record.

        A creation and an update may tell the same state: a message of Salesforce that is sent late
        has the values of when it is sent.
        """
        changes = list_changes(self.key, self.name_field)
        wrong = []
        for id, name in self.names.items():
            events = [(kind, shown) for record, kind, shown in changes if record == id]
            kinds = Counter(kind for kind, shown in events if kind != "deleted" and shown == name)
            if id in self.deleted:
                kinds = Counter(kind for kind, _shown in events if kind == "deleted")
            versions = [shown for kind, shown in events if kind == "updated"]
            if set(kinds.values()) != {1} or versions != sorted(versions):
                wrong.append((id, name, events))
        return wrong + [change for change in changes if change[0] not in self.names]


class Pipedrive(RecordSystem):
    """Deals, which are listed after they were deleted."""

    key, account, event_type, name_field = "pipedrive", "701", "deal.*", "title"
    check_path, page_size = "/webhooks", 500
    unheard_messages = 9

    def submit_new(self, name):
        return self.submit("deals/", title=name).rpartition("/")[2]

    def submit_change(self, id, name):
        self.submit(f"deals/{id}", do="save", title=name)

    def submit_deletion(self, id):
        self.submit(f"deals/{id}", do="delete")

    def submit_webhook(self, **data):
        (subscription,) = self.list_subscriptions()
        self.submit(f"webhooks/{subscription.external_id}", **data)

    def delete_webhook(self):
        self.submit_webhook(do="delete")

    def disable_webhook(self):
        self.submit_webhook(do="disable")

    def edit_webhook(self):
        self.submit_webhook(do="save", subscription_url=NOWHERE)

    def ban(self):
        """Ten first attempts fail."""
        self.hub.web.is_refusing = True
        count = len(self.list_attempts())
        for number in range(10):
            self.create(f"refused {number}")
        self.wait_for_attempts(count + 10)
        self.hub.web.is_refusing = False


class Salesforce(RecordSystem):
    """Leads; no message tells of a deletion."""

    key, account, event_type, name_field = "salesforce", ORG, "lead.*", "LastName"
    check_path, page_size = "/tooling/", 2000
    unheard_messages = 7

    def count_calls(self, since):
        """Count the calls but those of checks, and of the three before a message is repaired.

        These are its fields, the user's id (at the root of the API) and the user's name.
        """
        paths = [entry["path"] for entry in self.desk.ledger(since)]
        repairs = sum(path.endswith("/services/data/v67.0") for path in paths)
        return super().count_calls(since) - 3 * repairs

    def submit_new(self, name):
        location = self.submit("lightning/o/Lead/new", LastName=name, Company="Acme")
        return location.split("/")[-2]

    def submit_change(self, id, name):
        self.submit(f"lightning/r/Lead/{id}/edit", do="save", LastName=name)

    def submit_deletion(self, id):
        self.submit(f"lightning/r/Lead/{id}/edit", do="delete")

    def submit_flows(self, do):
        for subscription in self.list_subscriptions():
            query = f"SELECT Id FROM Flow WHERE MasterLabel LIKE '%{subscription.external_id}'"
            answer = raw(self.desk, "GET", "/tooling/query", params={"q": query}).json()
            for flow in answer["records"]:
                self.submit(f"setup/flows/{flow['Id']}", do=do)

    def submit_messages(self, **data):
        for subscription in self.list_subscriptions():
            self.submit(f"setup/messages/{subscription.external_id}", **data)

    def delete_webhook(self):
        self.submit_flows("deactivate")
        self.submit_flows("delete")
        self.submit_messages(do="delete")

    def disable_webhook(self):
        self.submit_flows("deactivate")

    def edit_webhook(self):
        self.submit_messages(do="save", endpoint_url=NOWHERE)


def wait_for(condition):
    end = time.monotonic() + PATIENCE
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    assert condition()


def list_changes(connector, name_field):
    """Return record, kind of change and name of each published event, in order."""
    events = list(Event.unscoped.filter(source=connector).order_by("pk"))
    bodies = dict(EventBody.objects.values_list("event_id", "body"))
    datas = [json.loads(bytes(bodies[event.pk]))["data"] for event in events]
    return [
        (str(data["id"]), event.type.rpartition(".")[2], data["record"].get(name_field))
        for event, data in zip(events, datas, strict=True)
    ]
