"""A connection whose endpoint is down rests, is tried by one call at a time, and says so."""

from dataclasses import replace
from datetime import timedelta

import pytest

from connectors.http import Response
from hub.connections.models import Connection, Lane
from hub.egress import EgressRefused, RequestNotSent, ResponseNotReceived
from hub.notices.models import Notice
from hub.outgoing.breaker import (
    BreakerState,
    CallCounts,
    compute_open_duration,
    find_due_disable_warning,
    has_failed_for,
    score_calls,
)
from hub.outgoing.insight.explain import (
    explain_delivery,
    match_effective_state,
    readable_deliveries,
    resolve_effective_state,
)
from hub.outgoing.models import Delivery
from tests.factories import MINUTE, NOON
from tests.fakes import FakeHttp
from tests.hub.outgoing.pump.test_loop import pump

SECOND, DAY = timedelta(seconds=1), timedelta(days=1)
DOWN, UP = CallCounts(down=1, failed=1), CallCounts(up=1, succeeded=1)


def after(*calls, health=None, now=NOON):
    health = health or BreakerState()
    for call in calls:
        health = score_calls(health, call, now=now)
    return health


# --- judged by a rate -----------------------------------------------------------------------------


def test_few_failures_open_nothing():
    assert not after(*[DOWN] * 9).is_open


def test_half_of_ten_opens():
    assert after(*[DOWN, UP] * 5).is_open


def test_less_than_half_of_many_opens_nothing():
    assert not after(DOWN, *[UP, UP, DOWN] * 30).is_open


def test_only_what_happens_now_counts_for_a_busy_connection():
    busy = after(DOWN, *[UP] * 10_000)
    assert after(*[DOWN] * 20, health=busy).is_open


def test_old_failures_are_forgotten():
    old = after(*[DOWN] * 9)
    assert not after(DOWN, health=old, now=NOON + 2 * MINUTE).is_open
    assert after(UP, health=old, now=NOON + 10 * MINUTE).has_no_failures


def test_a_connection_where_all_is_well_stays_calm():
    assert after(*[UP] * 100).has_no_failures


def test_each_failed_probe_rests_twice_as_long_and_ten_minutes_at_most():
    assert [compute_open_duration(opened).total_seconds() for opened in range(1, 8)] == [
        30,
        60,
        120,
        240,
        480,
        600,
        600,
    ]


def test_a_probe_that_says_nothing_asks_for_another_as_long_a_rest_later():
    opened = after(*[DOWN] * 10)
    health = score_calls(opened, CallCounts(), now=opened.open_until)
    assert (health.breaker_trips, health.open_until) == (1, opened.open_until + 30 * SECOND)


def test_what_was_still_in_flight_when_it_opened_counts_no_more():
    opened = after(*[DOWN] * 10)
    later = score_calls(opened, DOWN, now=NOON + SECOND)
    assert replace(later, failed_calls=opened.failed_calls) == opened


# --- over days ------------------------------------------------------------------------------------


def test_it_is_given_up_after_days_of_nothing_but_failures():
    health = after(DOWN)
    assert not has_failed_for(health, after=5 * DAY, now=NOON + 4 * DAY)
    assert has_failed_for(health, after=5 * DAY, now=NOON + 5 * DAY)
    assert after(UP, health=health).failing_since is None


@pytest.mark.parametrize(("days", "percent"), [(2, None), (2.5, 50), (3.5, 70), (4.5, 90)])
def test_it_is_announced(days, percent):
    now = NOON + days * DAY
    assert find_due_disable_warning(after(DOWN), disable_after=5 * DAY, now=now) == percent


# --- in the pump ----------------------------------------------------------------------------------


@pytest.fixture
def dozen_deliveries(make):
    """A dozen deliveries to one endpoint, one call at a time."""
    connection = make.connection()
    for _ in range(12):
        make.delivery(connection)
    Lane.unscoped.update(in_flight=1)
    return connection


def lane_of(connection):
    return Lane.unscoped.get(connection=connection)


def open_breaker(connection):
    for _ in range(12):
        Delivery.unscoped.update(due_at=NOON)
        Lane.unscoped.update(due_at=NOON)
        pump(FakeHttp(Response(500)))
        if lane_of(connection).hold_reason:
            return
    raise AssertionError("it never opened")


@pytest.mark.django_db
def test_it_opens_holds_the_lane_and_says_so(dozen_deliveries):
    open_breaker(dozen_deliveries)
    dozen_deliveries.refresh_from_db()
    assert (
        lane_of(dozen_deliveries).hold_reason,
        dozen_deliveries.state,
        dozen_deliveries.reason,
    ) == (
        "breaker_open",
        "degraded",
        "breaker_open",
    )
    delivery = readable_deliveries().first()
    assert resolve_effective_state(delivery)[:2] == ("held", "breaker_open")
    assert Delivery.unscoped.filter(match_effective_state("held")).count() == 12
    assert explain_delivery(delivery, now=NOON).first_failed_check.name == "breaker"
    assert pump(FakeHttp()).requests == []


