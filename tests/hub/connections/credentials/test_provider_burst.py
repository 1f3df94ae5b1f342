"""Many calls to slow providers at once leave threads for the pages."""

import contextlib
import http.client
import json
import socket
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from bench.installation.web import serving
from hub.connections.credentials.provider_call import (
    PROVIDER_CALLS_MAX,
)
from tests.hub.outside import outside as database_of

pytestmark = pytest.mark.django_db

BURST = 34
HOST, JSON = {"Host": "hub.test"}, {"Content-Type": "application/json"}
SLOW_LEAST = 5  # seconds that a provider who never answers keeps a thread


class SilentProvider:
    """A system that takes connections and never answers."""

    def __init__(self, server):
        self.server, self.held = server, []
        self.address = "{}:{}".format(*server.getsockname())

    def accept(self, count):
        """Return when it holds so many connections."""
        while len(self.held) < count:
            line, _ = self.server.accept()
            self.held.append(line)

    @classmethod
    @contextlib.contextmanager
    def listening(cls):
        with socket.create_server(("127.0.0.1", 0), backlog=200) as server:
            provider = cls(server)
            try:
                yield provider
            finally:
                for line in provider.held:
                    line.close()


def add_endpoint(place, key, provider):
    """The status of a new endpoint's test, and the seconds that it took."""
    host, port = place.split(":")
    line = http.client.HTTPConnection(host, int(port), timeout=60)
    started_at = time.monotonic()
    with contextlib.closing(line):
        body = json.dumps(
            {"connector": "webhook", "name": "Slow", "settings": {"url": f"http://{provider}/hook"}}
        )
        line.request(
            "POST", "/api/v1/connections", body, {"Authorization": f"Bearer {key}"} | JSON | HOST
        )
        return line.getresponse().status, time.monotonic() - started_at


def measure_page(place, path):
    host, port = place.split(":")
    line, started_at = http.client.HTTPConnection(host, int(port), timeout=60), time.monotonic()
    with contextlib.closing(line):
        line.request("GET", path, headers=HOST)
        assert line.getresponse().status == 200
        return time.monotonic() - started_at


@pytest.mark.desk
@pytest.mark.django_db(transaction=True)
def test_a_burst_of_slow_providers_delays_no_page(make, tmp_path, monkeypatch):
    keys = [make.api_key(make.tenant(), scopes=["connections:write"]) for _ in range(BURST)]
    with SilentProvider.listening() as provider, database_of(tmp_path) as url:
        monkeypatch.setenv("DATABASE_URL", url)
        monkeypatch.setenv("HUB_EGRESS_ALLOW", provider.address)
        with serving() as place, ThreadPoolExecutor(BURST) as crowd:
            calls = [crowd.submit(add_endpoint, place, key, provider.address) for key in keys]
            provider.accept(PROVIDER_CALLS_MAX)
            pages = [measure_page(place, path) for path in ("/livez", "/accounts/login/") * 3]
            answers = [call.result() for call in calls]
    statuses = [status for status, _ in answers]
    assert statuses.count(503) == BURST - PROVIDER_CALLS_MAX
    assert sum(seconds > SLOW_LEAST for _, seconds in answers) == PROVIDER_CALLS_MAX
    assert max(pages) <= 1
