"""What integrations did this week is counted in three statements."""

from datetime import timedelta

from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from hub.outgoing.models import Delivery
from hub.recipes.activity import WEEK, count_activity
from hub.recipes.models import Integration
from tests.factories import NOON
from tests.hub.recipes.integrations import CHANNEL, create_integration


def activity_of(tenant):
    integrations = list(Integration.objects.of(tenant).order_by("pk"))
    return count_activity(tenant, integrations, since=NOON - WEEK)


def test_deliveries_are_counted_by_state(make, acme):
    integration = create_integration(acme)
    for number, state in enumerate(["delivered", "delivered", "held", "failed", "skipped"]):
        event = make.event(acme, id=f"{number}")
        Delivery.unscoped.filter(event=event).update(state=state)
    activity = activity_of(acme)[integration.pk]
    assert (activity.delivered, activity.held, activity.failed) == (2, 1, 1)
    assert (activity.attention_count, activity.last_at, activity.is_partial) == (2, NOON, False)


def test_what_is_older_than_a_week_or_another_tenants_is_left_out(make, acme):
    integration = create_integration(acme)
    globex = make.tenant("globex")
    make.connection(globex, "slack")
    create_integration(globex)
    make.event(globex)
    make.event(acme, now=NOON - timedelta(days=8))
    assert not activity_of(acme)[integration.pk].has_any


def test_runs_are_counted(make, acme):
    integration = create_integration(acme, "weekly_sales_to_slack", CHANNEL)
    job = integration.parts.get().job
    make.run(job, at=NOON - timedelta(days=1), state="finished")
    make.run(job, state="failed")
    activity = activity_of(acme)[integration.pk]
    assert (activity.finished_runs, activity.failed_runs, activity.attention_count) == (1, 1, 1)


def test_three_statements_count_all(make, acme):
    for channel in ("C0AAAAAA1", "C0AAAAAA2", "C0AAAAAA3"):
        create_integration(acme, answers={"channel": channel})
    create_integration(acme, "weekly_sales_to_slack", CHANNEL)
    make.event(acme)
    integrations = list(Integration.objects.of(acme))
    with CaptureQueriesContext(database) as statements:
        activities = count_activity(acme, integrations, since=NOON - WEEK)
    assert len(statements) == 3
    assert sum(activity.waiting for activity in activities.values()) == 3
