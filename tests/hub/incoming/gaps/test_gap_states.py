"""Gaps open, join each other, end and are cancelled."""

from datetime import timedelta

import pytest
from django.conf import settings

from hub.audit import ActorContext
from hub.incoming.gaps import cancel_gaps, end_gap_cause, open_gap
from hub.incoming.gaps.gap_actions import cancel_gap
from hub.incoming.gaps.gap_states import UNFINISHED_GAPS_MAX
from hub.incoming.models import InboundGap
from hub.incoming.watch.silence_watch import mark_source_heard, mark_source_silent
from tests.factories import MINUTE, NOON

pytestmark = pytest.mark.django_db
HOUR = 60 * MINUTE


@pytest.fixture
def source(make):
    return make.source(make.connection(connector="pipedrive", account="701", secret={}))


def test_a_gap_lasts_until_its_cause_ends_and_is_due_then(source):
    gap = open_gap(source, "gone", from_at=NOON - HOUR, now=NOON)
    assert (gap.state, gap.to_at) == ("open", None)
    end_gap_cause(source, ("silence",), to_at=NOON, now=NOON)
    gap.refresh_from_db()
    assert gap.state == "open"
    end_gap_cause(source, ("gone", "edited"), to_at=NOON + MINUTE, now=NOON + MINUTE)
    gap.refresh_from_db()
    assert (gap.state, gap.to_at, gap.due_at) == ("due", NOON + MINUTE, NOON + MINUTE)


def test_another_cause_joins_the_gap_that_lasts_and_the_first_cause_stays(source):
    gap = open_gap(source, "gone", from_at=NOON - HOUR, now=NOON)
    open_gap(source, "silence", from_at=NOON - 3 * HOUR, now=NOON)
    open_gap(source, "quarantined", from_at=NOON - 2 * HOUR, to_at=NOON, now=NOON)
    joined = InboundGap.unscoped.get()
    assert (joined, joined.cause, joined.from_at) == (gap, "gone", NOON - 3 * HOUR)


def test_a_cause_that_ends_during_a_read_leaves_the_gap_to_its_reader(source):
    gap = open_gap(source, "silence", from_at=NOON - HOUR, now=NOON)
    gap.transition_to("reading")
    open_gap(source, "gone", from_at=NOON, now=NOON)
    end_gap_cause(source, ("silence",), to_at=NOON, now=NOON)
    joined = InboundGap.unscoped.get()
    assert (joined.state, joined.to_at, joined.due_at) == ("reading", NOON, NOON)


def test_the_gap_of_a_silent_source_lasts_until_it_is_heard_whatever_is_repaired(source):
    gap = open_gap(source, "gone", from_at=NOON - HOUR, now=NOON)
    mark_source_silent(source, "silence", "source_silent", now=NOON)
    end_gap_cause(source, ("gone",), to_at=NOON + MINUTE, now=NOON + MINUTE)
    gap.refresh_from_db()
    assert (gap.state, gap.to_at) == ("open", None)
    mark_source_heard(source, now=NOON + HOUR)
    gap.refresh_from_db()
    assert (gap.state, gap.to_at) == ("due", NOON + HOUR)


@pytest.mark.parametrize(
    ("state", "detail", "cause"),
    [
        ("gone", "", "gone"),
        ("drifted", "inactive, filter", "disabled"),
        ("drifted", "banned", "ban"),
        ("drifted", "filter", "edited"),
    ],
)
def test_the_gap_of_a_source_that_is_heard_lasts_while_a_registration_is_broken(
    make, source, state, detail, cause
):
    mark_source_silent(source, "silence", "source_silent", now=NOON)
    fields = {"key": "person", "event_types": ["person.created"], "verified_at": NOON}
    make.webhook_subscription(source.connection, state=state, detail=detail, **fields)
    mark_source_heard(source, now=NOON + HOUR)
    gap = InboundGap.unscoped.get()
    assert (gap.state, gap.cause, gap.to_at) == ("open", cause, None)
    end_gap_cause(source, (cause,), to_at=NOON + 2 * HOUR, now=NOON + 2 * HOUR)
    gap.refresh_from_db()
    assert (gap.state, gap.to_at) == ("due", NOON + 2 * HOUR)


def test_a_wait_that_overlaps_is_extended_and_another_one_is_not(source):
    first = open_gap(source, "outage", from_at=NOON - HOUR, to_at=NOON, now=NOON)
    open_gap(source, "quarantined", from_at=NOON - MINUTE, to_at=NOON + MINUTE, now=NOON)
    other = open_gap(source, "by_hand", from_at=NOON - 9 * HOUR, to_at=NOON - 8 * HOUR, now=NOON)
    first.refresh_from_db()
    assert (first.from_at, first.to_at) == (NOON - HOUR, NOON + MINUTE)
    assert other != first and other.state == "due"


