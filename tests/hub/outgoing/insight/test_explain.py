"""Why was this not delivered?"""

from datetime import timedelta

import pytest

from connectors.http import Response
from hub.outgoing.insight.explain import (
    explain_delivery,
    explain_event,
    match_effective_reason,
    match_effective_state,
    readable_deliveries,
    resolve_effective_state,
)
from hub.outgoing.models import Delivery, Event, EventBody
from tests.factories import MINUTE, NOON
from tests.fakes import FakeHttp
from tests.hub.outgoing.pump.test_loop import pump

pytestmark = pytest.mark.django_db

NAMES = [
    "accepted",
    "matched",
    "filtered",
    "mapped",
    "tenant",
    "switch",
    "connection",
    "breaker",
    "lane",
    "order",
    "quota",
    "expiry",
    "attempts",
    "next_try",
]


def explain(delivery, now=NOON):
    return explain_delivery(readable_deliveries().get(pk=delivery.pk), now=now)


def test_what_waits_for_its_turn_has_passed_every_check(make):
    explanation = explain(make.delivery())
    assert [check.name for check in explanation.checks] == NAMES
    assert (
        explanation.first_failed_check,
        explanation.effective_state.state,
        explanation.next_try,
    ) == (
        None,
        "waiting",
        NOON,
    )
    assert "has been due since 2026-11-25 12:00:00 UTC" in explanation.checks[-1].sentence


def test_the_clause_that_refused_is_named_with_the_value(make):
    explanation = explain(make.delivery(filter="data.currency == 'EUR' && data.total > `100`"))
    assert (explanation.first_failed_check.name, explanation.effective_state.reason) == (
        "filtered",
        "filtered",
    )
    assert explanation.first_failed_check.detail == "data.total > `100` found 12.5"


def test_a_filter_that_was_changed_since_is_named(make):
    delivery = make.delivery(filter="data.total > `100`")
    delivery.route.filter = "data.total > `10`"
    delivery.route.save()
    assert "It would pass today's filter." in explain(delivery).first_failed_check.detail


def test_the_expression_of_the_mapping_that_failed_is_named(make):
    delivery = make.delivery(body={"due": "format_date(data.number, 'YYYY')"})
    pump(FakeHttp())
    explanation = explain(delivery)
    assert explanation.first_failed_check.name == "mapped"
    assert "/due" in explanation.first_failed_check.detail
    assert explanation.effective_state.action == "Fix the field mapping."


def test_a_mapping_that_would_fail_is_found_before_the_first_attempt(make):
    delivery = make.delivery(make.connection(), body={"user": "identity('user', data.email)"})
    assert explain(delivery).first_failed_check.detail == "user ann@acme.test"


def test_a_suspended_tenant_is_named_with_its_reason(make):
    delivery = make.delivery()
    delivery.tenant.suspend("unpaid", now=NOON)
    explanation = explain(delivery)
    assert (
        explanation.effective_state.state,
        explanation.effective_state.reason,
        explanation.next_try,
    ) == (
        "held",
        "tenant_suspended",
        None,
    )
    assert (explanation.first_failed_check.name, explanation.first_failed_check.detail) == (
        "tenant",
        "unpaid",
    )


def test_a_paused_connection_holds_what_waits(make):
    delivery = make.delivery()
    delivery.connection.pause("window", until=None, now=NOON)
    explanation = explain(delivery)
    assert explanation.effective_state == (
        "held",
        "paused",
        "The connection is paused.",
        "Resume the connection.",
    )
    assert (
        explanation.first_failed_check.sentence
        == "The connection is paused. This has been the case since 2026-11-25 12:00:00 UTC."
    )
    assert explanation.first_failed_check.detail == "window"


def test_a_connection_that_was_refused_tells_the_systems_words(make):
    delivery = make.delivery()
    pump(FakeHttp(Response(410, b"moved away")))
    explanation = explain(delivery)
    assert (explanation.effective_state.reason, explanation.first_failed_check.name) == (
        "disabled",
        "connection",
    )
    assert "410 Gone" in explanation.first_failed_check.detail


def test_a_token_that_is_being_refreshed_is_the_lanes_matter(make):
    delivery = make.delivery(make.connection(connector="salesforce"))
    delivery.connection.credential.await_refresh(used=1, now=NOON)
    explanation = explain(delivery)
    assert (explanation.effective_state.reason, explanation.first_failed_check.name) == (
        "refreshing",
        "lane",
    )


