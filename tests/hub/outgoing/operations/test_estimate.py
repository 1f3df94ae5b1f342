"""The plan of an operation: how many, how old, where, how long under the quotas, and what may be
seen twice.
"""

from datetime import timedelta

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from hub.outgoing.operations.estimate import CONNECTIONS_LISTED, SAMPLE_SIZE, estimate_operation
from hub.outgoing.operations.filters import OPERATION_FILTERS, select_deliveries
from hub.throttle.models import QuotaState
from tests.factories import MINUTE, NOON
from tests.hub.outgoing.operating import LATER, copy_delivery, put

pytestmark = pytest.mark.django_db


def estimate(kind="retry", tenant=None, **options):
    return estimate_operation(
        kind, select_deliveries(kind, {}, tenant, includes_platform=True), now=LATER, **options
    )


@pytest.fixture
def dead(make):
    """Make so many dead deliveries on one connection."""

    def dead(count=1, connector="webhook", **columns):
        first = make.delivery(make.connection(connector=connector))
        return put([first, *copy_delivery(first, count - 1)], "failed", "exhausted", **columns)

    return dead


def test_nothing_is_a_plan_too(db):
    plan = estimate()
    assert (plan.count, plan.facts["oldest"], plan.facts["connections"], plan.facts["seconds"]) == (
        0,
        None,
        [],
        0,
    )


def test_it_counts_by_connection_the_largest_first(dead):
    dead(2)
    dead(5)
    plan = estimate()
    assert (plan.count, plan.facts["tenants"]) == (7, 2)
    assert [entry["rows"] for entry in plan.facts["connections"]] == [5, 2]


def test_it_tells_the_oldest_and_shows_some(dead):
    rows = dead(8)
    put(rows[3:4], "failed", accepted_at=NOON - MINUTE)
    facts = estimate().facts
    assert facts["oldest"] == (NOON - MINUTE).isoformat()
    assert [entry["id"] for entry in facts["sample"]] == [
        str(row.public_id) for row in rows[:SAMPLE_SIZE]
    ]


def test_beyond_the_counted_ones_the_estimate_is_a_lower_bound_and_all_are_selected(dead):
    rows = dead(8)
    plan = estimate(limit=5)
    assert (plan.count, plan.more, plan.last) == (5, True, rows[-1].pk)


def test_only_the_first_connections_are_named(dead):
    for _ in range(CONNECTIONS_LISTED + 2):
        dead()
    facts = estimate().facts
    assert (len(facts["connections"]), facts["other_connections"]) == (CONNECTIONS_LISTED, 2)


def test_a_channel_that_takes_one_a_second_says_how_long(dead):
    dead(100, "slack")
    assert 100 <= estimate().facts["seconds"] <= 120


def test_a_quota_that_rests_is_waited_for(dead):
    connection = dead(1, "slack")[0].connection
    until = LATER + timedelta(hours=1)
    QuotaState.objects.create(
        key=f"slack|method|{connection.account}|chat.postMessage",
        connector_key="slack",
        kind="method",
        paused_until=until,
    )
    assert 3600 <= estimate().facts["seconds"] <= 3610


def test_a_budget_that_is_spent_is_waited_for(dead):
    connection = dead(10, "salesforce")[0].connection
    QuotaState.objects.create(
        key=f"salesforce|account|{connection.account}|",
        connector_key="salesforce",
        kind="account",
        used_units=100,
        reported_limit=100,
        window_ends=LATER + timedelta(hours=5),
    )
    assert estimate().facts["seconds"] == 5 * 3600


def test_what_is_not_sent_takes_no_time_and_doubles_nothing(dead):
    dead(50, "slack", possibly_delivered=True)
    facts = estimate("skip").facts
    assert (facts["seconds"], facts["doubles"], facts["possibly_delivered"]) == (0, 0, 50)


@pytest.mark.parametrize(("connector", "doubles"), [("webhook", 0), ("slack", 3)])
def test_a_possible_arrival_is_a_risk_where_the_system_cannot_take_the_id(dead, connector, doubles):
    put(dead(5, connector)[:3], "failed", possibly_delivered=True)
    assert estimate().facts["doubles"] == doubles


def test_sending_again_risks_all_of_them(dead):
    put(dead(5, "slack"), "delivered")
    assert estimate("send_again").facts["doubles"] == 5


def test_it_asks_a_fixed_number_of_questions(dead):
    def questions():
        with CaptureQueriesContext(database) as queries:
            estimate()
        return len(queries)

    dead()
    few = questions()
    for _ in range(4):
        dead(3)
    assert questions() == few <= 7


def test_a_filter_says_nothing_but_the_ways_on_the_list(db):
    with pytest.raises(LookupError):
        select_deliveries("retry", {"tenant__reference": "acme"}, None, includes_platform=True)
    assert "tenant" not in OPERATION_FILTERS


def test_each_way_narrows(dead):
    row = put(dead(1, "slack"), "failed", "exhausted")[0]
    dead()
    data = {
        "reason": "exhausted",
        "connector": "slack",
        "connection": str(row.connection.public_id),
        "route": str(row.route.public_id),
        "event_type": "order.created",
        "since": NOON.isoformat(),
        "until": LATER.isoformat(),
        "stopped_since": NOON.isoformat(),
        "deliveries": [str(row.public_id)],
        "state": "failed",
    }
    assert data.keys() == OPERATION_FILTERS.keys()
    assert list(select_deliveries("retry", data, None, includes_platform=True)) == [row]
    for name, other in {"since": LATER, "until": NOON, "stopped_since": LATER}.items():
        assert not select_deliveries(
            "retry", data | {name: other.isoformat()}, None, includes_platform=True
        ).exists()
