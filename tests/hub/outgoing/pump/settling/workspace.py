"""A workspace of Slack that counts what arrives in its channels."""

import json
from collections import defaultdict
from datetime import timedelta

from connectors.http import Response
from tests.factories import NOON, Factories
from tests.fakes import FakeHttp
from tests.hub.outgoing.pump.test_loop import pump

POSTED = Response(200, b'{"ok":true,"channel":"C1","ts":"1764072000.000100"}')


class Workspace:
    """A workspace of Slack's, with a route to the channel that an event names, and what has
    arrived.
    """

    def __init__(self):
        self.make, self.now, self.numbers = Factories(), NOON, 0
        self.connection = self.make.connection(connector="slack", account="T1")
        for action, type in (("post_message", "post"), ("update_message", "update")):
            body = {"channel": "data.channel", "text": "data.number", "ts": "'1764000000.000100'"}
            body = (
                body
                if action == "update_message"
                else {key: body[key] for key in ("channel", "text")}
            )
            self.make.route(self.connection, name=type, event_type=type, action=action, body=body)
        self.http = FakeHttp(POSTED)

    def publish(self, channel, count=1, type="post"):
        for _ in range(count):
            self.numbers += 1
            data = {"channel": f"{channel}00000000", "number": str(self.numbers)}
            self.make.event(self.connection.tenant, type, data, id=data["number"], now=self.now)

    def pump(self, after=timedelta(0)):
        self.now += after
        pump(self.http, at=self.now)

    @property
    def posted_numbers(self):
        """The numbers that came to each channel, in their order."""
        found = defaultdict(list)
        for request in self.http.requests:
            said = json.loads(request.content())
            found[said["channel"].rstrip("0")].append(int(said["text"]))
        return found
