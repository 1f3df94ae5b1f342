"""The index of values: which values it has, and that it is written after events are accepted."""

import json
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.db import connection as database
from django_q.models import OrmQ
from hypothesis import given
from hypothesis import strategies as st

from hub.outgoing.insight.search.event_values import (
    MAX_VALUES,
    digest_value,
    find_events_by_value,
    list_event_values,
    normalize_value,
)
from hub.outgoing.insight.search.value_index import (
    SETTLING_TIME,
    PositionMoved,
    index_next_events,
    list_settled_events,
    store_values,
    wake_up_value_index,
)
from hub.outgoing.models import EventBody, EventValue, ValueIndexPosition
from hub.outgoing.tasks import index_values
from tests.factories import NOON

LATER = NOON + SETTLING_TIME


def body(data):
    return json.dumps({"data": data}).encode()


@contextmanager
def planner_without_scans():
    """PostgreSQL reads a small table whole; this shows the plan that it has for a large one."""
    if database.vendor == "postgresql":
        with database.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")
    yield


def find(term, *tenants):
    ids = [tenant.pk for tenant in tenants]
    return find_events_by_value(term, ids, ids)


def test_ids_numbers_and_addresses_are_values_and_texts_dates_and_prices_are_not():
    data = {
        "number": "A-1005",
        "deal": 4711,
        "mail": "Ann@Shop.test",
        "name": "Ann Miller",
        "total": "12.50",
        "price": 12.5,
        "at": "2026-11-28T10:00:00Z",
        "day": "2026-11-28",
        "paid": True,
        "items": [{"sku": "TEA-9"}],
        "count": 12,
        "url": "https://shop.test/1",
    }
    found = {"order-a-1005", "a-1005", "1005", "4711", "ann@shop.test", "tea-9"}
    assert list_event_values("order-A-1005", body(data)) == found


@given(st.text(max_size=60), st.binary(max_size=60))
def test_no_id_and_no_body_stops_the_index(sender_id, content):
    assert len(list_event_values(sender_id, content)) <= MAX_VALUES


def test_a_huge_and_a_deep_body_are_read_in_part():
    assert len(list_event_values("x1", body([f"id-{n}" for n in range(5_000)]))) == MAX_VALUES
    assert list_event_values("ab-1", b'{"data":' + b"[" * 100_000 + b"]" * 100_000 + b"}") == {
        "ab-1"
    }


@given(st.integers(), st.text())
def test_a_digest_is_a_signed_integer_of_64_bits(tenant_id, value):
    assert -(2**63) <= digest_value(tenant_id, value) < 2**63
    assert digest_value(tenant_id, value) != digest_value(tenant_id + 1, value)


@given(st.text())
def test_normalizing_twice_changes_nothing(text):
    assert normalize_value(normalize_value(text)) == normalize_value(text)


@pytest.mark.django_db
class TestIndex:
    def test_an_event_is_found_before_and_after_it_is_indexed(self, make):
        acme, globex = make.tenant("acme"), make.tenant("globex")
        event = make.event(acme, id="order-A-1005")
        assert EventValue.unscoped.count() == 0  # accepting an event writes none
        assert find("A-1005", acme) == find("a-1005", acme, globex) == [event.pk]
        assert index_next_events(now=LATER)
        assert find("A-1005", acme) == find("a-1005", acme, globex) == [event.pk]
        assert find("A-1005", globex) == []

    def test_an_indexed_event_is_found_without_its_body(self, make):
        event = make.event(id="order-A-1005")
        index_next_events(now=LATER)
        EventBody.objects.all().delete()
        assert find("A-1005", event.tenant) == [event.pk]

    def test_young_events_wait_since_an_older_one_may_still_be_committed(self, make):
        make.event(now=NOON)
        assert not index_next_events(now=LATER - timedelta(seconds=1))
        assert index_next_events(now=LATER) and not index_next_events(now=LATER)

    def test_events_are_indexed_once_in_their_order(self, make):
        events = [make.event(id=f"order-A-{number}") for number in range(3000, 3003)]
        index_next_events(now=LATER)
        assert ValueIndexPosition.objects.get().last_event == events[-1].pk
        more = make.event(id="order-A-3000b")
        index_next_events(now=LATER)
        for event in (*events, more):
            assert find(event.sender_id, event.tenant) == [event.pk]

    def test_the_newest_of_many_come_first(self, make):
        acme = make.tenant("acme")
        events = [make.event(acme, data={"customer": "c-77"}) for _ in range(4)]
        index_next_events(now=LATER)
        events.append(make.event(acme, data={"customer": "c-77"}))
        assert find("C-77", acme) == [event.pk for event in reversed(events)]

    def test_the_sweep_wakes_the_task_and_the_task_indexes(self, make):
        event = make.event(id="order-A-1005")
        wake_up_value_index(now=NOON)
        assert not OrmQ.objects.exists()
        wake_up_value_index(now=LATER)
        assert OrmQ.objects.count() == 1
        index_values("value_index")
        assert EventValue.unscoped.filter(event=event).exists()

    def test_a_slower_process_writes_nothing_twice(self, make):
        make.event(id="order-A-1005")
        events = list_settled_events(0, 10, now=LATER)
        index_next_events(now=LATER)
        count = EventValue.unscoped.count()
        with pytest.raises(PositionMoved):
            store_values(events, expected_position=0)
        assert EventValue.unscoped.count() == count > 0

    def test_the_look_up_uses_the_index(self, make):
        events = [make.event(id=f"order-A-{number}") for number in range(1000, 1040)]
        index_next_events(now=LATER)
        digests = [digest_value(events[0].tenant_id, "a-1000")]
        with planner_without_scans():
            plan = EventValue.unscoped.filter(digest__in=digests).order_by("-event").explain()
        assert "values_of_events" in plan
