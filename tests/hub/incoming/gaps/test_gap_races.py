"""Changes of gaps that meet at the locks of sources, on PostgreSQL."""

import pytest
from django.db import connection as database
from django.db import transaction

from hub.audit import ActorContext
from hub.incoming.gaps import open_gap, reading
from hub.incoming.gaps.gap_actions import cancel_gap
from hub.incoming.gaps.gap_states import lock_source
from hub.incoming.models import InboundGap
from hub.incoming.registration.outcomes import record_state
from tests.factories import MINUTE, NOON
from tests.row_locks import run_beside

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(
        database.vendor != "postgresql", reason="SQLite has one writer at a time, without row locks"
    ),
]
END_GAP = {
    "cancel": lambda gap: cancel_gap(gap, ActorContext.system(), now=NOON),
    "no_feed": lambda gap: reading.end_gaps_without_feed(
        InboundGap.unscoped.filter(pk=gap.pk), now=NOON
    ),
}


@pytest.mark.parametrize("end", END_GAP)
def test_a_gap_ends_with_what_has_joined_it_meanwhile(make, end):
    source = make.source(make.connection(connector="webhook", secret={}))
    gap = open_gap(source, "outage", from_at=NOON - 9 * MINUTE, to_at=NOON, now=NOON)
    run_beside(
        lambda: lock_source(source),
        lambda: END_GAP[end](InboundGap.unscoped.get()),
        lambda: open_gap(source, "refused", from_at=NOON, to_at=NOON + MINUTE, now=NOON),
    )
    gap.refresh_from_db()
    assert (gap.missing_from, gap.missing_to) == (NOON - 9 * MINUTE, NOON + MINUTE)


def test_a_check_and_the_inbox_lock_the_sources_of_a_connection_in_one_order(make):
    connection = make.connection(connector="pipedrive", account="701", secret={})
    deals, persons = (make.source(connection, object) for object in ("deal", "person"))
    registrations = [
        make.webhook_subscription(connection, key=f"{object}.change", event_types=[f"{object}.x"])
        for object in ("person", "deal")
    ]

    @transaction.atomic
    def check():
        for registration in registrations:
            record_state(registration, "verified", None, now=NOON)

    def open_gap_of(source):
        return lambda: open_gap(source, "quarantined", from_at=NOON, to_at=NOON, now=NOON)

    run_beside(open_gap_of(deals), check, open_gap_of(persons))
    assert InboundGap.unscoped.count() == 2
