"""A worker that is stopped while others take over its messages does nothing twice when it wakes."""

import os
import signal
import subprocess
import sys
from urllib.parse import urlsplit

import pytest
from django.db import connection as database

from bench.installation.processes import ROOT, wait_until
from hub.audit import ActorContext
from hub.db.clock import clock
from hub.incoming.models import InboundItem
from hub.incoming.processing.claim import MESSAGE_LEASES
from hub.incoming.processing.due_items import count_attempt, due_items
from hub.incoming.processing.replay import replay_item
from hub.incoming.processing.stored_items import process_items
from hub.outgoing.models import Event
from tests.hub.incoming.webhook_posts import post_pipedrive, run_inbox

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.corrections(item="3.3")]
WORKER = """
import time
import django; django.setup()
from hub.db.clock import clock
from hub.incoming.processing.loop import InboxLoop
from hub.processes.leases import new_lease
loop = InboxLoop(new_lease(), clock=clock, pause=time.sleep, stopping=lambda: False)
loop.run(idle_seconds=2, run_seconds=30)
"""
IN_TRANSACTION = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND state = 'idle in transaction'
    AND state_change < clock_timestamp() - interval '0.5 s'
"""


@pytest.fixture
def pipedrive(make):
    return make.connection(connector="pipedrive", account="701", secret={})


def test_items_that_another_worker_published_meanwhile_are_not_published_again(client, pipedrive):
    post_pipedrive(client, pipedrive)
    run_inbox()
    replay_item(InboundItem.unscoped.get(), ActorContext.system(), now=clock())
    ids = count_attempt(due_items().filter(attempt_count=0), limit=1)
    run_inbox()
    published = Event.unscoped.count()
    process_items(ids, now=clock())
    assert ids and published == 2
    assert Event.unscoped.count() == published


@pytest.fixture
def stopped_worker():
    """An inbox loop that was stopped within the transaction of its first batch."""
    url = urlsplit(os.environ["DATABASE_URL"])
    options = "options=-c%20idle_in_transaction_session_timeout%3D4s"
    query = f"{url.query}&{options}" if url.query else options
    name = database.settings_dict["NAME"]
    environment = os.environ | {
        "DATABASE_URL": url._replace(path=f"/{name}", query=query).geturl(),
        "DJANGO_SETTINGS_MODULE": "hub.settings",
        "HUB_FAILPOINTS": "R3=sleep:6@1",  # before the commit
    }
    worker = subprocess.Popen([sys.executable, "-c", WORKER], env=environment, cwd=ROOT)
    wait_until(lambda: count_open_transactions() == 1, within=30, what="a batch")
    worker.send_signal(signal.SIGSTOP)
    yield worker
    worker.kill()
    worker.wait()


def count_open_transactions():
    with database.cursor() as cursor:
        return cursor.execute(IN_TRANSACTION).fetchone()[0]


@pytest.mark.skipif(database.vendor == "sqlite", reason="it has one writer and no such limit")
def test_what_a_worker_holds_that_is_stopped_within_a_transaction_is_free_soon(
    client, pipedrive, request
):
    post_pipedrive(client, pipedrive)
    worker = request.getfixturevalue("stopped_worker")
    later = clock() + MESSAGE_LEASES.lasts
    run_inbox(now=later)
    assert not Event.unscoped.exists()  # its rows are locked
    wait_until(lambda: count_open_transactions() == 0, within=10, what="the server")
    run_inbox(now=later)
    worker.send_signal(signal.SIGCONT)
    assert worker.wait(30) == 0
    assert Event.unscoped.count() == 1
