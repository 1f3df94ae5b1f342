"""Limits of calls in flight, what a run spends, and how many loops a worker has."""

import threading

import pytest
from django.db import connection as database
from django.db import connections

from connectors.http import Request, Response
from hub.connections.calls.reserved_call import QuotaExhausted
from hub.processes.leases import new_lease
from hub.processes.loop_slots import acquire_slot, release_slot
from hub.queue import WakeUp, wake_up
from hub.scheduled.models import Run
from hub.scheduled.runs import claim
from hub.scheduled.runs.calls.provider_calls import reserve_run_call
from hub.scheduled.runs.loop_count import count_loops, is_slot_wanted, wake_runs
from hub.throttle.models import InFlightLease
from tests.factories import NOON
from tests.hub.scheduled.run_helpers import (
    Network,
    after,
    call_many_times,
    job_of,
    read_forever,
    run_due,
    run_of,
)


@pytest.fixture
def app(make):
    """Our own application, which all tenants share."""
    return make.connection(connector="app")


GET = Request("GET", "https://app.example.com/hub/orders")


def test_calls_in_flight_to_our_own_application_are_limited_over_all_loops(app, settings):
    settings.HUB_APP_CALLS = 2
    calls = [reserve_run_call(app, GET, group="", lease=new_lease(), now=NOON) for _ in range(2)]
    with pytest.raises(QuotaExhausted):
        reserve_run_call(app, GET, group="", lease=new_lease(), now=NOON)
    calls[0].end()
    reserve_run_call(app, GET, group="", lease=new_lease(), now=NOON)


def test_calls_in_flight_of_a_group_are_limited(make, settings):
    settings.HUB_GROUP_CALLS = 1
    slack = make.connection(make.tenant(), "slack")
    reserve_run_call(slack, GET, group="1|night", lease=new_lease(), now=NOON)
    with pytest.raises(QuotaExhausted):
        reserve_run_call(slack, GET, group="1|night", lease=new_lease(), now=NOON)
    reserve_run_call(slack, GET, group="2|night", lease=new_lease(), now=NOON)  # another tenant's


def test_no_slot_of_a_call_is_left_behind(make, run_reports):
    run_reports(call_many_times)
    connection = make.connection(make.tenant(), "slack")
    run = run_of(make, job_of(make, connection.tenant, concurrency_group="night"))
    run_due(Network(Response(200, b"{}")))
    run.refresh_from_db()
    assert (run.state, run.calls["slack|calls||"]) == ("finished", 20)
    assert sum(InFlightLease.objects.values_list("count", flat=True)) == 0


def test_a_workers_loops_leave_a_slot_of_the_class_free(make, settings):
    settings.HUB_SLOTS = settings.HUB_SLOTS | {"long": 3}
    leases = [new_lease() for _ in range(4)]

    def acquire(lease, at=NOON):
        return acquire_slot("run", lease, per_worker=count_loops(), now=at)

    assert [acquire(lease) for lease in leases] == [True, True, False, False]
    release_slot(leases[0])
    assert acquire(leases[2])
    assert acquire(leases[3], after(minutes=1))  # the others have died


def test_a_loop_in_the_only_slot_gives_way_to_tasks_that_wait(make, run_reports):
    run_reports(read_forever)
    connection = make.connection(make.tenant(), "slack")
    run = run_of(make, job_of(make, connection.tenant))
    network = run_due(is_slot_wanted=lambda: True, yield_after=0.4)
    run.refresh_from_db()
    assert (run.state, run.attempt_count) == ("waiting", 0)
    assert run.cursor == {"page": len(network.requests)}


def test_the_only_slot_is_wanted_while_a_task_of_the_class_waits(db, settings):
    settings.HUB_SLOTS = settings.HUB_SLOTS | {"long": 1}
    assert not is_slot_wanted()
    wake_up("mail", now=NOON)
    assert not is_slot_wanted()
    wake_up("prune", now=NOON)
    assert is_slot_wanted()
    settings.HUB_SLOTS = settings.HUB_SLOTS | {"long": 2}
    assert not is_slot_wanted()


def test_a_loop_is_woken_if_none_runs_and_something_is_due(make):
    wake_runs(now=NOON)
    assert not WakeUp.objects.exists()
    run_of(make)
    acquire_slot("run", new_lease(), now=NOON)
    wake_runs(now=NOON)
    assert not WakeUp.objects.exists()
    wake_runs(now=after(seconds=12))
    assert WakeUp.objects.filter(name="run").exists()


@pytest.mark.django_db(transaction=True)
def test_workers_that_claim_at_the_same_time_share_the_runs(make):
    if database.vendor == "sqlite":
        pytest.skip("SQLite in memory has one connection")
    job = job_of(make)
    tenants = [make.tenant() for _ in range(6)]
    for tenant in tenants * 2:  # two runs of each pair
        run_of(make, job, tenant)
    barrier, claimed = threading.Barrier(4), list[Run]()

    def work():
        barrier.wait()
        for _ in range(5):
            claimed.extend(claim.claim_runs(3, new_lease(), now=NOON))
        connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(run.tenant_id for run in claimed) == [tenant.pk for tenant in tenants]
    assert len({run.pk for run in claimed}) == len(tenants)
