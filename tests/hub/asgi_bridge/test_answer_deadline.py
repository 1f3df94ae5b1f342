"""A webhook is answered in time although the database is silent."""

import threading
import time

import pytest
from django.conf import settings
from django.db import connection as database
from django.db import connections

from hub.asgi_bridge import AsgiBridge, Limits
from hub.asgi_bridge.short_chain import ShortChainHandler
from hub.incoming.api.webhook_route import WebhookRoute
from hub.incoming.models import InboundMessage
from hub.incoming.receiving.receive import RECEIVERS
from tests.hub.asgi_bridge.asgi_client import Page, ask
from tests.hub.asgi_bridge.silent_proxy import SilentProxy
from tests.hub.incoming.loop_client import refuse_all
from tests.hub.incoming.sources import make_sender

WEBHOOK = "/hooks/slack/key/"
DEADLINE = Limits().webhook_answer_seconds


class Gate:
    """A Django whose requests wait until the gate is open."""

    def __init__(self):
        self.is_open = threading.Event()
        self.calls = 0

    def __call__(self, environ, start_response):
        self.calls += 1
        self.is_open.wait(20)
        start_response("200 OK", [])
        return Page([b"done"])


@pytest.fixture
def gate():
    gate = Gate()
    yield gate
    gate.is_open.set()


def build_front(wsgi, *, loop_routes=(), **limits):
    limits = Limits(**{"webhook_answer_seconds": 0.2} | limits)
    options = {"deadline_path": "/hooks/", "loop_routes": loop_routes}
    return AsgiBridge(wsgi, behind_proxy=False, limits=limits, **options)


def test_a_webhook_whose_thread_waits_is_refused_and_the_system_tries_again(gate):
    client = ask(build_front(gate), path=WEBHOOK)
    assert (client.status, client.headers["retry-after"]) == (503, "5")


def test_a_webhook_that_waits_for_threads_that_hang_is_refused_and_leaves_the_queue(gate):
    front = build_front(gate, threads=1)
    assert [ask(front, path=WEBHOOK).status for _ in range(3)] == [503] * 3
    assert (gate.calls, len(front.threads.waiting), front.requests.used) == (1, 0, 0)


def test_other_requests_may_take_as_long_as_they_need(gate):
    threading.Timer(0.5, gate.is_open.set).start()
    assert ask(build_front(gate), path="/api/v1/events").status == 200


def test_a_webhook_waits_for_a_thread_as_long_as_others_succeed(gate):
    front = build_front(gate, threads=1)
    front.threads.submit(lambda: gate.is_open.wait(20))
    threading.Timer(0.5, gate.is_open.set).start()
    front.deadline.succeeded_at = float("inf")
    assert ask(front, path=WEBHOOK).status == 200


@pytest.fixture
def proxy(make):
    """Let new connections of the database go through a proxy, until the test ends."""
    if database.vendor != "postgresql":
        pytest.skip("SQLite has no connection")
    config = connections.settings["default"]
    before = {name: config[name] for name in ("HOST", "PORT")}
    info = database.connection.info
    proxy = SilentProxy(info.host, info.port)
    config.update(HOST="127.0.0.1", PORT=proxy.port)
    yield proxy
    config.update(before)


def close_connections(front):
    """Close the database connections of all threads of a front."""
    barrier = threading.Barrier(front.threads.started + 1, timeout=30)

    def close():
        connections.close_all()
        barrier.wait()

    for _ in range(front.threads.started):
        front.threads.submit(close)
    barrier.wait()


@pytest.fixture(params=["loop", "1 thread", "2 threads"])
def front(request, proxy):
    """Webhooks are received by the event loop or by the view; a second thread connects anew."""
    if request.param == "loop":
        route = WebhookRoute(answer_seconds=DEADLINE)
        front = build_front(refuse_all, webhook_answer_seconds=DEADLINE, loop_routes=[route])
        yield front
        proxy.close()  # frees the threads that wait
        front.loop_routes.close()
        return
    wsgi = ShortChainHandler(settings.HUB_SHORT_CHAINS[settings.HUB_WEBHOOK_PATH])
    front = build_front(wsgi, webhook_answer_seconds=DEADLINE, threads=int(request.param[0]))
    yield front
    proxy.close()
    close_connections(front)


@pytest.mark.django_db(transaction=True)
def test_a_database_that_accepts_and_stays_silent_makes_a_webhook_503_at_its_deadline(
    make, client, proxy, front
):
    sender = make_sender(make, client, "slack")

    def post(body):
        RECEIVERS.receivers.clear()
        request = sender.sign(body)
        more = [("Content-Length", str(len(body))), ("Host", "testserver")]
        started_at = time.monotonic()
        answer = ask(front, [body], path=request.path, headers=[*request.headers, *more])
        return answer.status, time.monotonic() - started_at

    assert post(b'{"event_id": "Ev1"}')[0] == 200
    proxy.is_silent = True
    for number in (2, 3):
        status, seconds = post(b'{"event_id": "Ev%d"}' % number)
        assert (status, seconds < DEADLINE + 2) == (503, True)  # a busy machine is late
    assert DEADLINE < 2
    assert InboundMessage.unscoped.count() == 1
