"""A delivery's page compares it with the last one that arrived, says where its time went, and
counts the same error elsewhere.
"""

from datetime import timedelta

import pytest
from django.urls import reverse

from hub.db.ids import uuid7
from hub.outgoing.insight.delivery_facts.last_arrival import compare_with_last_arrival
from hub.outgoing.insight.delivery_facts.phases import (
    find_call_times,
    format_length,
    measure_phases,
)
from hub.outgoing.insight.delivery_facts.same_error import count_same_error
from hub.outgoing.models import Attempt, Delivery, Exchange, Rendering
from tenants.scoping import ALL_TENANTS
from tests.factories import MINUTE, NOON
from tests.hub.outgoing.operating import put

pytestmark = pytest.mark.django_db
SECOND = timedelta(seconds=1)


def attempt(delivery, at, *, status=None, milliseconds=100, outcome="later", body=b'{"a": 1}'):
    """An attempt with its stored call; None: no answer came."""
    delivery.refresh_from_db()
    exchange = Exchange.objects.create(
        id=uuid7(),
        at=at,
        method="POST",
        url="https://hook.example/orders",
        request_body=body,
        status=status,
    )
    Rendering.objects.update_or_create(pk=delivery.pk, defaults={"body": body})
    return Attempt.unscoped.create(
        delivery=delivery,
        number=delivery.attempts.count() + 1,
        started_at=at,
        milliseconds=milliseconds,
        outcome=outcome,
        exchange=exchange.id,
    )


@pytest.fixture
def connection(make):
    return make.connection(make.tenant("acme", name="Acme Teas"))


@pytest.fixture
def failed_delivery(make, connection):
    return put([make.delivery(connection)], "failed", "payload_refused")[0]


@pytest.fixture
def arrived_delivery(make, connection):
    delivery = put([make.delivery(connection)], "delivered")[0]
    attempt(delivery, NOON, status=200, outcome="delivered", body=b'{"channel": "C1", "text": "x"}')
    return delivery


def test_the_times_of_waiting_sending_and_answering_are_separate(failed_delivery):
    attempt(failed_delivery, NOON + 10 * SECOND, milliseconds=5_000)
    attempt(failed_delivery, NOON + 60 * SECOND, status=400, milliseconds=1_000, outcome="never")
    Delivery.unscoped.update(state_changed_at=NOON + 61 * SECOND)
    failed_delivery.refresh_from_db()
    phases = measure_phases(
        failed_delivery, find_call_times(failed_delivery), now=NOON + MINUTE * 60
    )
    assert [(phase.kind, phase.length.total_seconds()) for phase in phases.phases] == [
        ("waiting", 10),
        ("sending", 5),
        ("waiting", 45),
        ("answering", 1),
    ]
    assert [(total.kind, total.length_text, total.percent) for total in phases.totals] == [
        ("waiting", "55.0 s", 90),
        ("sending", "5.0 s", 8),
        ("answering", "1.0 s", 2),
    ]


def test_what_was_not_sent_yet_has_waited_until_now(make, connection):
    delivery = make.delivery(connection)
    phases = measure_phases(delivery, find_call_times(delivery), now=NOON + 2 * MINUTE)
    assert [(phase.label, phase.length_text) for phase in phases.phases] == [
        ("Not sent yet", "2 min 0 s")
    ]


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0 ms"), (0.085, "85 ms"), (200, "3 min 20 s"), (7500, "2 h 5 min")]
)
def test_a_length_has_units_that_fit(seconds, text):
    assert format_length(timedelta(seconds=seconds)) == text