@pytest.mark.django_db
def test_one_call_probes_and_a_failed_one_lets_it_rest_longer(dozen_deliveries):
    open_breaker(dozen_deliveries)
    assert len(pump(FakeHttp(Response(503)), at=NOON + 31 * SECOND).requests) == 1
    assert lane_of(dozen_deliveries).open_until == NOON + 91 * SECOND


@pytest.mark.django_db
def test_a_probe_that_is_answered_closes_it_and_all_goes_out(dozen_deliveries):
    open_breaker(dozen_deliveries)
    Delivery.unscoped.update(due_at=NOON)
    pump(FakeHttp(), at=NOON + MINUTE)
    dozen_deliveries.refresh_from_db()
    assert (
        lane_of(dozen_deliveries).hold_reason,
        dozen_deliveries.state,
        dozen_deliveries.reason,
    ) == ("", "healthy", "")
    for _ in range(3):
        pump(FakeHttp(), at=NOON + MINUTE)
    assert Delivery.unscoped.filter(state="delivered").count() == 12


@pytest.mark.django_db
@pytest.mark.parametrize(
    "answer", [Response(429), Response(404), Response(301), EgressRefused("denied_address", "")]
)
def test_what_says_nothing_of_the_endpoint_opens_nothing(dozen_deliveries, answer):
    pump(FakeHttp(answer))
    assert (lane_of(dozen_deliveries).hold_reason, lane_of(dozen_deliveries).failure_score) == (
        "",
        0,
    )


@pytest.mark.django_db
@pytest.mark.parametrize(
    "answer",
    [Response(502), RequestNotSent("dns_failed", ""), ResponseNotReceived("timed_out", "")],
)
def test_what_speaks_of_the_whole_endpoint_opens_it(dozen_deliveries, answer):
    pump(FakeHttp(answer))
    assert lane_of(dozen_deliveries).hold_reason == "breaker_open"


@pytest.mark.django_db
def test_a_person_who_resumes_it_begins_anew(dozen_deliveries):
    open_breaker(dozen_deliveries)
    dozen_deliveries.refresh_from_db()
    dozen_deliveries.pause("looking", until=None, now=NOON)
    dozen_deliveries.mark_healthy(now=NOON)
    assert (lane_of(dozen_deliveries).hold_reason, lane_of(dozen_deliveries).open_until) == (
        "",
        None,
    )


@pytest.mark.django_db
def test_what_is_well_costs_no_statement_of_the_breakers(make, django_assert_num_queries):
    from hub.outgoing.pump.settling.endpoint_health import (
        update_endpoint_health as weigh_journeys,
    )
    from hub.outgoing.pump.types import LaneBatch, OutboundRequest, SendResult

    connection = make.connection()
    request = OutboundRequest(connection.public_id, None, [], None, ())
    batch = LaneBatch(connection.lane, connection, None)
    send_result = SendResult(batch, request, [], NOON, 1, Response(200))
    with django_assert_num_queries(0):
        weigh_journeys([send_result] * 100, {}, now=NOON)


# --- disabled, never silently ---------------------------------------------------------------------


def fail_at(delivery, moment):
    Delivery.unscoped.filter(pk=delivery.pk).update(state="waiting", due_at=moment, attempt_count=0)
    Lane.unscoped.update(due_at=moment, hold_reason="", open_until=None)
    pump(FakeHttp(Response(500)), at=moment)


@pytest.mark.django_db
def test_an_endpoint_that_fails_for_days_is_announced_and_disabled_with_a_notice(make):
    delivery = make.delivery()
    for days in (0, 1, 2.6, 2.7, 3.6, 4.6):
        fail_at(delivery, NOON + days * DAY)
    assert Connection.unscoped.get().state == "degraded"
    assert Notice.unscoped.filter(kind="failing").count() == 3
    fail_at(delivery, NOON + 5 * DAY)
    connection = Connection.unscoped.get()
    assert (connection.state, connection.reason) == ("disabled", "failing")
    notice = Notice.unscoped.get(kind="disabled")
    assert (notice.tenant, notice.connection) == (connection.tenant, connection)


@pytest.mark.django_db
def test_410_disables_with_a_notice(make):
    delivery = make.delivery()
    pump(FakeHttp(Response(410)))
    assert Notice.unscoped.get().connection == delivery.connection
