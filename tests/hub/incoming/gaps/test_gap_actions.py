"""What people and programs do with gaps and sources."""

from datetime import timedelta

import pytest

from hub.audit import ActorContext, AuditRow
from hub.db.state_machine import InvalidTransition
from hub.incoming.gaps import open_gap
from hub.incoming.gaps.gap_actions import (
    GAP_ACTIONS,
    SOURCE_READ_ACTIONS,
    GapActionRefused,
    cancel_gap,
    read_source,
    start_gap,
)
from hub.incoming.models import InboundGap
from hub.notices.models import Notice
from hub.outgoing.models import Event
from tests.factories import NOON

pytestmark = pytest.mark.django_db
ACTOR = ActorContext.system()
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def source(make):
    return make.source(make.connection(connector="pipedrive", account="701", secret={}))


def test_a_held_gap_waits_for_a_person_who_is_notified_and_starts_it(source):
    gap = open_gap(source, "outage", from_at=NOON - 3 * DAY, to_at=NOON, now=NOON)
    notice = Notice.unscoped.get()
    assert (notice.message, notice.reason) == ("source_gap_held", "needs_confirmation")
    assert GAP_ACTIONS["start"].is_available(gap)
    start_gap(gap, ACTOR, now=NOON + HOUR)
    assert (gap.state, gap.due_at, gap.reason) == ("due", NOON + HOUR, "")
    assert Notice.unscoped.get().resolved_at and AuditRow.objects.get().verb == "gap.start"


def test_a_cancelled_gap_is_told_and_cannot_be_cancelled_again(source):
    gap = open_gap(source, "outage", from_at=NOON - DAY, to_at=NOON, now=NOON)
    cancel_gap(gap, ACTOR, now=NOON)
    types = Event.unscoped.order_by("pk").values_list("type", flat=True)
    assert list(types) == ["source.gap_opened", "source.gap_closed"]
    with pytest.raises(InvalidTransition):
        cancel_gap(gap, ACTOR, now=NOON)
    assert not GAP_ACTIONS["cancel"].is_available(gap)


def test_a_person_has_a_time_read(source):
    gap = read_source(source, ACTOR, from_at=NOON - DAY, to_at=NOON, now=NOON)
    assert (gap.cause, gap.state, gap.due_at) == ("by_hand", "due", NOON)
    assert AuditRow.objects.get().verb == "source.read"


@pytest.mark.parametrize(
    ("first", "last"), [(31 * DAY, HOUR), (HOUR, 2 * HOUR), (HOUR, -HOUR), (HOUR, HOUR)]
)
def test_a_time_that_cannot_be_read_is_refused(source, first, last):
    with pytest.raises(GapActionRefused):
        read_source(source, ACTOR, from_at=NOON - first, to_at=NOON - last, now=NOON)
    assert not InboundGap.unscoped.exists()


def test_what_a_system_does_not_list_is_not_offered(make, source):
    lead = make.source(source.connection, "lead")
    assert SOURCE_READ_ACTIONS["read"].is_available(source)
    assert not SOURCE_READ_ACTIONS["read"].is_available(lead)
    with pytest.raises(GapActionRefused):
        read_source(lead, ACTOR, from_at=NOON - DAY, to_at=NOON, now=NOON)


def test_only_one_read_of_the_same_time_waits(source):
    gaps = [read_source(source, ACTOR, from_at=NOON - DAY, to_at=NOON, now=NOON) for _ in range(2)]
    assert gaps[0] == gaps[1]
