"""Fifty workers see one expiry at once: one of them refreshes, and no grant is lost."""

import random
import threading
from datetime import timedelta

import pytest
from django.db import connection as database
from django.db import connections

from hub.connections.credentials.refresh import refresh_access_token
from hub.connections.models import Connection, Credential
from tests.factories import NOON
from tests.hub.connections.provider import FIRST, ORG, Provider
from tests.hub.connections.token_refresh import fail_on_sleep

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(
        database.vendor != "postgresql", reason="one writer at a time; test_refresh has the same"
    ),
]

WORKERS, EXPIRIES = 50, 100
LONG = 60  # seconds in which every side gets where it should be


class Crowd:
    """Workers that begin together. The one that calls the provider waits until some others have
    left.

    How many is random each time, from none to all: the rest read the row before, while and after
    the new token is stored.
    """

    def __init__(self, provider, random):
        self.provider, self.random, self.now = provider, random, NOON
        self.begin, self.end = threading.Barrier(WORKERS + 1), threading.Barrier(WORKERS + 1)
        self.left, self.faults = threading.Semaphore(0), []

    def call(self, request):
        for _ in range(self.random.randrange(WORKERS)):
            assert self.left.acquire(timeout=LONG)
        return self.provider.call(request)

    def work(self):
        for _ in range(EXPIRIES):
            self.begin.wait(LONG)
            try:
                row = Connection.unscoped.select_related("credential").get(
                    connector_key="salesforce"
                )
                if not refresh_access_token(
                    row, call=self.call, now=self.now, random=lambda: 0.5, sleep=fail_on_sleep
                ):
                    self.left.release()
            except Exception as fault:
                self.faults.append(fault)
                self.left.release()
            self.end.wait(LONG)
        connections.close_all()

    def expire(self):
        self.now += timedelta(hours=2)
        self.left = threading.Semaphore(0)
        row = Credential.unscoped.get()
        assert row.await_refresh(used=row.version, now=self.now)
        self.begin.wait(LONG)
        self.end.wait(LONG)


@pytest.fixture
def provider(make, tmp_path):
    make.app("salesforce", {"client_id": "id", "client_secret": "a client secret"})
    make.connection(
        connector="salesforce",
        account=ORG,
        secret={"access_token": "00D!0", "refresh_token": FIRST},
    )
    return Provider(tmp_path / "endpoint")


def test_a_hundred_expiries_are_a_hundred_calls(provider):
    crowd = Crowd(provider, random.Random(13))
    workers = [threading.Thread(target=crowd.work, daemon=True) for _ in range(WORKERS)]
    for worker in workers:
        worker.start()
    for _ in range(EXPIRIES):
        crowd.expire()
    for worker in workers:
        worker.join(LONG)
    credential, row = Credential.unscoped.get(), Connection.unscoped.get()
    assert (crowd.faults, provider.known["calls"], credential.version) == (
        [],
        EXPIRIES,
        EXPIRIES + 1,
    )
    assert provider.known["live"] == [credential.open(row)["refresh_token"]]
    assert row.state == "healthy"
