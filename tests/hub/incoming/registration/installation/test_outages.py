"""An outage of all web processes opens gaps of what may have been missed."""

from datetime import timedelta

import pytest

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
        ("salesforce", 23 * 3600, 0),
        ("salesforce", 25 * 3600, 1),
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


def test_a_process_that_dies_while_it_opens_gaps_is_continued(make, pipedrive):
    for object in ("activity", "deal", "organization", "person"):
        make.source(pipedrive, object)
    counts = []
    for minute in range(3):
        note_web_heartbeat(at_once=2, now=NOON + HOUR + minute * MINUTE)
        counts.append((len(find_gaps()), Heartbeat.objects.get(name="web").at > NOON))
    assert counts == [(2, False), (4, False), (4, True)]


def test_a_copy_of_the_installation_opens_none(make, pipedrive):
    make.source(pipedrive)
    WebhookAddress.objects.create(public_url="https://original.test", changed_at=NOON)
    note_web_heartbeat(now=NOON + HOUR)
    assert find_gaps() == []