def test_a_system_that_is_not_connected_is_named(make):
    tenant = make.tenant()
    make.route(tenant=tenant)
    explanation = explain(make.event(tenant).deliveries.get())
    assert (explanation.first_failed_check.name, explanation.effective_state.action) == (
        "connection",
        "Connect the system.",
    )


def test_a_quota_tells_how_long_it_rests(make):
    delivery = make.delivery()
    pump(FakeHttp(Response(429, headers={"retry-after": "300"}, at=NOON)))
    explanation = explain(delivery, now=NOON + MINUTE)
    assert explanation.first_failed_check.name == "quota"
    assert "12:05:00 UTC" in explanation.first_failed_check.sentence
    assert "0:04:00" in explanation.first_failed_check.sentence


def test_each_attempt_is_listed_with_its_answer_and_the_next_one(make):
    delivery = make.delivery()
    pump(FakeHttp(Response(500, b"sorry")))
    explanation = explain(delivery)
    assert explanation.first_failed_check.name == "attempts"
    assert explanation.first_failed_check.sentence.endswith("Its result: Temporary failure.")
    assert "status_500 sorry" in explanation.first_failed_check.detail
    assert explanation.next_try == NOON + timedelta(seconds=5)
    assert "12:00:05 UTC, in 0:00:05" in explanation.checks[-1].sentence


def test_a_dead_delivery_names_the_one_thing_to_do(make):
    delivery = make.delivery(retry_schedule=[1])
    pump(FakeHttp(Response(500)))
    pump(FakeHttp(Response(500)), at=NOON + MINUTE)
    explanation = explain(delivery)
    assert (explanation.effective_state.state, explanation.effective_state.action) == (
        "failed",
        "Retry it once the other system works.",
    )


def test_a_delivered_one_passed_everything(make):
    delivery = make.delivery()
    pump(FakeHttp())
    assert explain(delivery).first_failed_check is None


def test_a_pruned_body_is_named(make):
    delivery = make.delivery()
    EventBody.objects.all().delete()
    assert "no longer stored" in explain(delivery).first_failed_check.sentence


def test_an_explanation_takes_few_statements_however_many_attempts_there_were(
    make, django_assert_num_queries
):
    delivery = make.delivery()
    for minute in range(3):
        pump(FakeHttp(Response(500)), at=NOON + minute * timedelta(hours=3))
    with django_assert_num_queries(7):
        explain(delivery)


@pytest.mark.parametrize("held_by", ["pause", "suspend", "own", ""])
def test_a_list_finds_a_delivery_by_what_it_reads_as(make, held_by):
    delivery = make.delivery()
    if held_by == "pause":
        delivery.connection.pause("window", until=None, now=NOON)
    if held_by in ("suspend", "pause"):  # a suspension comes before a pause
        delivery.tenant.suspend("unpaid", now=NOON)
    if held_by == "own":
        delivery.transition_to("held", reason="mapping_failed")
    told = resolve_effective_state(readable_deliveries().get())
    for state in Delivery.State.values:
        assert Delivery.unscoped.filter(match_effective_state(state)).exists() == (
            state == told.state
        )
    for reason in ("paused", "tenant_suspended", "mapping_failed"):
        assert Delivery.unscoped.filter(match_effective_reason(reason)).exists() == (
            reason == told.reason
        )


# --- an event without a way -----------------------------------------------------------------------


def nearest(event):
    checks = explain_event(Event.unscoped.select_related("tenant").get(pk=event.pk))
    return checks[-1].passed, checks[-1].detail


def test_an_event_tells_which_routes_took_it(make):
    delivery = make.delivery(name="orders to the shop")
    assert nearest(delivery.event) == (True, "orders to the shop")


def test_an_event_without_a_route_tells_which_almost_matched(make):
    tenant = make.tenant()
    make.route(tenant=tenant, name="off", enabled=False)
    make.route(tenant=tenant, name="typo", event_type="order.creatd")
    make.route(tenant=tenant, name="other", event_type="ticket.closed")
    make.route(tenant=make.tenant(), name="foreign", event_type="order.created")
    passed, detail = nearest(make.event(tenant))
    assert not passed
    assert detail.splitlines() == [
        "“off” matches, but is switched off.",
        "“typo” takes order.creatd.",
    ]


def test_a_route_that_was_created_too_late_is_named(make):
    tenant = make.tenant()
    event = make.event(tenant)
    make.route(tenant=tenant, name="late", changed_at=NOON + MINUTE)
    assert "created or changed on 2026-11-25 12:01:00 UTC" in nearest(event)[1]
