"""What a part of a read leaves: the rest of its gap, what is missing, and an estimate."""

from datetime import timedelta

import pytest

from hub.db.ids import uuid7
from hub.incoming.gaps import complete_until, open_gap, reading
from hub.incoming.gaps.completeness import complete_until_expression
from hub.incoming.gaps.gap_texts import describe_gap_fully
from hub.incoming.models import InboundGap, InboundSource
from tests.factories import MINUTE, NOON

pytestmark = pytest.mark.django_db
HOUR, SETTLE = 60 * MINUTE, timedelta(seconds=30)
LOST = "changes_not_listed"


@pytest.fixture
def source(make):
    return make.source(make.connection(connector="pipedrive", account="701", secret={}))


@pytest.fixture
def gap(make, source):
    return make.gap(source, from_at=NOON - HOUR, to_at=NOON)


def read(gap, until, *, reason="", missing_to=None, now):
    """Read a part of a gap, as a run does."""
    gap.refresh_from_db()
    assert reading.take_gap(gap, uuid7(), now=now)
    since = gap.unread_from
    reading.finish_read(
        gap, since, until, reason=reason, missing_to=missing_to, settle=SETTLE, now=now
    )
    gap.refresh_from_db()


def test_what_a_feed_does_not_give_keeps_no_other_change_from_being_read(gap):
    read(gap, NOON - MINUTE, reason=LOST, now=NOON)
    assert (gap.state, gap.unread_from, gap.closed_at) == ("due", NOON - MINUTE, None)
    assert complete_until(gap.source, [gap]) == NOON - HOUR
    rows = InboundSource.unscoped.annotate(until=complete_until_expression())
    assert rows.get(pk=gap.source_id).until == NOON - HOUR
    read(gap, NOON + MINUTE, reason=LOST, now=NOON + 2 * MINUTE)
    assert (gap.state, gap.reason) == ("incomplete", LOST)
    assert (gap.missing_from, gap.missing_to) == (NOON - HOUR, NOON)


def test_a_gap_that_was_extended_while_its_feed_gave_not_all_is_read_again(gap):
    reading.take_gap(gap, uuid7(), now=NOON)
    InboundGap.unscoped.update(from_at=NOON - 2 * HOUR)
    reading.finish_read(
        gap, NOON - HOUR, NOON + MINUTE, reason=LOST, settle=SETTLE, now=NOON + MINUTE
    )
    gap.refresh_from_db()
    assert (gap.state, gap.unread_from) == ("due", NOON - 2 * HOUR)


def test_a_refused_read_ends_its_gap_with_what_was_unread(gap):
    read(gap, NOON - 30 * MINUTE, now=NOON)
    read(gap, NOON - 30 * MINUTE, reason="feed_permission", now=NOON + MINUTE)
    assert (gap.state, gap.reason) == ("incomplete", "feed_permission")
    assert (gap.missing_from, gap.missing_to) == (NOON - 30 * MINUTE, NOON)


def test_a_gap_that_lasts_is_not_read_from_its_begin_again_for_what_its_feed_lacks(source):
    gap = open_gap(source, "gone", from_at=NOON - HOUR, now=NOON)
    read(gap, NOON, reason=LOST, now=NOON)
    assert (gap.state, gap.unread_from) == ("open", NOON)
    assert complete_until(source, [gap]) == NOON - HOUR
    sentence = describe_gap_fully(gap, now=NOON)
    assert "a gap of 1 hour is open. Not complete: The other system lists what" in sentence


def test_what_an_early_part_lost_is_missing_at_the_end(source):
    gap = open_gap(source, "gone", from_at=NOON - HOUR, now=NOON)
    gone_until = NOON - 30 * MINUTE
    read(gap, NOON, reason="history_gone", missing_to=gone_until, now=NOON)
    InboundGap.unscoped.update(to_at=NOON + MINUTE)
    read(gap, NOON + 2 * MINUTE, now=NOON + 2 * MINUTE)
    assert (gap.state, gap.reason) == ("incomplete", "history_gone")
    assert (gap.missing_from, gap.missing_to) == (NOON - HOUR, gone_until)


def test_the_estimate_of_very_many_changes_in_the_first_second_is_stored(gap):
    reading.take_gap(gap, uuid7(), now=NOON)
    share = 1 / timedelta(days=30).total_seconds()
    page = reading.PageCounts(read=2_000, known=0, new=2_000, deleted=0, unreadable=0, share=share)
    assert reading.add_counts(gap, page)
    gap.refresh_from_db()
    assert gap.expected_count == reading.COUNT_MAX
