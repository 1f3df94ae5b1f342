"""When an action is possible: the condition of one delivery and the query of many say the same."""

import pytest

from hub.outgoing.insight.explain import readable_deliveries
from hub.outgoing.models import Delivery
from hub.outgoing.operations.conditions import CONDITIONS
from tests.factories import NOON

pytestmark = pytest.mark.django_db


@pytest.fixture
def deliveries(make):
    """One delivery in each state, due and not due: free, behind a pause, of a suspended tenant, not
    connected.
    """
    for is_paused, is_suspended in ((False, False), (True, False), (False, True)):
        for state in Delivery.State.values:
            for due_at in (NOON, None):
                delivery = make.delivery()
                Delivery.unscoped.filter(pk=delivery.pk).update(state=state, due_at=due_at)
                if is_paused:
                    delivery.connection.pause("stocktaking", until=None, now=NOON)
                if is_suspended:
                    delivery.tenant.suspend("unpaid", now=NOON)
    make.route(tenant=(tenant := make.tenant()))
    make.event(tenant)


@pytest.mark.parametrize("action", CONDITIONS)
def test_condition_and_query_select_the_same(deliveries, action):
    condition = CONDITIONS[action]
    met = {row.pk for row in readable_deliveries() if condition.is_met(row)}
    selected = set(Delivery.unscoped.filter(condition.query).values_list("pk", flat=True))
    assert met == selected
    assert 0 < len(met) < Delivery.unscoped.count()
