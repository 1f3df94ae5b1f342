"""The systems of the matrix that send messages, whose URL a person enters there."""

import json
from collections import Counter
from datetime import timedelta

from connectors.registry import CONNECTORS
from connectors.slack.feeds import PAGE_SIZE
from hub.db.clock import clock
from hub.incoming.endpoints.create import endpoint_url, get_or_create_app_endpoint
from hub.incoming.models import (
    InboundEndpoint,
    InboundSource,
    RhythmDay,
    SourceRhythm,
)
from hub.incoming.rhythm.counting import HOURS
from hub.incoming.watch.rhythm_rows import learn_due_rhythms
from hub.outgoing.models import Event, EventBody
from tests.journeys.gaps.systems import System, wait_for
from tests.sandbox.test_connectors import SIGNING_SECRET

KNOWN_DAYS = 40
HEC_TOKEN = "11111111-1111-4111-8111-111111111111"


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
