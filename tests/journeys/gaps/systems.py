"""The systems of the matrix: what people change there, what breaks, and what the hub published."""

import json
import time
from collections import Counter
from datetime import timedelta

from connectors.registry import CONNECTORS
from connectors.slack.feeds import PAGE_SIZE
from hub.audit import ActorContext
from hub.db.clock import clock
from hub.incoming.endpoints.create import endpoint_url, get_or_create_app_endpoint
from hub.incoming.gaps.gap_actions import read_source
from hub.incoming.models import (
    InboundEndpoint,
    InboundSource,
    RhythmDay,
    SourceRhythm,
    WebhookSubscription,
)
from hub.incoming.registration.scheduling.checks import request_check
from hub.incoming.rhythm.counting import HOURS
from hub.incoming.watch.rhythm_rows import learn_due_rhythms
from hub.outgoing.models import Event, EventBody
from tests.hub.incoming.registration.sandbox_account import SandboxAccount
from tests.sandbox.salesforce_requests import ORG, raw
from tests.sandbox.test_connectors import SIGNING_SECRET

FAST = 1000  # times: retries after three minutes come at once
NOWHERE = "http://127.0.0.1:9/hooks/another"
PATIENCE = 20  # seconds
ACCEPTED = 200  # the status
KNOWN_DAYS = 40
HEC_TOKEN = "11111111-1111-4111-8111-111111111111"


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


class Sender(System):
    """A system whose messages people cause, and whose URL a person enters there."""

    key = event = type = ""
    account, page_size, unheard_messages = "acme", 1, 4
    lists_all = False

    def __init__(self, make, hub):
        self.hub, self.desk = hub, hub.desk
        connection = self.connect(make)
        make.route(
            tenant=connection.tenant,
            event_type=self.type,
            origin_connector_key=connection.connector_key,
            connector="webhook",
        )
        hub.work()
        self.url = self.find_url(connection)
        self.point_to(self.url)
        self.learn_rhythm(connection)

    def find_url(self, connection):
        return endpoint_url(InboundEndpoint.unscoped.get(connection=connection))

    def learn_rhythm(self, connection):
        """It has sent four events an hour."""
        first = clock().date() - timedelta(days=KNOWN_DAYS)
        row = SourceRhythm.unscoped.create(
            source=InboundSource.unscoped.get(),
            connection=connection,
            type=self.type,
            first_day=first,
            last_item_at=clock(),
        )
        days = [first + timedelta(days=number) for number in range(KNOWN_DAYS)]
        hours = dict.fromkeys(HOURS, 4)
        RhythmDay.unscoped.bulk_create(RhythmDay(rhythm=row, day=day, **hours) for day in days)
        learn_due_rhythms(now=clock())

    def send(self, times):
        wish = {"system": self.key, "account": self.account, "event": self.event}
        return self.desk.post("/_control/send", json=wish | {"times": times})

    def act_before(self):
        assert self.send(4).ok

    def act_unheard(self):
        self.send(self.unheard_messages)  # refused where there is no URL

    def act_after(self):
        self.point_to(self.url)
        assert self.send(1).ok
        self.hub.work()
        self.hub.turn(hours=1)
        self.hub.work()

    def list_wrong(self):
        """List the messages that arrived, or are listed, and are not one event each."""
        attempts = self.list_attempts()
        ids = {row["id"] for row in attempts if self.lists_all or row["url"] == self.url}
        events = Event.unscoped.filter(type=self.type).values_list("sender_id", flat=True)
        published = Counter(self.find_message(id.partition(":")[2]) for id in events)
        return [id for id in ids | published.keys() if published[id] != 1]


class SignedSender(Sender):
    """A sender of signed webhooks, which lists nothing: only what it sends again is not missed."""

    key, event, type = "standard_webhooks", "order.created", "signed_webhook.order.created"

    def connect(self, make):
        secret = {"signing_secret": SIGNING_SECRET}
        return make.connection(connector="signed_webhook", account="", secret=secret)

    def point_to(self, url):
        sender = {"sender": self.account, "name": "Acme", "secret": SIGNING_SECRET, "url": url}
        self.desk.world(standard_webhooks=[sender])

    def find_message(self, item_id):
        return item_id

    def read_by_hand(self, from_at):
        """Nothing can be read."""

    def count_calls(self, since):
        return 0


