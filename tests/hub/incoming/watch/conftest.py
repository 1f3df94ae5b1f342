"""A source whose rhythm is known."""

from datetime import timedelta

import pytest

from hub.incoming.models import RhythmDay, SourceRhythm
from hub.incoming.rhythm.counting import HOURS
from hub.incoming.watch.rhythm_rows import learn_due_rhythms
from tests.factories import NOON

DAYS = 40


@pytest.fixture
def steady(make):
    """Make a source of Pipedrive with four events an hour, the last one at NOON."""

    def build(connection=None, object="person", **fields):
        connection = connection or make.connection(connector="pipedrive", account="701", secret={})
        begin = NOON - timedelta(days=DAYS)
        columns = {"state_changed_at": begin, "created_at": begin, "heard_at": NOON}
        source = make.source(connection, object, **columns | fields)
        row = SourceRhythm.unscoped.create(
            source=source,
            connection=connection,
            type=f"pipedrive.{object}.changed",
            first_day=begin.date(),
            last_item_at=NOON,
        )
        hours = dict.fromkeys(HOURS, 4)
        days = [begin.date() + timedelta(days=number) for number in range(DAYS)]
        RhythmDay.unscoped.bulk_create(RhythmDay(rhythm=row, day=day, **hours) for day in days)
        learn_due_rhythms(now=NOON)
        source.refresh_from_db()
        return source

    return build
