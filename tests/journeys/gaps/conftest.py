"""A hub whose clock the test turns, beside the sandbox."""

from urllib.parse import urlsplit

import pytest

from hub.db.clock import clock
from tests.journeys.gaps.turned_hub import ClockedSandbox, TurnedHub
from tests.journeys.gaps.web import Web


@pytest.fixture
def web():
    web = Web()
    yield web
    web.stop()


@pytest.fixture
def hub(make, web, settings, tmp_path):
    settings.HUB_PUBLIC_URL = web.url
    with ClockedSandbox(tmp_path / "sandbox").running() as desk:
        settings.HUB_EGRESS_ALLOW = [urlsplit(desk.url).netloc]
        hub = TurnedHub(desk, web)
        hub.begin()
        yield hub
    clock.synchronize()
