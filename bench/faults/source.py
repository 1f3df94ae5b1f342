"""Tells events over HTTP at an even pace, come what may, and keeps what was acknowledged."""

import http.client
import itertools
import json
import os
import threading
import time

from bench import seed
from tenants.models import ApiKey

PATIENCE = 5.0  # seconds


class Source:
    """A thread of its own, until `stop` or the end of the block."""

    def __init__(self, place, tenants, *, per_second):
        issue = {"name": "bench", "scopes": ["events:write"], "random": os.urandom}
        self.keys = [ApiKey.issue(tenant=tenant, **issue)[1] for tenant in tenants]
        self.place = place
        self.pause = 1 / per_second
        self.acknowledged = {}  # by the sender's id: when the 2xx was read
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *error):
        self.stop()

    def stop(self):
        self.stopped.set()
        self.thread.join()

    def run(self):
        connection = http.client.HTTPConnection(self.place, timeout=PATIENCE)
        begin = time.monotonic()
        for number, key in enumerate(itertools.cycle(self.keys)):
            if self.stopped.wait(max(0.0, begin + number * self.pause - time.monotonic())):
                break
            try:
                self.tell(connection, f"bench-{number}", key)
            except (OSError, http.client.HTTPException):  # unknown: nobody promised anything
                connection.close()
        connection.close()

    def tell(self, connection, id, key):
        body = json.dumps({"id": id, "type": "order.created", "data": seed.order(0)})
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        connection.request("POST", "/api/v1/events", body, headers)
        answer = connection.getresponse()
        answer.read()
        if answer.status < 300:
            self.acknowledged[id] = time.monotonic()
