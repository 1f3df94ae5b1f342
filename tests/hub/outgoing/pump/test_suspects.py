"""A message that kills the process which sends it fails after five claims; the rest is sent."""

import asyncio
import json
import os
import subprocess
import sys
from contextlib import asynccontextmanager

import pytest
from django.db import connection as database

from bench.installation.migrated import migrate_fresh
from connectors.http import Response
from hub.connections.models import Lane
from hub.outgoing.models import Delivery
from hub.outgoing.pump.claiming.config_cache import ConfigCache
from hub.outgoing.pump.claiming.suspects import claim_suspects, has_waiting_suspects
from hub.outgoing.pump.loop import run_pump
from hub.processes.db_thread import run_with_loop
from tests.factories import NOON
from tests.fakes import FakeHttp
from tests.hub.outgoing.delivery_states import simulate_pump_crash
from tests.hub.outgoing.pump.builders import build_pump_loop
from tests.hub.outgoing.pump.test_loop import pump

SIGKILLED = -9


@pytest.fixture
def process(tmp_path, transactional_db):
    """Runs the script on a database that processes can share."""
    url = f"sqlite:///{tmp_path / 'hub.sqlite3'}"
    if database.vendor == "postgresql":
        given, _, _ = os.environ["DATABASE_URL"].partition("?")
        url = os.environ["DATABASE_URL"].replace(
            given, f"{given.rpartition('/')[0]}/{database.settings_dict['NAME']}"
        )
    environment = os.environ | {"DATABASE_URL": url}

    def run(*command):
        return subprocess.run(
            [sys.executable, *command], env=environment, capture_output=True, text=True, timeout=60
        )

    if database.vendor == "sqlite":
        migrate_fresh(url, environment)
    return lambda *said: run("-m", "tests.hub.outgoing.poison", *said)


def test_a_poison_delivery_fails_after_five_claims_and_the_rest_is_sent(process):
    process("make")
    ends = [process("pump", str(minute)).returncode for minute in range(8)]
    assert ends[:5] == [SIGKILLED] * 5 and set(ends[5:]) == {0}
    rows = json.loads(process("told").stdout)
    assert rows.count(["failed", "crashed", 5]) == 1
    assert [state for state, *_ in rows].count("delivered") == len(rows) - 1 == 4


@pytest.mark.django_db
def test_one_crash_raises_no_suspicion_and_two_do(make):
    delivery = make.delivery()
    Delivery.unscoped.update(crash_count=1)
    assert not has_waiting_suspects(now=NOON)
    Delivery.unscoped.update(crash_count=2)
    assert has_waiting_suspects(now=NOON)
    delivery.connection.pause("looking", until=None, now=NOON)
    assert not has_waiting_suspects(now=NOON)


@pytest.mark.django_db
def test_the_suspects_that_crashed_most_often_are_sent_without_the_others(make):
    connection = make.connection()
    rows = [make.delivery(connection) for _ in range(4)]
    Delivery.unscoped.update(crash_count=2)
    worst = {rows[1].pk, rows[2].pk}
    Delivery.unscoped.filter(pk__in=worst).update(crash_count=3)
    (claimed_lane,) = claim_suspects(
        connection.public_id, ConfigCache(), check_lease=lambda: None, now=NOON
    )
    assert {row.pk for row, _ in claimed_lane.deliveries} == worst


@pytest.mark.django_db
@pytest.mark.parametrize(("crashes", "together"), [(2, 32), (3, 8), (4, 1)])
def test_the_more_crashes_the_fewer_suspects_are_sent_together(make, crashes, together):
    connection = make.connection()
    for _ in range(33):
        make.delivery(connection)
    Delivery.unscoped.update(crash_count=crashes)
    (claimed_lane,) = claim_suspects(
        connection.public_id, ConfigCache(), check_lease=lambda: None, now=NOON
    )
    assert len(claimed_lane.deliveries) == together


@pytest.mark.django_db
def test_an_outcome_clears_a_suspect(make):
    delivery = make.delivery()
    Delivery.unscoped.update(crash_count=3)
    pump(FakeHttp(Response(500)))
    delivery.refresh_from_db()
    assert (delivery.state, delivery.crash_count) == ("waiting", 0)


@pytest.mark.django_db
def test_the_fifth_crash_is_the_last(make):
    delivery = make.delivery()
    simulate_pump_crash(delivery)
    Delivery.unscoped.update(crash_count=4)
    pump(FakeHttp())
    delivery.refresh_from_db()
    assert (delivery.state, delivery.reason, delivery.crash_count) == ("failed", "crashed", 5)


@pytest.mark.corrections(item="3.4")
@pytest.mark.django_db
def test_a_suspect_on_a_slow_endpoint_stops_no_other_lane(make):
    suspect, other = make.delivery(make.connection()), make.delivery(make.connection())
    Delivery.unscoped.filter(pk=suspect.pk).update(crash_count=2)

    @asynccontextmanager
    async def outlet():
        other_arrived = asyncio.Event()

        async def send(request):
            if request.headers["webhook-id"] == other.message_id:
                other_arrived.set()
            await asyncio.wait_for(other_arrived.wait(), 5)
            return Response(200)

        yield send

    run_pump(clock=lambda: NOON, open_client=outlet, random=lambda: 0, idle_seconds=0)
    assert set(Delivery.unscoped.values_list("state", flat=True)) == {"delivered"}


@pytest.mark.corrections(item="3.4")
@pytest.mark.django_db
def test_a_suspect_is_claimed_when_the_one_before_has_ended(make):
    first, second = make.delivery(make.connection()), make.delivery(make.connection())
    Delivery.unscoped.filter(pk=first.pk).update(crash_count=4)
    Delivery.unscoped.filter(pk=second.pk).update(crash_count=3)
    pump_loop = build_pump_loop(lambda: NOON)

    def claim():
        batches, _ = run_with_loop(pump_loop.claimer.claim_batches)
        for batch in batches:
            pump_loop.lease_keeper.add_batch(batch)
        return [batch.lane_id for batch in batches if batch.delivery_count]

    assert claim() == [first.connection_id] and claim() == []
    pump_loop.lease_keeper.forget([first.connection_id])
    Lane.unscoped.update(lease=None, lease_until=None)
    assert claim() == [second.connection_id]
