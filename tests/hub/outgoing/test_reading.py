from datetime import timedelta

import pytest

from hub.outgoing.pump.claim import measured
from hub.outgoing.pump.reading import OLD, Reading
from hub.outgoing.pump.strides import FIRST, NARROW, WIDE, Strides
from tests.makers import NOON


@pytest.fixture
def known(make):
    """A reading that has learnt of one route, and the route."""
    route, reading = make.route(make.connection()), Reading()
    reading.renew(now=NOON)
    learn(reading, route)
    return reading, route


def learn(reading, route):
    reading.learn(tenants=[route.tenant_id], routes=[route.pk], connectors=[route.connector_key])


@pytest.mark.django_db
def test_what_is_known_is_not_read_again(known, django_assert_num_queries):
    reading, route = known
    with django_assert_num_queries(0):
        learn(reading, route)


@pytest.mark.django_db
def test_a_changed_mapping_is_known_after_a_second(known, make):
    reading, route = known
    newest = make.version(route.mapping, {"other": "id"})
    reading.renew(now=NOON + OLD - timedelta(milliseconds=1))
    learn(reading, route)
    assert reading.versions[route.mapping_id] != newest
    reading.renew(now=NOON + OLD)
    learn(reading, route)
    assert reading.versions[route.mapping_id] == newest


@pytest.mark.django_db
def test_a_clock_that_goes_back_makes_nothing_last(known):
    reading, _ = known
    reading.renew(now=NOON - OLD)
    assert not reading.routes


@pytest.mark.django_db
def test_tenants_that_were_asked_for_lately_are_read_together(make):
    reading, tenants = Reading(), [make.tenant(f"t{number}").pk for number in range(3)]
    reading.learn(tenants=tenants)
    reading.renew(now=NOON)
    assert not reading.tenants
    reading.learn(tenants=tenants[:1])
    assert reading.tenants.keys() == set(tenants)
    reading.renew(now=NOON + OLD)
    reading.renew(now=NOON + 2 * OLD)
    reading.learn(tenants=tenants[:1])
    assert reading.tenants.keys() == set(tenants[:1])  # nobody asked for the others meanwhile


class Lane:
    def __init__(self, pk, in_flight=4):
        self.pk, self.in_flight = pk, in_flight


@pytest.mark.parametrize("measure", [NARROW, WIDE])
def test_a_claim_ends_with_the_lane_that_fills_its_measure(measure):
    lanes = [Lane(number) for number in range(measure.deliveries)]
    assert len(measured(lanes, measure, Strides())) == measure.deliveries // (4 * FIRST)


def test_a_claim_takes_one_lane_however_much_that_may_hold():
    assert measured([Lane(1, in_flight=WIDE.deliveries), Lane(2)], WIDE, Strides())[0].pk == 1
    assert measured([], WIDE, Strides()) == []
