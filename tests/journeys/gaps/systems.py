"""The systems of the matrix: what people change there, what breaks, and what the hub published."""

import json
import time
from collections import Counter

from hub.audit import ActorContext
from hub.db.clock import clock
from hub.incoming.gaps.gap_actions import read_source
from hub.incoming.models import InboundSource, WebhookSubscription
from hub.incoming.registration.scheduling.checks import request_check
from hub.outgoing.models import Event, EventBody
from tests.hub.incoming.registration.sandbox_account import SandboxAccount

FAST = 1000  # times: retries after three minutes come at once
NOWHERE = "http://127.0.0.1:9/hooks/another"
PATIENCE = 20  # seconds


class Pipedrive:
    """Deals of a company, by the pages of the sandbox; titles name the version of a deal."""

    key, account, page_size = "pipedrive", "701", 500

    def __init__(self, make, hub):
        self.hub, self.desk = hub, hub.desk
        self.titles, self.deleted = {}, set()
        make.app(self.key, {"client_id": "1", "client_secret": "2"}, hosts=[self.desk.url])
        SandboxAccount(make, self.desk, self.key, event_type="deal.*", now=clock)
        for _check in range(2):
            hub.work()
            hub.turn(hours=1)
        assert self.subscription.state == "verified"

    @property
    def subscription(self):
        return WebhookSubscription.unscoped.get(endpoint__connector_key=self.key)

    # --- what people do ---

    def submit(self, path, **data):
        self.hub.turn(seconds=2)  # its times have whole seconds
        url = f"/pipedrive/{self.account}/{path}"
        answer = self.desk.post(url, data=data, allow_redirects=False)
        assert answer.status_code == 303, answer.text
        return answer.headers["Location"].rpartition("/")[2]

    def create(self, name):
        id = self.submit("deals/", title=f"{name} v1")
        self.titles[id] = f"{name} v1"
        return id

    def change(self, id):
        name, _, version = self.titles[id].rpartition("v")
        self.titles[id] = f"{name}v{int(version) + 1}"
        self.submit(f"deals/{id}", do="save", title=self.titles[id])

    def delete(self, id):
        self.submit(f"deals/{id}", do="delete")
        self.deleted.add(id)

    def act_before(self):
        self.old = [self.create(f"old {number}") for number in range(4)]
        self.wait_for_attempts(4)

    def act_unheard(self):
        """Nine changes, as ten failures in a row are a ban."""
        for id in (self.old[0], self.old[0], self.old[1]):
            self.change(id)
        self.delete(self.old[2])
        self.create("new")
        self.change(self.create("new and changed"))
        self.delete(self.create("new and deleted"))

    def act_after(self):
        count = len(self.list_attempts())
        self.change(self.old[1])
        self.create("newest")
        self.wait_for_attempts(count + 2)

    # --- what breaks ---

    def delete_webhook(self):
        self.submit(f"webhooks/{self.subscription.external_id}", do="delete")

    def disable_webhook(self):
        self.submit(f"webhooks/{self.subscription.external_id}", do="disable")

    def edit_webhook(self):
        self.submit(
            f"webhooks/{self.subscription.external_id}", do="save", subscription_url=NOWHERE
        )

    def ban(self):
        """Ten first attempts fail."""
        self.hub.web.is_refusing = True
        count = len(self.list_attempts())
        for number in range(10):
            self.create(f"refused {number}")
        self.wait_for_attempts(count + 10)
        self.hub.web.is_refusing = False

    # --- what is seen ---

    def request_check(self):
        request_check(self.subscription.endpoint, now=clock())

    def list_attempts(self):
        return self.desk.get("/_control/sent?since=0").json()["sent"]

    def wait_for_attempts(self, count):
        end = time.monotonic() + PATIENCE
        while len(self.list_attempts()) < count and time.monotonic() < end:
            time.sleep(0.01)
        assert len(self.list_attempts()) >= count

    def set_pace(self, factor):
        pace = {"system": self.key, "factor": factor}
        assert self.desk.post("/_control/pace", json=pace).status_code == 200

    def read_by_hand(self, from_at):
        (source,) = InboundSource.unscoped.all()
        read_source(source, ActorContext.system(), from_at=from_at, to_at=clock(), now=clock())

    def count_calls(self, since):
        """Count the calls since then but those of checks."""
        entries = [entry for entry in self.desk.ledger(since) if entry["system"] == self.key]
        return sum("/webhooks" not in entry["path"] for entry in entries)

    def list_wrong(self):
        """List the records whose last state or deletion is not exactly one event, or whose events
        are not in the order of their changes.
        """
        changes = list_changes(self.key)
        wrong = []
        for id, title in self.titles.items():
            events = [(kind, name) for record, kind, name in changes if record == id]
            last = ("deleted",) if id in self.deleted else ("created", "updated")
            kinds = Counter(
                kind for kind, name in events if kind in last and (name == title or len(last) == 1)
            )
            versions = [name for kind, name in events if kind == "updated"]
            if set(kinds.values()) != {1} or versions != sorted(versions):
                wrong.append((id, title, events))
        return wrong


def list_changes(connector):
    """Return record, kind of change and title of each published event, in order."""
    events = list(Event.unscoped.filter(source=connector).order_by("pk"))
    bodies = dict(EventBody.objects.values_list("event_id", "body"))
    datas = [json.loads(bytes(bodies[event.pk]))["data"] for event in events]
    return [
        (str(data["id"]), event.type.rpartition(".")[2], data["record"].get("title"))
        for event, data in zip(events, datas, strict=True)
    ]
