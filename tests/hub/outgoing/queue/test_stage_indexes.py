"""The indexes know stages, not states: a claim writes none of them, and whatever asks for a state
finds them.
"""

from uuid import uuid4

import pytest
from django.db import connection as database
from django.db.models import Q

from hub.outgoing.models import Delivery
from hub.outgoing.pump.claiming.batch_sizing import BatchSizing
from hub.outgoing.pump.claiming.claim import claim_lanes
from hub.outgoing.pump.claiming.config_cache import ConfigCache
from tests.factories import NOON

pytestmark = pytest.mark.django_db

CLAIMED = {"state", "lease", "attempt_count", "state_changed_at"}  # what a claim writes


def test_no_index_mentions_what_a_claim_writes():
    for index in (*Delivery._meta.indexes, *Delivery._meta.constraints):
        named = {name.lstrip("-") for name in index.fields}
        asked = {lookup.partition("__")[0] for lookup in lookups(index.condition)}
        assert not (named | asked) & CLAIMED, index.name


def lookups(condition):
    for child in condition.children if condition else ():
        yield from lookups(child) if isinstance(child, Q) else [child[0]]


@pytest.mark.parametrize("state", Delivery.State.values)
def test_each_state_is_found_as_itself(make, state):
    delivery = make.delivery(make.connection())
    Delivery.unscoped.filter(pk=delivery.pk).update(state=state)
    delivery.refresh_from_db()
    assert delivery.index_state == ("waiting" if state == "sending" else state)
    for other in Delivery.State.values:
        assert Delivery.unscoped.filter(state=other).exists() is (other == state)
        assert Delivery.unscoped.exclude(state=other).exists() is (other != state)
        assert Delivery.unscoped.filter(state__in=[other, "nothing"]).exists() is (other == state)
    assert Delivery.unscoped.filter(state__in=["waiting", "sending"]).exists() is (
        state in ("waiting", "sending")
    )
    assert delivery.connection.deliveries.filter(Q(state=state) | Q(state="nothing")).exists()


def test_a_question_for_a_state_is_asked_of_the_indexed_column():
    held = str(Delivery.unscoped.filter(state="held").query)
    assert "\"index_state\" = 'held'" in held and '"state" = ' not in held
    both = str(Delivery.unscoped.filter(state="waiting").query)
    assert "\"index_state\" = 'waiting'" in both and '"state" = waiting' in both


def test_the_head_of_a_queue_is_found_by_its_index():
    if database.vendor == "postgresql":
        with database.cursor() as cursor:  # a table of few rows it would read as a whole, or sort
            cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off")
    queue = Delivery.unscoped.filter(
        connection=1,
        route=1,
        order_key="",
        position__lt=9,
        state__in=Delivery.ORDER_BLOCKING_STATES,
    )
    assert "deliveries_in_order" in queue.order_by("position").explain()


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(
    database.vendor != "postgresql",
    reason="PostgreSQL's own; the words of the indexes are looked at above",
)
def test_a_claim_writes_no_index(make):
    for _ in range(5):
        make.delivery(make.connection())
    before = heap_only()
    claim_lanes(uuid4(), ConfigCache(), BatchSizing(), check_lease=lambda: None, now=NOON)
    assert heap_only() - before == Delivery.unscoped.filter(state="sending").count() == 5


def heap_only():
    """Updates of deliveries that wrote no index, as this session counts them."""
    with database.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush()")
        cursor.execute(
            "SELECT n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = 'outgoing_delivery'"
        )
        return cursor.fetchone()[0]
