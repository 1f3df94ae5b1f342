"""A large body is read only if its URL exists, and no further than its source may send."""

import asyncio

import pytest
from django.test import Client

from hub.asgi_bridge import AsgiBridge, Limits
from hub.incoming.api.webhook_route import SMALL_BODY, WebhookRoute
from hub.incoming.models import InboundMessage
from tests.hub.asgi_bridge import asgi_client
from tests.hub.incoming.loop_client import refuse_all
from tests.hub.incoming.sources import SOURCES, make_sender

pytestmark = pytest.mark.django_db(transaction=True)
LIMIT = SOURCES["slack"].body_bytes_max
PIECE = b"x" * SMALL_BODY
HOST = ("Host", "testserver")


@pytest.fixture
def path(make):
    return make_sender(make, Client(), "slack").sign(b"").path


@pytest.fixture
def post():
    """Post pieces; return the status, the Connection header and how many were not read."""
    route = WebhookRoute(answer_seconds=20)
    front = AsgiBridge(refuse_all, behind_proxy=False, limits=Limits(), loop_routes=[route])

    def send(path, pieces, *headers):
        client = asgi_client.Client(list(pieces))
        scope = asgi_client.scope(headers=[HOST, *headers], path=path)
        asyncio.run(front(scope | {"raw_path": path.encode()}, client.receive, client.send))
        return client.status, client.headers.get("connection"), len(client.pieces)

    yield send
    front.loop_routes.close()


def test_a_body_that_is_announced_as_too_large_is_not_read(path, post):
    pieces = [PIECE] * (LIMIT // SMALL_BODY + 1)
    length = ("Content-Length", str(LIMIT + 1))
    assert post(path, pieces, length) == (413, "close", len(pieces))
    assert InboundMessage.unscoped.get().size == LIMIT + 1


def test_a_body_of_unknown_length_is_read_to_its_sources_limit(path, post):
    pieces = [PIECE] * (LIMIT // SMALL_BODY + 5)
    assert post(path, pieces, asgi_client.CHUNKED) == (413, "close", 4)
    assert InboundMessage.unscoped.get().size > LIMIT


def test_nothing_large_is_read_for_an_unknown_url(post):
    length = ("Content-Length", str(SMALL_BODY + 1))
    assert post("/hooks/slack/nobody/", [PIECE, b"x"], length) == (404, "close", 2)
