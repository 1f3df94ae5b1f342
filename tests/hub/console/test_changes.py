"""What changed since yesterday is named, the largest deviation first, with its likely cause."""

from datetime import timedelta

import pytest

from hub.console.changes import rank_changes
from hub.console.day_figures import ErrorGroup, count_hours, first_hour, group_errors, sum_days
from hub.console.delivery_chart import build_day_chart
from hub.console.overview import Hour
from hub.db.clock import clock
from hub.outgoing.models import Delivery
from tests.factories import MINUTE, NOON

HOUR = timedelta(hours=1)
SINCE = NOON - 3 * HOUR
LONG_BEFORE = NOON - 40 * HOUR


def failures(reason, today, yesterday=0, tenant="Acme", connector="slack", state="failed"):
    return ErrorGroup(
        state, reason, connector, hash(tenant), tenant, today + yesterday, today, yesterday, SINCE
    )


def changes(*errors, days=None, started_at=LONG_BEFORE):
    return rank_changes(errors, days or {}, started_at=started_at)


@pytest.mark.parametrize(
    ("reason", "cause"),
    [
        ("unavailable", "the other system fails or does not answer"),
        ("status_503", "the other system fails or does not answer"),
        ("tokens_revoked", "the authorization was revoked or has ended"),
        ("throttled", "our own limit, pause or switch"),
        ("mapping_failed", "the content"),
        ("internal_error", "a defect of the hub"),
        ("channel_not_found", "the other system refuses the request"),
    ],
)
def test_a_change_names_its_likely_cause(reason, cause):
    (change,) = changes(failures(reason, 9))
    assert f"Likely cause: {cause}" in change.cause


def test_new_errors_shortly_after_a_start_of_the_workers_point_to_a_deploy():
    (change,) = changes(failures("bad_answer", 9), started_at=SINCE - 10 * MINUTE)
    assert "Likely cause: a deploy." in change.cause
    (known,) = changes(failures("bad_answer", 9, 4), started_at=SINCE - 10 * MINUTE)
    assert "deploy" not in known.cause


def test_the_largest_deviation_comes_first_and_counts_all_tenants():
    ranked = changes(
        failures("unavailable", 5),
        failures("tokens_revoked", 30, 1, tenant="Acme", connector="salesforce"),
        failures("tokens_revoked", 20, 0, tenant="Globex", connector="salesforce"),
    )
    assert [change.text for change in ranked] == [
        "Salesforce: 50 failed for 2 tenants, 1 yesterday.",
        "Slack: 5 failed for Acme, 0 yesterday.",
    ]
    assert ranked[0].query == "state=failed&reason=tokens_revoked&connector=salesforce"


def test_what_is_as_it_was_yesterday_is_no_change():
    assert changes(failures("unavailable", 9, 9), failures("unavailable", 2)) == []


def test_a_system_that_received_far_less_is_named():
    days = {("slack", "delivered"): [40, 100], ("splunk", "delivered"): [60, 100]}
    (change,) = changes(days=days)
    assert change.text == "Slack: 40 delivered, 100 yesterday."


def test_a_chart_has_each_hour_with_what_arrived_and_what_failed():
    hours = [Hour(first_hour(NOON) + HOUR * number, number, 1) for number in range(24)]
    chart = build_day_chart("Slack", hours, 7)
    assert (chart.delivered, chart.failed, chart.yesterday) == (276, 24, 7)
    assert chart.hours[-1] == (hours[-1].starts, (23, 1))


@pytest.mark.django_db
def test_two_days_are_counted_by_hour_and_system(make, django_assert_num_queries):
    now = clock()
    for hours in (1, 1, 26, 60):
        delivery = make.delivery(now=now)
        at = now - timedelta(hours=hours)
        Delivery.unscoped.filter(pk=delivery.pk).update(state="delivered", state_changed_at=at)
    with django_assert_num_queries(1):
        counts = count_hours(Delivery.unscoped.all(), now=now)
    assert sum_days(counts, now=now) == {("webhook", "delivered"): [2, 1]}


@pytest.mark.django_db
def test_errors_are_grouped_by_cause_system_and_tenant(make, django_assert_num_queries):
    now = clock()
    for hours, name in ((1, "acme"), (2, "acme"), (30, "acme"), (1, "globex")):
        tenant = make.tenant(f"{name}-{hours}", name=name.title())
        row = make.delivery(make.connection(tenant), now=now)
        at = now - timedelta(hours=hours)
        Delivery.unscoped.filter(pk=row.pk).update(
            state="failed", reason="gone", state_changed_at=at
        )
    with django_assert_num_queries(1):
        groups = group_errors(Delivery.unscoped.all(), "failed", limit=10, now=now)
    assert sorted((g.tenant_name, g.reason, g.today, g.yesterday) for g in groups) == [
        ("Acme", "gone", 0, 1),
        ("Acme", "gone", 1, 0),
        ("Acme", "gone", 1, 0),
        ("Globex", "gone", 1, 0),
    ]
