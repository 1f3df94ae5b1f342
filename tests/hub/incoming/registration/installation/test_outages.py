"""An outage of all web processes opens gaps of what may have been missed."""

from datetime import timedelta

import pytest
from django.db.models import Max

from hub.incoming.models import InboundGap, WebhookAddress
from hub.incoming.registration.installation.outages import note_web_heartbeat
from hub.queue import Heartbeat
from tests.factories import MINUTE, NOON

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture
def pipedrive(make):
    return make.connection(connector="pipedrive", account="701", secret={})


@pytest.fixture(autouse=True)
def alive():
    note_web_heartbeat(now=NOON)


def find_gaps():
    rows = InboundGap.unscoped.order_by("pk")
    return list(rows.values_list("source__object", "cause", "state", "from_at", "to_at"))


def test_after_an_outage_each_source_has_one_gap_however_many_processes_look(make, pipedrive):
    make.source(pipedrive, "person")
    make.source(pipedrive, "deal", retired_at=NOON)
    at = NOON + 6 * HOUR
    for _ in range(2):
        note_web_heartbeat(now=at)
    assert find_gaps() == [("person", "outage", "due", NOON - 2 * MINUTE, at)]
    assert Heartbeat.objects.get(name="web").at == at


@pytest.mark.parametrize(
    ("connector", "length", "count"),
    [
        ("pipedrive", 80, 0),  # no outage
        ("pipedrive", 170, 0),  # it sends again for 183 seconds
        ("pipedrive", 200, 1),
        ("splunk", 100, 1),  # it never sends again
        ("salesforce", 14 * 60, 0),  # it sends again for a day
        ("salesforce", 16 * 60, 1),  # what it changed can be read sooner
    ],
)
def test_a_system_that_sends_again_for_longer_misses_nothing(make, connector, length, count):
    make.source(make.connection(connector=connector, secret={}), "thing")
    note_web_heartbeat(now=NOON + timedelta(seconds=length))
    assert len(find_gaps()) == count


def test_after_more_than_a_day_a_person_starts_the_reads(make, pipedrive):
    make.source(pipedrive)
    note_web_heartbeat(now=NOON + 25 * HOUR)
    assert [state for _, _, state, _, _ in find_gaps()] == ["held"]


def make_sources(make, connection):
    return [make.source(connection, key) for key in ("activity", "deal", "organization", "person")]


def test_the_gaps_of_many_sources_are_opened_in_several_sweeps(make, pipedrive):
    make_sources(make, pipedrive)
    counts = []
    for minute in range(3):
        note_web_heartbeat(at_once=2, now=NOON + HOUR + minute * MINUTE)
        counts.append(len(find_gaps()))
    assert counts == [2, 4, 4]
    assert {to_at for *_, to_at in find_gaps()} == {NOON + HOUR}
    names = set(Heartbeat.objects.values_list("name", flat=True))
    assert names == {"web", "web_returned"}  # the outage itself is forgotten


def test_of_a_process_that_dies_while_it_opens_gaps_no_source_misses_the_next_outage(
    make, pipedrive
):
    make_sources(make, pipedrive)
    note_web_heartbeat(at_once=2, now=NOON + HOUR)
    InboundGap.unscoped.update(state="reading")  # a run was faster
    for minute in range(4):
        note_web_heartbeat(at_once=2, now=NOON + 3 * HOUR + minute * MINUTE)
    ends = InboundGap.unscoped.values_list("source").annotate(Max("to_at"))
    assert {to_at for _, to_at in ends} == {NOON + 3 * HOUR} and len(ends) == 4
    starts = InboundGap.unscoped.filter(to_at=NOON + 3 * HOUR).values_list("from_at", flat=True)
    assert set(starts) == {NOON - 2 * MINUTE}


@pytest.mark.parametrize(
    "columns",
    [
        {"to_at": NOON + MINUTE},  # of a message that was set aside just before
        {"to_at": None, "state": "cancelled"},  # a person has cancelled it while it lasted
    ],
)
def test_an_outage_is_not_covered_by_a_gap_that_ends_in_it_or_was_cancelled(
    make, pipedrive, columns
):
    source = make.source(pipedrive)
    make.gap(source, **{"state": "closed", "from_at": NOON - HOUR} | columns)
    note_web_heartbeat(now=NOON + 6 * HOUR)
    assert find_gaps()[1:] == [("person", "outage", "due", NOON - 2 * MINUTE, NOON + 6 * HOUR)]


@pytest.mark.parametrize("state", ["open", "reading"])
def test_a_gap_that_lasts_contains_the_outage(make, pipedrive, state):
    make.gap(make.source(pipedrive), state=state, from_at=NOON - HOUR, to_at=None)
    note_web_heartbeat(now=NOON + 6 * HOUR)
    assert len(find_gaps()) == 1


def test_a_copy_of_the_installation_opens_none(make, pipedrive):
    make.source(pipedrive)
    WebhookAddress.objects.create(public_url="https://original.test", changed_at=NOON)
    note_web_heartbeat(now=NOON + HOUR)
    assert find_gaps() == []