@pytest.mark.parametrize("to_at", [None, NOON])
def test_a_long_outage_waits_for_a_person_beside_a_gap_that_is_read(source, to_at):
    short = open_gap(source, "gone", from_at=NOON - HOUR, to_at=to_at, now=NOON)
    begin = NOON - (settings.HUB_GAP_CONFIRM_HOURS + 1) * HOUR
    outage = open_gap(source, "outage", from_at=begin, to_at=NOON, now=NOON)
    short.refresh_from_db()
    assert (outage.state, outage.from_at) == ("held", begin)
    assert short.from_at == NOON - HOUR


def test_what_a_person_requests_is_read_while_another_gap_lasts(source):
    lasting = open_gap(source, "silence", from_at=NOON - HOUR, now=NOON)
    asked = open_gap(source, "by_hand", from_at=NOON - 9 * HOUR, to_at=NOON, now=NOON)
    lasting.refresh_from_db()
    assert (lasting.from_at, asked.state) == (NOON - HOUR, "due")


def test_a_source_has_a_bounded_number_of_unfinished_gaps(source):
    for day in range(UNFINISHED_GAPS_MAX + 3):
        start = NOON - timedelta(days=day)
        open_gap(source, "quarantined", from_at=start, to_at=start + MINUTE, now=NOON)
    gaps = InboundGap.unscoped.order_by("from_at")
    assert gaps.count() == UNFINISHED_GAPS_MAX
    assert gaps.first().from_at <= NOON - timedelta(days=UNFINISHED_GAPS_MAX + 2)


@pytest.mark.parametrize(
    ("cause", "hours", "state"),
    [("outage", 24, "due"), ("outage", 25, "held"), ("gone", 25, "due")],
)
def test_after_a_long_outage_a_person_starts_the_read(source, cause, hours, state):
    assert settings.HUB_GAP_CONFIRM_HOURS == 24
    gap = open_gap(source, cause, from_at=NOON - hours * HOUR, to_at=NOON, now=NOON)
    assert (gap.state, gap.due_at) == (state, NOON if state == "due" else None)


def test_cancelled_gaps_are_due_no_more_and_closed_ones_stay(make, source):
    for state in ("due", "held", "reading", "closed"):
        make.gap(source, state=state)
    cancel_gaps([source], "not_wanted", now=NOON)
    states = InboundGap.unscoped.values_list("state", "reason", "due_at").order_by("pk")
    assert list(states) == [("cancelled", "not_wanted", None)] * 3 + [("closed", "", NOON)]


def test_a_gap_that_waits_lasts_again_by_a_cause_that_lasts(source):
    first = open_gap(source, "gone", from_at=NOON - HOUR, now=NOON)
    end_gap_cause(source, ("gone",), to_at=NOON, now=NOON)
    open_gap(source, "edited", from_at=NOON - 2 * HOUR, detail="filter", now=NOON + MINUTE)
    gap = InboundGap.unscoped.get()
    assert (gap, gap.state, gap.cause, gap.detail) == (first, "open", "edited", "filter")
    assert (gap.from_at, gap.to_at) == (NOON - 2 * HOUR, None)
    end_gap_cause(source, ("edited",), to_at=NOON + HOUR, now=NOON + HOUR)
    gap.refresh_from_db()
    assert (gap.state, gap.to_at) == ("due", NOON + HOUR)


def test_a_cause_that_lasts_joins_no_read_that_a_person_requested_and_none_before_it(source):
    open_gap(source, "by_hand", from_at=NOON - HOUR, to_at=NOON, now=NOON)
    open_gap(source, "outage", from_at=NOON - 9 * HOUR, to_at=NOON - 8 * HOUR, now=NOON)
    open_gap(source, "gone", from_at=NOON - HOUR, now=NOON)
    states = InboundGap.unscoped.order_by("pk").values_list("cause", "state")
    assert list(states) == [("by_hand", "due"), ("outage", "due"), ("gone", "open")]


def test_a_cancelled_gap_ends_as_it_is_and_not_as_a_person_last_saw_it(source):
    seen = open_gap(source, "outage", from_at=NOON - HOUR, to_at=NOON, now=NOON)
    open_gap(source, "refused", from_at=NOON - 2 * HOUR, to_at=NOON + MINUTE, now=NOON + MINUTE)
    cancel_gap(seen, ActorContext.system(), now=NOON + MINUTE)
    gap = InboundGap.unscoped.get()
    assert (gap.missing_from, gap.missing_to) == (NOON - 2 * HOUR, NOON + MINUTE)
    assert gap.to_at == NOON + MINUTE
