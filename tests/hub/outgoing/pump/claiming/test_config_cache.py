from datetime import timedelta

import pytest

from hub.outgoing.pump.claiming.batch_sizing import (
    INITIAL_ROUNDS,
    LARGE_BUDGET,
    SMALL_BUDGET,
    BatchSizing,
)
from hub.outgoing.pump.claiming.claim import lanes_within
from hub.outgoing.pump.claiming.config_cache import MAX_AGE, ConfigCache
from tests.factories import NOON


@pytest.fixture
def loaded_config(make):
    """A reading that has learnt of one route, and the route."""
    route, config = make.route(make.connection()), ConfigCache()
    config.expire(now=NOON)
    load_for(config, route)
    return config, route


def load_for(config, route):
    config.load(tenants=[route.tenant_id], routes=[route.pk], connectors=[route.connector_key])


@pytest.mark.django_db
def test_what_is_known_is_not_read_again(loaded_config, django_assert_num_queries):
    config, route = loaded_config
    with django_assert_num_queries(0):
        load_for(config, route)
    assert config.routes[route.pk] == route


@pytest.mark.django_db
def test_a_changed_mapping_is_known_after_a_second(loaded_config, make):
    config, route = loaded_config
    newest = make.version(route.mapping, {"other": "id"})
    config.expire(now=NOON + MAX_AGE - timedelta(milliseconds=1))
    load_for(config, route)
    assert config.versions[route.mapping_id] != newest
    config.expire(now=NOON + MAX_AGE)
    load_for(config, route)
    assert config.versions[route.mapping_id] == newest


@pytest.mark.django_db
def test_a_clock_that_goes_back_makes_nothing_last(loaded_config):
    config, _ = loaded_config
    config.expire(now=NOON - MAX_AGE)
    assert not config.routes


@pytest.mark.django_db
def test_recently_used_tenants_are_read_together(make):
    config, tenants = ConfigCache(), [make.tenant(f"t{number}").pk for number in range(3)]
    config.load(tenants=tenants)
    config.expire(now=NOON)
    assert not config.tenants
    config.load(tenants=tenants[:1])
    assert config.tenants.keys() == set(tenants)
    config.expire(now=NOON + MAX_AGE)
    config.expire(now=NOON + 2 * MAX_AGE)
    config.load(tenants=tenants[:1])
    assert config.tenants.keys() == set(tenants[:1])  # the others were not needed meanwhile


class Lane:
    def __init__(self, pk, in_flight=4):
        self.pk, self.in_flight = pk, in_flight


@pytest.mark.parametrize("budget", [SMALL_BUDGET, LARGE_BUDGET])
def test_a_claim_ends_with_the_lane_that_fills_its_measure(budget):
    lanes = [Lane(number) for number in range(budget.deliveries)]
    assert len(lanes_within(lanes, budget, BatchSizing())) == budget.deliveries // (
        4 * INITIAL_ROUNDS
    )


def test_a_claim_takes_one_lane_however_much_that_may_hold():
    assert (
        lanes_within(
            [Lane(1, in_flight=LARGE_BUDGET.deliveries), Lane(2)], LARGE_BUDGET, BatchSizing()
        )[0].pk
        == 1
    )
    assert lanes_within([], LARGE_BUDGET, BatchSizing()) == []
