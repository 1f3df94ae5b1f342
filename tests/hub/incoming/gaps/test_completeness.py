"""Until when a source is complete, in Python, in SQL and in words."""

from datetime import UTC, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub.incoming.gaps import complete_until, complete_until_expression, describe_completeness
from hub.incoming.gaps.completeness import PROOFS
from hub.incoming.models import InboundGap, InboundSource
from tests.factories import MINUTE, NOON

pytestmark = pytest.mark.django_db
MOMENTS = st.integers(0, 5000).map(lambda seconds: NOON + timedelta(seconds=seconds / 8))


@pytest.fixture
def connection(make):
    return make.connection(connector="salesforce", secret={})


def describe(connection, zone=UTC):
    return describe_completeness(connection, zone=zone, now=NOON)


def test_without_any_proof_it_is_not_known(make, connection):
    assert describe(connection) == ""
    source = make.source(connection, "lead")
    assert complete_until(source, ()) is None
    assert describe(connection) == "Salesforce: not known yet"


def test_it_is_the_newest_proof_of_the_source_that_was_heard_least(make, connection):
    make.source(connection, "lead", heard_at=NOON - 9 * MINUTE, listed_at=NOON - 3 * MINUTE)
    make.source(connection, "account", read_until=NOON)
    make.source(connection, "order", retired_at=NOON)
    assert describe(connection) == "Salesforce: complete until 11:57"
    assert describe(connection, ZoneInfo("Asia/Tokyo")) == "Salesforce: complete until 20:57"


def test_an_unfinished_gap_ends_it_however_new_a_proof_is(make, connection):
    source = make.source(connection, "lead", heard_at=NOON)
    gap = make.gap(source, from_at=NOON - 11 * MINUTE)
    make.gap(source, from_at=NOON - 20 * MINUTE, state="closed")
    text = "Salesforce: complete until 11:49; a gap of 11 minutes "
    assert describe(connection) == f"{text}will be read"
    InboundGap.unscoped.filter(pk=gap.pk).update(state="reading", read_count=3, expected_count=11)
    assert describe(connection) == f"{text}is being read, 3 of 11 done"


def test_a_time_of_another_day_has_its_date(make, connection):
    make.source(connection, "lead", heard_at=NOON - timedelta(days=2))
    assert describe(connection).endswith(f"{NOON - timedelta(days=2):%Y-%m-%d} 12:00")


@given(
    proofs=st.tuples(*[st.none() | MOMENTS for _ in PROOFS]),
    starts=st.lists(
        st.tuples(st.sampled_from(InboundGap.State.values), MOMENTS, st.none() | MOMENTS),
        max_size=4,
    ),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_sql_and_python_agree(make, connection, proofs, starts):
    InboundGap.unscoped.all().delete()
    InboundSource.unscoped.all().delete()
    source = make.source(connection, **dict(zip(PROOFS, proofs, strict=True)))
    is_first_open = True
    for state, start, read_until in starts:
        if state != "open" or is_first_open:
            make.gap(source, state=state, from_at=start, read_until=read_until)
        is_first_open = is_first_open and state != "open"
    (value,) = InboundSource.unscoped.values_list(complete_until_expression(), flat=True)
    assert value == complete_until(source, source.gaps.all())