class Splunk(Sender):
    """Alerts, which are sent once, and listed to who may manage the stack."""

    key, event, type = "splunk", "alert", "splunk.alert.created"
    sends_again = False
    lists_all = True

    def connect(self, make):
        token = {"stack": self.account, "token": HEC_TOKEN, "management_token": "manager"}
        self.desk.world(splunk=[token])
        url = f"{self.desk.url}/splunk/{self.account}"
        settings, secret = {"url": url}, {"token": HEC_TOKEN}
        if self.lists_all:
            settings["management_url"], secret["management_token"] = url, "manager"
        return make.connection(connector="splunk", account="", settings=settings, secret=secret)

    def point_to(self, url):
        search = {"stack": self.account, "name": "Errors", "url": url}
        self.desk.world(splunk_alerts=[search])

    def find_message(self, item_id):
        return item_id.partition(":")[0]

    def count_calls(self, since):
        return sum(entry["system"] == self.key for entry in self.desk.ledger(since))


class UnmanagedSplunk(Splunk):
    """The same, where nobody has given access to its management."""

    lists_all = False


class Slack(Sender):
    """Mentions in a channel and in a thread, whose URL stands in the app's settings."""

    key, type, account, page_size = "slack", "slack.mention.created", "T0000ACME", PAGE_SIZE
    collection_count = 2  # histories of channels, and replies in threads
    app = {"app_id": "A0000000HUB", "signing_secret": "8f742231b10e8888abcd99yyyzzz85a5"}
    scopes = (
        "app_mentions:read",
        "channels:history",
        "channels:read",
        "groups:history",
        "groups:read",
        "im:history",
    )
    channel = "C0000ORD1"
    attempts_until_disabled = 1000  # that failed in an hour, at least

    def __init__(self, make, hub):
        self.texts = []
        super().__init__(make, hub)
        self.wait_for_accepted(1)  # the challenge

    def connect(self, make):
        team = {"team": self.account, "token": "xoxb-acme-1", "scopes": ",".join(self.scopes)}
        channels = [{"id": self.channel, "name": "orders"}]
        users = [{"id": "U0000ANN1", "name": "ann"}]
        self.desk.world(slack=[team | {"channels": channels, "users": users}])
        urls = {"api": f"{self.desk.url}/slack/api"}
        secret = {"signing_secret": self.app["signing_secret"]}
        make.app(self.key, secret, urls=urls, hosts=[self.desk.url])
        return make.connection(
            connector=self.key,
            account=self.account,
            secret={"access_token": team["token"]},
            permissions=list(self.scopes),
        )

    def find_url(self, connection):
        source = CONNECTORS[self.key].webhook_source
        return endpoint_url(get_or_create_app_endpoint(self.key, source, now=clock()))

    def point_to(self, url):
        self.desk.world(slack_apps=[self.app | {"request_url": url}])

    def write(self, channel, text, **more):
        """Write as a person; the messages that mention the app are expected as events."""
        path = f"/slack/{self.account}/{channel}/messages"
        answer = self.desk.post(path, data={"text": text, **more}, allow_redirects=False)
        assert answer.status_code == 303, answer.text

    def mention(self, count, **more):
        for _ in range(count):
            self.texts.append(f"question {len(self.texts)}")
            self.write(self.channel, f"@Hub {self.texts[-1]}", **more)

    def act_before(self):
        count = self.count_accepted()
        self.mention(4)
        self.wait_for_accepted(count + 4)
        self.hub.work()

    def act_unheard(self):
        self.mention(3)
        self.mention(1, thread_ts=self.find_thread())

    def find_thread(self):
        """Return the time of a message that arrived."""
        bodies = [json.loads(bytes(row.body)) for row in EventBody.objects.order_by("event_id")]
        return next(body["data"]["ts"] for body in bodies if body["type"] == self.type)

    def act_after(self):
        self.point_to(self.url)
        self.desk.post(f"/slack/apps/{self.app['app_id']}", data={"do": "enable"})
        count = self.count_accepted()
        self.mention(1)
        self.wait_for_accepted(count + 1)
        self.hub.work()
        self.hub.turn(hours=1)
        self.hub.work()

    def disable_webhook(self):
        """Direct messages, which no route takes, are refused until Slack sends nothing more."""
        self.hub.web.is_refusing = True
        for number in range(self.attempts_until_disabled // 2):  # it sends again at once
            self.write("D0000ANN1", f"refused {number}")
        page = f"/slack/apps/{self.app['app_id']}"
        wait_for(lambda: "disabled: more than 95 %" in self.desk.get(page).text)
        self.hub.web.is_refusing = False

    def list_wrong(self):
        """List the mentions that are not one event each."""
        ids = Event.unscoped.filter(type=self.type).values_list("pk", flat=True)
        bodies = EventBody.objects.filter(event_id__in=ids).values_list("body", flat=True)
        texts = [json.loads(bytes(body))["data"]["text"].partition("> ")[2] for body in bodies]
        published = Counter(texts)
        return [text for text in {*self.texts, *published} if published[text] != 1]

    def count_calls(self, since):
        return sum(entry["system"] == self.key for entry in self.desk.ledger(since))


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
