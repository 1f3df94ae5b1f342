"""Whose turn it is, where more is due than can be sent."""

from datetime import timedelta
from uuid import uuid4

import pytest

from hub.connections.models import Lane
from hub.outgoing.models import Delivery
from hub.outgoing.pump.claim import claim
from hub.outgoing.pump.reading import Reading
from hub.outgoing.pump.release import release
from hub.outgoing.pump.strides import AT_FIRST, NARROW, REMEMBERED, WIDE, Strides
from tests.makers import NOON

pytestmark = pytest.mark.django_db
SOON = NOON + timedelta(seconds=1)


def claimed(now, strides=None):
    """The lanes in the order in which they are served, each given back at once."""
    lease = uuid4()
    slices = claim(lease, Reading(), strides or Strides(), now=now)
    Delivery.unscoped.filter(lease=lease).update(state="delivered", lease=None, due_at=None)
    release(lease, [slice.lane.pk for slice in slices], now=now)
    return [slice.connection for slice in slices]


def test_who_asked_for_little_goes_before_who_asked_for_much(make):
    loud, quiet = make.connection(), make.connection()
    for _ in range(9):  # more than a slice of eight
        make.delivery(loud)
    make.delivery(quiet)
    assert claimed(NOON) == [loud, quiet]
    make.delivery(quiet, now=SOON)
    assert claimed(SOON) == [quiet, loud]


def test_who_was_given_much_is_not_put_off_for_ever(make):
    loud, quiet = make.connection(), make.connection()
    for _ in range(60):
        make.delivery(loud)
    strides = Strides({loud.pk: 12, quiet.pk: 12}, light_until=SOON + REMEMBERED, heavy_until=SOON + REMEMBERED)
    assert claimed(NOON, strides) == [loud]  # 48 deliveries: nobody else has room in that claim
    moments = [NOON + timedelta(seconds=0.5) * number for number in range(1, 30)]
    served = []
    for now in moments:
        make.delivery(quiet, now=now)
        served += claimed(now, strides)
    assert served[:3] == [quiet] * 3 and loud in served


def test_claims_are_narrow_while_somebody_asks_for_little_beside_a_backlog(make):
    loud, quiet, strides = make.connection(), make.connection(), Strides()
    for _ in range(30):
        make.delivery(loud)
    claimed(NOON, strides)
    assert strides.measure(now=NOON) == WIDE  # a backlog, and nothing else
    make.delivery(quiet, now=SOON)
    assert claimed(SOON, strides) == [quiet, loud]
    assert strides.measure(now=SOON) == NARROW
    assert strides.measure(now=SOON + REMEMBERED) == WIDE


def test_a_backlog_that_comes_beside_somebody_who_asks_for_little_is_noticed_at_once(make):
    loud, quiet, strides = make.connection(), make.connection(), Strides()
    make.delivery(quiet)
    assert claimed(NOON, strides) == [quiet]
    for _ in range(30):
        make.delivery(loud, now=SOON)
    assert claimed(SOON, strides) == [loud]
    assert strides.measure(now=SOON) == NARROW


def test_a_pump_that_has_seen_nothing_is_careful_for_a_moment():
    strides = Strides.at_first(now=NOON)
    assert strides.measure(now=NOON) == NARROW
    assert strides.measure(now=NOON + AT_FIRST) == WIDE


def test_the_end_of_a_backlog_is_not_little(make):
    loud, strides = make.connection(), Strides()
    for _ in range(5):  # more than may be in flight, and less than its slice may hold
        make.delivery(loud)
    assert claimed(NOON, strides) == [loud]
    assert strides.light_until < NOON < strides.heavy_until


def test_many_who_ask_for_little_share_a_wide_claim(make):
    strides = Strides()
    lanes = [make.connection() for _ in range(3)]
    for connection in lanes:
        make.delivery(connection)
    assert claimed(NOON, strides) == lanes
    assert strides.measure(now=NOON) == WIDE


def test_what_waits_beside_a_lane_that_is_served_keeps_its_lane_due(make):
    loud = make.connection()
    for _ in range(9):
        make.delivery(loud)
    claimed(NOON)
    assert Lane.unscoped.get(pk=loud.pk).due_at is not None
