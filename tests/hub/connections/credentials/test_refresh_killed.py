"""A worker is killed between the answer and its store: one person is asked, once."""

import os
import signal
import subprocess
import sys
from datetime import timedelta

import pytest

from hub.connections.models import Connection, Credential, CredentialEvent, Lane
from hub.connections.tasks import wake_up_due_refreshes
from hub.notices.models import Notice
from hub.outgoing.models import Delivery
from hub.queue import WakeUp
from tests.factories import NOON
from tests.fakes import FakeHttp
from tests.hub.connections.provider import FIRST, ORG, Provider
from tests.hub.connections.token_refresh import SESSION_ENDED
from tests.hub.outgoing.pump.test_loop import pump
from tests.hub.outside import outside

pytestmark = pytest.mark.django_db(transaction=True)

SECOND = timedelta(seconds=1)
EVENTS = 3


@pytest.fixture
def connection(make):
    """Events wait for a token that has ended."""
    make.app("salesforce", {"client_id": "id", "client_secret": "a client secret"})
    row = make.connection(
        connector="salesforce",
        account=ORG,
        secret={"access_token": "00D!0", "refresh_token": FIRST},
    )
    for number in range(EVENTS):
        make.delivery(row, data={"number": number, "email": f"{number}@acme.test"})
    pump(FakeHttp(SESSION_ENDED))
    return row


@pytest.fixture
def worker(tmp_path):
    """Refreshes what is due, in a process of its own that works on this database; how it ended."""

    def work(now, *, grace="", **environment):
        command = [
            sys.executable,
            "-m",
            "tests.hub.connections.provider",
            str(tmp_path / "endpoint"),
            now.isoformat(),
        ]
        with outside(tmp_path) as url:
            environment = {**os.environ, "DATABASE_URL": url, **environment}
            return subprocess.run([*command, grace], env=environment, timeout=60).returncode

    return work


def count_refresh_wake_ups(now):
    WakeUp.objects.all().delete()
    wake_up_due_refreshes(now=now)
    return WakeUp.objects.filter(name__startswith="refresh:").count()


def count_waiting_deliveries():
    return Delivery.unscoped.filter(state="waiting", attempt_count=0).count()


def test_a_token_that_is_lost_with_its_worker_asks_one_person_once_and_loses_nothing(
    connection, worker, tmp_path
):
    assert worker(NOON, HUB_FAILPOINTS="O7=kill") == -signal.SIGKILL
    assert (
        count_refresh_wake_ups(NOON + 29 * SECOND),
        count_refresh_wake_ups(NOON + 31 * SECOND),
    ) == (0, 1)
    assert worker(NOON + 31 * SECOND) == 0
    connection.refresh_from_db()
    assert (connection.state, connection.reason) == ("needs_reconnect", "refresh_lost")
    assert [notice.kind for notice in Notice.unscoped.all()] == ["needs_reconnect"]
    assert [event.kind for event in CredentialEvent.unscoped.order_by("id")] == ["unsure", "ended"]
    assert (count_waiting_deliveries(), Lane.unscoped.get().hold_reason) == (
        EVENTS,
        "needs_reconnect",
    )
    assert Provider(tmp_path / "endpoint").known["calls"] == 3
    assert [count_refresh_wake_ups(NOON + timedelta(hours=hours)) for hours in (1, 24, 240)] == [
        0,
        0,
        0,
    ]


def test_no_probe_is_sent_where_a_used_token_still_works_for_a_while(connection, worker, tmp_path):
    assert worker(NOON, grace="grace", HUB_FAILPOINTS="O7=kill") == -signal.SIGKILL
    assert worker(NOON + 31 * SECOND, grace="grace") == 0
    provider = Provider(tmp_path / "endpoint").known
    kept = Credential.unscoped.get().open(Connection.unscoped.get())
    assert (provider["calls"], kept["refresh_token"] in provider["live"]) == (2, True)
    assert (Connection.unscoped.get().state, Notice.unscoped.count()) == ("healthy", 0)
    assert (count_waiting_deliveries(), Lane.unscoped.get().hold_reason) == (EVENTS, "")


def test_a_worker_that_is_not_killed_needs_one_call(connection, worker, tmp_path):
    assert worker(NOON) == 0
    assert Provider(tmp_path / "endpoint").known["calls"] == 1
    assert (Credential.unscoped.get().version, Lane.unscoped.get().hold_reason) == (2, "")
