"""The sandbox in a thread of this process, on a free port, with a clock that only the test
moves.
"""

import asyncio
import json
import threading
import time
from contextlib import contextmanager
from functools import partial
from random import Random

import aiohttp
import requests
from aiohttp import web

from sandbox.application import SMTP_SERVER, create_app
from sandbox.sending.http_client import deliver

NOON = 1_795_608_000.0  # 2026-11-25T12:00:00Z
INSTANTLY = {"slack": [0, 0], "salesforce": [0, 0], "pipedrive": [0, 0], "splunk": [0, 0]}


class RunningSandbox:
    def __init__(self, state):
        self.state = state
        self.now = NOON
        self.hub = []  # what was posted to it: (url, headers, json)
        self.called_back = []  # what else was sent to it: (method, url, headers, json)
        self.hub_says = (
            202,
            '{"id": "01", "url": "/api/v1/events/01", "page_url": "/open/events/01"}',
        )

    @contextmanager
    def running(self):
        loop, ready = asyncio.new_event_loop(), threading.Event()
        thread = threading.Thread(target=self._run, args=(loop, ready), daemon=True)
        thread.start()
        assert ready.wait(60)
        try:
            self.post("/_control/world", json={"latency": INSTANTLY})
            yield self
        finally:
            loop.call_soon_threadsafe(loop.stop)
            thread.join()

    def get(self, path, **more):
        return requests.get(self.url + path, timeout=10, **more)

    def post(self, path, **more):
        return requests.post(self.url + path, timeout=10, **more)

    def ledger(self, since=0):
        return [
            json.loads(line)
            for line in self.get(f"/_control/ledger?since={since}").text.splitlines()
        ]

    def sent(self, count, since=0):
        """The attempts with a seq above `since`, once there are that many."""
        end = time.monotonic() + 20
        rows = []
        while len(rows) < count and time.monotonic() < end:
            rows = self.get(f"/_control/sent?since={since}").json()["sent"]
            time.sleep(0.01)
        return rows

    def fault(self, system, **more):
        answer = self.post("/_control/faults", json={"system": system, **more})
        assert answer.status_code == 201, answer.text

    def world(self, **sections):
        answer = self.post("/_control/world", json=sections)
        assert answer.status_code == 200, answer.text

    async def _hub(self, method, url, headers, body):
        if method == "POST":
            self.hub.append((url, headers, body))
        else:
            self.called_back.append((method, url, headers, body))
        if isinstance(self.hub_says, Exception):
            raise self.hub_says
        return self.hub_says

    def _run(self, loop, ready):
        asyncio.set_event_loop(loop)
        session = loop.run_until_complete(open_session())
        app = create_app(
            state=self.state,
            world=self.state / "world.json",
            clock=lambda: self.now,
            random=Random(0),
            send=self._hub,
            deliver=partial(deliver, session),
        )
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        loop.run_until_complete(runner.setup())
        site = web.TCPSite(runner, "127.0.0.1", 0)
        loop.run_until_complete(site.start())
        self.mail_port = loop.run_until_complete(app[SMTP_SERVER].listen(0))
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        ready.set()
        loop.run_forever()
        loop.run_until_complete(runner.cleanup())
        loop.run_until_complete(session.close())
        loop.close()


async def open_session():
    return aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())
