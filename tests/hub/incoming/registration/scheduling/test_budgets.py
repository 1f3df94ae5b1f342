"""The watch of webhooks keeps to its share of each daily quota."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.pipedrive.errors import COMPANY
from connectors.registry import CONNECTORS
from connectors.webhook_sources import WatchCosts
from hub.connections.quotas.scopes import build_scope_key
from hub.incoming.registration.scheduling.budgets import (
    Watched,
    WatchPlan,
    load_watch_plan,
    plan_watch,
)
from hub.throttle.models import QuotaState
from tests.hub.incoming.registration.sandbox_account import SandboxAccount
from tests.sandbox.pipedrive_requests import call, read_remaining_budget
from tests.sandbox.running_sandbox import NOON
from tests.sandbox.salesforce_requests import raw

DAY, HOUR = 86400, 3600
MIDNIGHT = NOON + 12 * HOUR
LITE, DEVELOPER = 30_000, 15_000  # of Pipedrive's smallest plan for one seat, and of a free org
units = st.integers(0, 50)


@given(
    st.integers(1, 10**7),
    st.builds(WatchCosts, check=st.integers(1, 50), look=units, canary=units, detail=units),
    st.builds(Watched, st.integers(1, 50), st.integers(0, 200), st.integers(1, 200)),
)
def test_all_together_never_spends_more_than_two_percent_of_a_day(limit, costs, watched):
    plan = plan_watch(limit, costs, watched)
    spent = DAY / plan.check_every * costs.check * watched.connections
    if costs.detail and watched.registrations:
        spent += DAY / plan.detail_every * costs.detail * watched.registrations
    if costs.look:
        spent += plan.looks_per_day * costs.look * watched.sources
    if costs.canary:
        spent += DAY / plan.canary_every * costs.canary * watched.sources
    assert spent <= 0.02 * limit * 1.000001


def test_the_smallest_plan_of_pipedrive_allows_a_check_an_hour():
    costs = CONNECTORS["pipedrive"].subscriptions.watch_costs[COMPANY]
    plan = plan_watch(LITE, costs, Watched())
    assert (plan.check_every, plan.looks_per_day, plan.canary_every) == (3600, 12, 3600)
    busy = plan_watch(LITE, costs, Watched(connections=2, sources=4))
    assert (busy.check_every, busy.looks_per_day, busy.canary_every) == (7200, 3, 14400)


@pytest.mark.django_db
def test_the_plan_follows_the_limit_in_effect_and_other_connections_of_the_account(make):
    connection = make.connection(connector="pipedrive", account="701", secret={})
    assert load_watch_plan(connection).check_every == 3600
    key = build_scope_key(connection, COMPANY)
    row = QuotaState.objects.create(
        key=key, connector_key="pipedrive", kind="account", reported_limit=60_000
    )
    assert load_watch_plan(connection).check_every == 1800
    QuotaState.objects.filter(pk=row.pk).update(limit=15_000)  # staff's own
    assert load_watch_plan(connection).check_every == 7200
    make.connection(connector="pipedrive", account="701", secret={})
    assert load_watch_plan(connection).check_every == 14400
    make.connection(connector="pipedrive", account="702", secret={})
    former = make.connection(connector="pipedrive", account="701", secret={})
    type(former).unscoped.filter(pk=former.pk).update(state="disabled", reason="disconnected")
    assert load_watch_plan(connection).check_every == 14400
    assert load_watch_plan(make.connection(connector="slack")) == WatchPlan()


@pytest.mark.django_db
def test_details_are_counted_of_the_registrations_that_are_wanted(make):
    connection = make.connection(connector="salesforce", account="00D000000000001", secret={})
    plans = []
    for is_wanted in (True, False, True):
        make.webhook_subscription(connection, is_wanted=is_wanted, key=f"lead {len(plans)}")
        plans.append(load_watch_plan(connection))
    assert plans[0] == plans[1] and plans[2].check_every > plans[1].check_every


def spend_pipedrive(desk):
    return LITE - read_remaining_budget(call(desk, "GET", "v1/webhooks")) - 10


def spend_salesforce(desk):
    usage = raw(desk, "GET", "/limits").json()["DailyApiRequests"]
    return usage["Max"] - usage["Remaining"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("system", "limit", "event_type", "measure"),
    [
        ("pipedrive", LITE, "*", spend_pipedrive),
        ("salesforce", DEVELOPER, "*", spend_salesforce),
    ],
)
def test_a_day_of_checks_keeps_to_its_share_by_the_count_of_the_system(
    make, desk, system, limit, event_type, measure
):
    desk.now = MIDNIGHT - HOUR
    account = SandboxAccount(
        make, desk, system, event_type=event_type, now=lambda: datetime.fromtimestamp(desk.now, UTC)
    )
    account.check()  # registers all
    account.requests.clear()
    desk.now, checks = MIDNIGHT, 0
    before = measure(desk)
    while desk.now < MIDNIGHT + DAY:
        assert account.check().state == "verified"
        checks += 1
        wait = account.endpoint.next_check_at - datetime.fromtimestamp(desk.now, UTC)
        assert wait > timedelta(minutes=10)
        desk.now += wait.total_seconds()
    desk.now = MIDNIGHT + DAY - 1
    assert checks > 20 and account.list_writes() == []
    assert measure(desk) - before <= 0.008 * limit
