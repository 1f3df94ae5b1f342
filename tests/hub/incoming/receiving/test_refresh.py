"""The event loop loads a receiver in use again before it is too old, and no request waits."""

import asyncio

import pytest
from django.db import OperationalError
from django.db.backends.utils import CursorWrapper
from django.test import Client

from hub.db.clock import clock
from hub.incoming.api.webhook_route import REFRESH_AGE, WebhookRoute, read_receiver_key
from hub.incoming.receiving.receive import RECEIVERS
from hub.incoming.receiving.receiver_cache import MAX_AGE
from tests.hub.incoming.sources import make_sender

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def route():
    route = WebhookRoute(answer_seconds=20)
    yield route
    route.close()


@pytest.fixture
def path(make):
    RECEIVERS.receivers.clear()
    return make_sender(make, Client(), "slack").sign(b"").path


async def find_twice(route, path):
    """Return two receivers, the second found at an age at which it is refreshed."""
    first = await route.find_receiver(path, max_age=MAX_AGE, now=clock())
    loaded_at, _ = RECEIVERS.receivers[read_receiver_key(path)]
    second = await route.find_receiver(path, max_age=MAX_AGE, now=loaded_at + REFRESH_AGE * 1.5)
    return loaded_at, first, second


async def wait_for_refresh(route):
    assert len(route.refreshing) == 1
    async with asyncio.timeout(20):
        while route.refreshing:
            await asyncio.sleep(0.01)


def test_a_receiver_in_use_is_loaded_again_while_its_requests_go_on(route, path):
    async def use():
        loaded_at, first, second = await find_twice(route, path)
        assert first is second
        await wait_for_refresh(route)
        reloaded_at, receiver = RECEIVERS.receivers[read_receiver_key(path)]
        assert reloaded_at > loaded_at and receiver.endpoint == first.endpoint

    asyncio.run(use())


def test_without_a_database_it_stays_until_it_is_too_old(route, path, monkeypatch):
    def break_off(*_arguments):
        raise OperationalError("the connection was closed")

    async def use():
        await route.find_receiver(path, max_age=MAX_AGE, now=clock())
        monkeypatch.setattr(CursorWrapper, "execute", break_off)
        loaded_at, _, _ = await find_twice(route, path)
        await wait_for_refresh(route)
        with pytest.raises(OperationalError):
            await route.find_receiver(path, max_age=MAX_AGE, now=loaded_at + MAX_AGE)

    asyncio.run(use())
    assert route.refreshing == set()
