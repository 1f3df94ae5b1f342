"""Each used object is read once a night, spread over it, and soon after a use has changed."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from connectors.http import Response
from hub.audit import Actor, ActorContext, AuditRow
from hub.connections.connecting.connect import report_replaced_account
from hub.connections.models import Connection
from hub.db.clock import clock
from hub.drift.check import SchemaCheckContext
from hub.drift.drift_actions import CheckRefused, check_schema_now
from hub.drift.models import DriftSchedule, SchemaBaseline
from hub.drift.schedule import (
    check_due_schedules,
    claim_schedule,
    create_missing_schedules,
    find_due_schedules,
    find_next_night,
    schedule_checks_of_changed_uses,
    wake_up_due_drift_checks,
)
from hub.drift.tasks import check_due_connections
from hub.outgoing.models import Route
from hub.queue import WakeUp
from hub.scheduled.models import Job
from hub.sweep import STEPS
from tests.factories import MINUTE, NOON
from tests.fakes import FakeHttp
from tests.hub.drift.schema_changes import describe, list_fields_without, open_findings

pytestmark = pytest.mark.django_db

HAND = ActorContext(Actor("user", "1", "olga@example.com"), request_id="r-1")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def context_of(answer, now=NOON, **more):
    http = FakeHttp(lambda request: answer)
    return SchemaCheckContext(call=http.call, clock=lambda: now, **more), http


@pytest.fixture
def schedule(salesforce, route):
    create_missing_schedules(now=NOON - HOUR)
    return DriftSchedule.unscoped.get()


def reload(schedule):
    return DriftSchedule.unscoped.get(pk=schedule.pk)


def test_connections_with_a_schema_get_a_schedule(make, salesforce, django_assert_num_queries):
    make.connection(connector="slack")
    make.connection(connector="salesforce", state="disabled", reason="disconnected")
    create_missing_schedules(now=NOON)
    schedule = DriftSchedule.unscoped.get()
    assert schedule.connection == salesforce
    assert NOON <= schedule.check_at < NOON + timedelta(minutes=5)
    with django_assert_num_queries(1):
        create_missing_schedules(now=NOON)


def test_the_sweep_wakes_one_task_for_all_connections(make):
    for _number in range(3):
        make.connection(connector="salesforce")
    assert wake_up_due_drift_checks in STEPS
    wake_up_due_drift_checks(now=NOON)
    assert not WakeUp.objects.filter(name__startswith="drift").exists()
    wake_up_due_drift_checks(now=NOON + HOUR)
    assert [bell.name for bell in WakeUp.objects.filter(name__startswith="drift")] == ["drift"]


def test_due_connections_are_checked_and_scheduled_for_the_night(salesforce, schedule):
    context, http = context_of(describe())
    check_due_schedules(context)
    stored = reload(schedule)
    assert (stored.checked_at, stored.planned_at, len(http.requests)) == (NOON, NOON, 1)
    assert stored.check_at == find_next_night(salesforce, now=NOON)
    assert not find_due_schedules(now=NOON + HOUR).exists()


def test_nights_are_the_tenants_and_checks_are_spread_over_them(make):
    zone = ZoneInfo("America/New_York")
    tenant = make.tenant(time_zone=zone.key)
    times = set()
    for _number in range(12):
        connection = make.connection(tenant, "salesforce")
        at = find_next_night(connection, now=NOON).astimezone(zone)
        assert at.date().isoformat() == "2026-11-26" and 1 <= at.hour < 5
        times.add(at)
        following = find_next_night(connection, now=at + MINUTE)
        assert abs(following - at - DAY) <= HOUR
    assert len(times) == 12 and max(times) - min(times) > HOUR


@pytest.mark.parametrize("state", ["paused", "disabled", "needs_reconnect"])
def test_a_connection_that_may_not_send_is_not_asked(salesforce, schedule, state):
    Connection.unscoped.update(state=state)
    context, http = context_of(describe())
    check_due_schedules(context)
    assert http.requests == []
    assert reload(schedule).check_at > NOON + HOUR
    salesforce.refresh_from_db()
    with pytest.raises(CheckRefused):
        check_schema_now(salesforce, HAND, context)


def test_a_disconnected_connection_has_no_findings_and_no_checks(make, salesforce, schedule):
    check_due_schedules(context_of(describe())[0])
    make.drift_finding(salesforce)
    Connection.unscoped.update(state="disabled", reason="disconnected")
    DriftSchedule.unscoped.update(check_at=NOON)
    context, http = context_of(describe())
    check_due_schedules(context)
    assert (http.requests, open_findings()) == ([], [])
    assert not DriftSchedule.unscoped.exists() and not SchemaBaseline.unscoped.exists()


def test_the_task_checks_what_is_due_and_asks_no_stopped_connection(schedule):
    Connection.unscoped.update(state="paused")
    DriftSchedule.unscoped.update(check_at=clock() - MINUTE)
    check_due_connections("drift")
    assert reload(schedule).check_at > clock() + HOUR


def test_what_failed_is_tried_again_soon_and_ever_later(schedule):
    waits = []
    now = NOON
    for _number in range(4):
        check_due_schedules(context_of(Response(503), now)[0])
        stored = reload(schedule)
        waits.append((stored.check_at - now) / MINUTE)
        now = stored.check_at
    assert waits == [10, 20, 40, 80]
    assert (stored.failure, stored.failure_count) == ("unavailable", 4)
    check_due_schedules(context_of(describe(), now)[0])
    stored = reload(schedule)
    assert (stored.failure, stored.failure_count, stored.checked_at) == ("", 0, now)


def test_what_is_refused_waits_for_the_night(salesforce, schedule):
    refusal = Response(403, b'[{"errorCode":"INSUFFICIENT_ACCESS","message":"no"}]')
    check_due_schedules(context_of(refusal)[0])
    stored = reload(schedule)
    assert (stored.check_at, stored.failure) == (
        find_next_night(salesforce, now=NOON),
        "insufficient_access",
    )


def test_a_killed_check_is_due_again(schedule):
    assert claim_schedule(schedule, now=NOON)
    assert not claim_schedule(schedule, now=NOON)
    assert not find_due_schedules(now=NOON + MINUTE).exists()
    assert find_due_schedules(now=NOON + timedelta(minutes=5)).exists()


@pytest.mark.parametrize("what", ["route", "mapping", "job"])
def test_a_changed_use_is_checked_soon(make, acme, route, schedule, what):
    check_due_schedules(context_of(describe())[0])
    schedule_checks_of_changed_uses(now=NOON + MINUTE)
    assert not find_due_schedules(now=NOON + MINUTE).exists()
    if what == "route":
        Route.unscoped.update(changed_at=NOON + MINUTE)
    elif what == "mapping":
        make.version(route.mapping, {"object": "'Lead'", "fields": {}}, at=NOON + MINUTE)
    else:
        make.job(acme, updated_at=NOON + MINUTE)
        assert Job.unscoped.exists()
    schedule_checks_of_changed_uses(now=NOON + MINUTE)
    assert find_due_schedules(now=NOON + MINUTE).exists()


def test_checks_that_a_job_of_all_tenants_causes_are_spread(make, acme, schedule):
    for number in range(3):
        other = make.connection(make.tenant(f"other-{number}"), "salesforce", secret={})
        DriftSchedule.unscoped.create(
            connection=other, check_at=NOON + timedelta(hours=9), planned_at=NOON
        )
    DriftSchedule.unscoped.update(check_at=NOON + timedelta(hours=9), planned_at=NOON)
    later = NOON + MINUTE
    make.job(updated_at=later)
    schedule_checks_of_changed_uses(now=later)
    times = DriftSchedule.unscoped.order_by("check_at").values_list("check_at", flat=True)
    assert list(times) == [later + timedelta(seconds=3 * number) for number in range(4)]


@pytest.mark.corrections(item="1.20")
def test_a_check_is_not_postponed_while_others_keep_changing(make, acme, schedule):
    make.connection(make.tenant("other"), "salesforce", secret={})
    create_missing_schedules(now=NOON)
    DriftSchedule.unscoped.update(check_at=NOON + 9 * HOUR, planned_at=NOON)
    now, checked = NOON, []
    for _ in range(5):
        now += timedelta(seconds=2)
        make.job(updated_at=now)
        schedule_checks_of_changed_uses(now=now)
        for due in find_due_schedules(now=now):
            checked.append(due.connection_id)
            DriftSchedule.unscoped.filter(pk=due.pk).update(
                check_at=NOON + 9 * HOUR, planned_at=now - timedelta(seconds=1)
            )
    assert len(set(checked)) == 2


@pytest.mark.corrections(item="1.20")
def test_of_many_changed_connections_the_one_checked_longest_ago_is_first(make, acme, schedule):
    other = make.connection(make.tenant("other"), "salesforce", secret={})
    create_missing_schedules(now=NOON)
    DriftSchedule.unscoped.update(check_at=NOON + 9 * HOUR, planned_at=NOON)
    DriftSchedule.unscoped.filter(connection=other).update(planned_at=NOON - HOUR)
    make.job(updated_at=NOON + MINUTE)
    schedule_checks_of_changed_uses(now=NOON + MINUTE)
    assert find_due_schedules(now=NOON + MINUTE).get().connection == other


def test_a_changed_route_of_its_events_is_checked_soon(make, acme, schedule):
    check_due_schedules(context_of(describe())[0])
    later = NOON + MINUTE
    make.route(tenant=acme, origin_connector_key="salesforce", changed_at=later)
    schedule_checks_of_changed_uses(now=later)
    assert find_due_schedules(now=later).exists()


def test_changes_of_others_make_nothing_due(make, schedule):
    check_due_schedules(context_of(describe())[0])
    later = NOON + MINUTE
    make.route(tenant=make.tenant("other"), connector="salesforce", changed_at=later)
    make.route(tenant=schedule.connection.tenant, connector="slack", changed_at=later)
    schedule_checks_of_changed_uses(now=later)
    assert not find_due_schedules(now=later).exists()


def test_an_idle_step_of_the_sweep_costs_four_statements_at_most(
    schedule, django_assert_max_num_queries
):
    check_due_schedules(context_of(describe())[0])
    wake_up_due_drift_checks(now=NOON)
    with django_assert_max_num_queries(4):
        wake_up_due_drift_checks(now=NOON + timedelta(seconds=5))


def test_a_person_has_a_connection_checked_now_and_it_is_audited(salesforce, route):
    check_schema_now(salesforce, HAND, context_of(describe())[0])
    result = check_schema_now(
        salesforce, HAND, context_of(describe(*list_fields_without("Title")))[0]
    )
    assert (result.compared_objects, [change for change, *_ in open_findings()]) == (
        ("Lead",),
        ["removed"],
    )
    row = AuditRow.objects.order_by("-pk").first()
    assert (row.verb, row.after["compared"]) == ("connection.check_schema", ["Lead"])
    assert DriftSchedule.unscoped.get().check_at == find_next_night(salesforce, now=NOON)


def test_another_account_is_not_compared_with_the_former_one(salesforce, route):
    check_schema_now(salesforce, HAND, context_of(describe())[0])
    report_replaced_account(salesforce, now=NOON)
    assert not SchemaBaseline.unscoped.exists()
    check_schema_now(salesforce, HAND, context_of(describe(*list_fields_without("Title")))[0])
    assert open_findings() == []