def test_what_differs_from_the_last_arrival_is_marked(
    arrived_delivery, failed_delivery, django_assert_num_queries
):
    attempt(
        failed_delivery, NOON, status=400, outcome="never", body=b'{"channel": "", "text": "x"}'
    )
    with django_assert_num_queries(4):
        comparison = compare_with_last_arrival(failed_delivery, with_exchanges=True)
    assert comparison.arrived_delivery == arrived_delivery and comparison.has_differences
    marked = [line.text.strip() for line in comparison.lines if line.kind == "changed"]
    assert marked == ['"channel": "",']
    answers = {fact.label: (fact.before, fact.now) for fact in comparison.facts}
    assert answers["Answer"] == ("HTTP 200", "HTTP 400")


def test_without_evidence_no_call_of_the_platform_is_compared(arrived_delivery, failed_delivery):
    attempt(failed_delivery, NOON, status=400, outcome="never")
    comparison = compare_with_last_arrival(failed_delivery, with_exchanges=False)
    assert "hook.example" not in str(comparison.lines)
    assert "Answer" not in [fact.label for fact in comparison.facts]


def test_only_the_same_route_and_connection_is_compared(make, connection, failed_delivery):
    other = make.connection(connection.tenant)
    put([make.delivery(other)], "delivered")
    assert compare_with_last_arrival(failed_delivery, with_exchanges=True) is None


def test_the_same_error_is_counted_over_tenants_for_staff_and_of_ones_own_for_customers(
    make, connection, failed_delivery, django_assert_num_queries
):
    put([make.delivery(connection), make.delivery(make.connection())], "failed", "payload_refused")
    put([make.delivery(make.connection())], "failed", "gone")
    assert failed_delivery.route.connector_key == "webhook"
    with django_assert_num_queries(1):
        everywhere = count_same_error(failed_delivery, ALL_TENANTS)
    assert (everywhere.deliveries, everywhere.tenants) == (2, 2)
    own = count_same_error(failed_delivery, [connection.tenant_id])
    assert (own.deliveries, own.tenants) == (1, 1)


def test_a_reason_of_the_other_system_has_no_plan(make, connection, failed_delivery):
    put([failed_delivery, make.delivery(connection)], "failed", "channel_not_found")
    assert count_same_error(failed_delivery, ALL_TENANTS)._replace(tenants=1) == (1, 1, {})


def test_the_only_one_has_no_same_error(failed_delivery):
    assert count_same_error(failed_delivery, ALL_TENANTS) is None


def test_staff_see_it_on_the_page_with_a_plan_for_all(
    make, client, connection, arrived_delivery, failed_delivery
):
    put([make.delivery(connection)], "failed", "payload_refused")
    attempt(failed_delivery, NOON, status=400, outcome="never")
    client.force_login(make.staff(is_superuser=True))
    page = client.get(reverse("admin:outgoing_delivery_change", args=[failed_delivery.pk])).text
    for text in ("Where the time went", "What differs from the last", "The same error elsewhere"):
        assert text in page
    plan = reverse("admin:operations_operation_plan")
    query = "state=failed&amp;reason=payload_refused&amp;connector=webhook"
    assert f'href="{plan}?{query}"' in page
    assert client.get(f"{plan}?{query.replace('&amp;', '&')}").status_code == 200


def test_customers_see_their_own_with_a_plan(
    make, client, connection, arrived_delivery, failed_delivery
):
    tenant = connection.tenant
    put([make.delivery(make.connection())], "failed", "payload_refused")
    client.force_login(make.membership(tenant, make.user(), role="owner").user)
    url = reverse("portal:delivery", args=[tenant.reference, failed_delivery.public_id])
    assert "The same error elsewhere" not in client.get(url).text
    put([make.delivery(connection)], "failed", "payload_refused")
    page = client.get(url).text
    assert "1 other delivery of this connection stopped for this reason" in page
    assert "What differs from the last one that arrived" in page
    plan = reverse("portal:plan", args=[tenant.reference])
    query = f"state=failed&amp;reason=payload_refused&amp;connection={connection.public_id}"
    assert f'href="{plan}?{query}"' in page
    assert client.get(f"{plan}?{query.replace('&amp;', '&')}").status_code == 200
