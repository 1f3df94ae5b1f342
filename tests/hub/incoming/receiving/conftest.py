"""The two ways of a webhook, by the event loop and by the view, hold what these tests say."""

import pytest
from django.test import Client

from hub.incoming.receiving import admission
from tests.hub.incoming.loop_client import LoopClient


@pytest.fixture(params=["loop", "view"])
def client(request):
    """A client like Django's."""
    if request.param == "view":
        yield Client()
        return
    client = LoopClient()
    yield client
    client.close()


@pytest.fixture(autouse=True)
def uncounted_backlog(monkeypatch):
    """The backlog that a test counted is not the next test's."""
    monkeypatch.setattr(admission.BACKLOG, "is_full", False)
    monkeypatch.setattr(admission.BACKLOG, "dominant_tenants", frozenset())
    monkeypatch.setattr(admission.BACKLOG, "dominant_shares", frozenset())
    monkeypatch.setattr(admission.BACKLOG, "counted_at", None)
