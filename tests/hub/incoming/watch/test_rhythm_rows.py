"""Rhythms are learned once a day from the stored counts."""

from datetime import timedelta

import pytest

from hub.incoming.models import RhythmDay, SourceRhythm
from hub.incoming.rhythm.counting import HOURS
from hub.incoming.rhythm.stored_rhythms import describe_rhythm, load_rhythm
from hub.incoming.watch.rhythm_rows import find_zone, learn_due_rhythms
from hub.incoming.watch.silence_watch import look_at_fading_sources
from tests.factories import NOON

pytestmark = pytest.mark.django_db


def test_a_rhythm_is_stored_with_its_limits(steady):
    row = steady().rhythms.get()
    assert load_rhythm(row).rates == pytest.approx([4.0] * 168, rel=0.02)
    assert len(bytes(row.profile)) == 672
    assert NOON < row.quiet_at < row.silent_at


def test_the_page_names_the_usual_gap(steady):
    source = steady()
    zone = find_zone(source)
    assert describe_rhythm(source.rhythms.get(), zone=zone, now=NOON) == (
        "usually one every 15 minutes at this hour"
    )
    assert "too little history" in describe_rhythm(None, zone=zone, now=NOON)


def test_too_little_history_is_never_judged(make, steady):
    source = steady()
    RhythmDay.unscoped.filter(day__lt=NOON.date() - timedelta(days=9)).delete()
    source.rhythms.update(first_day=NOON.date() - timedelta(days=9), learned_at=None)
    learn_due_rhythms(now=NOON)
    row = SourceRhythm.unscoped.get()
    assert (load_rhythm(row), row.quiet_at, row.silent_at) == (None, None, None)


def test_a_rhythm_is_learned_anew_after_a_day(steady):
    row = steady().rhythms.get()
    RhythmDay.unscoped.update(h12=0)
    learn_due_rhythms(now=NOON + timedelta(hours=23))
    assert SourceRhythm.unscoped.get().per_month == row.per_month
    learn_due_rhythms(now=NOON + timedelta(hours=25))
    assert SourceRhythm.unscoped.get().per_month < row.per_month


def test_a_source_with_far_fewer_events_is_looked_after_once_a_day(make, steady):
    source = steady()
    endpoint = make.inbound_endpoint(source.connection, next_check_at=NOON + timedelta(days=9))
    later = NOON + timedelta(days=1)
    source.rhythms.update(last_item_at=later, learned_at=None)
    RhythmDay.unscoped.filter(day__gte=later.date() - timedelta(days=8)).update(
        **dict.fromkeys(HOURS, 1)
    )
    for minutes in (0, 30):
        learn_due_rhythms(now=later + timedelta(minutes=minutes))
        look_at_fading_sources(now=later + timedelta(minutes=minutes))
    source.refresh_from_db()
    endpoint.refresh_from_db()
    assert source.rhythms.get().is_fading
    assert (source.state, source.looked_at) == ("listening", later)
    assert endpoint.next_check_at == later


def test_a_source_in_its_rhythm_is_not_looked_after(steady):
    source = steady()
    look_at_fading_sources(now=NOON)
    source.refresh_from_db()
    assert (source.rhythms.get().is_fading, source.looked_at) == (False, None)


def test_a_silence_does_not_teach_a_rhythm_that_it_is_usual(steady):
    row = steady().rhythms.get()
    learn_due_rhythms(now=NOON + timedelta(days=20))
    later = SourceRhythm.unscoped.get()
    assert later.learned_at > row.learned_at
    assert abs(later.silent_at - row.silent_at) < timedelta(hours=1)
