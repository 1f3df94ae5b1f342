"""A quiet source is asked what has changed; what its webhook has not reported is evidence."""

import json
from datetime import timedelta

import pytest

from connectors.http import Response
from hub.incoming.models import InboundGap, InboundSource
from hub.incoming.watch.canary_calls import CanaryContext
from hub.incoming.watch.feed_looks import look_into_feeds
from hub.incoming.watch.silence_watch import Look, judge_due_sources
from tests.factories import NOON
from tests.fakes import FakeHttp
from tests.hub.incoming.webhook_posts import endpoint_of

pytestmark = pytest.mark.django_db(transaction=True)

MINUTE = timedelta(minutes=1)
QUIET = NOON + 40 * MINUTE
TYPE = "pipedrive.person.updated"


@pytest.fixture
def source(make, steady):
    """Persons of Pipedrive whose updates a route takes; the last one at NOON."""
    secret = {"access_token": "p"}
    source = steady(make.connection(connector="pipedrive", account="701", secret=secret))
    make.route(
        tenant=source.tenant,
        event_type=TYPE,
        origin_connector_key="pipedrive",
        connector="webhook",
    )
    endpoint_of(source.connection)
    source.rhythms.update(type=TYPE)
    return source


def list_persons(*times, more=False, **fields):
    """Return a page of persons that were changed at these times."""
    persons = [
        {
            "id": number,
            "name": "Ann",
            "add_time": "2020-01-01T00:00:00Z",
            "update_time": at.isoformat().replace("+00:00", "Z"),
            "custom_fields": {},
        }
        | fields
        for number, at in enumerate(times, 31)
    ]
    cursor = {"next_cursor": "next"} if more else {"next_cursor": None}
    document = {"success": True, "data": persons, "additional_data": cursor}
    return FakeHttp(Response(200, json.dumps(document).encode()))


def look(http, *, at=QUIET):
    """Judge the sources and ask their systems, as the task does."""
    looks = judge_due_sources(now=at)
    look_into_feeds(looks, CanaryContext(http.call, lambda: at, lambda: "", lambda: False))
    return InboundSource.unscoped.get()


def test_a_listed_change_that_no_webhook_reported_is_an_alarm(source):
    http = list_persons(NOON + 10 * MINUTE)
    found = look(http)
    assert (found.state, found.reason) == ("silent", "change_missed")
    gap = InboundGap.unscoped.get()
    assert (gap.cause, gap.from_at) == ("missed", NOON - 2 * MINUTE)
    (request,) = http.requests
    assert request.method == "GET" and "updated_since=2026-11-25T11" in request.url


def test_a_system_whose_first_page_does_not_say_what_is_new_is_not_asked(make):
    connection = make.connection(
        connector="splunk",
        settings={"management_url": "https://splunk.test:8089"},
        secret={"token": "t", "management_token": "m"},
    )
    endpoint_of(connection)
    http = FakeHttp()
    look = Look(make.source(connection, "alert"), NOON)
    look_into_feeds([look], CanaryContext(http.call, lambda: QUIET, lambda: "", lambda: False))
    assert http.requests == [] and InboundSource.unscoped.get().read_until is None


def test_a_change_that_may_still_be_sent_again_is_none(source):
    assert look(list_persons(QUIET - 4 * MINUTE)).state == "quiet"
    assert InboundSource.unscoped.get().read_until is None
    assert not InboundGap.unscoped.exists()


def test_a_change_whose_webhook_arrived_is_none(make, source):
    at = NOON + 10 * MINUTE
    make.inbound_item(source.connection, type=TYPE, record="31", occurred_at=at, now=NOON)
    assert look(list_persons(at)).state == "quiet"


def test_a_change_that_no_route_takes_is_none(source):
    at = NOON + 10 * MINUTE
    added = at.isoformat().replace("+00:00", "Z")
    assert look(list_persons(at, add_time=added)).state == "quiet"


def test_where_nothing_has_changed_nothing_was_missed(source):
    found = look(list_persons())
    assert found.read_until == QUIET - timedelta(seconds=30)
    before = source.rhythms.get().silent_at
    judge_due_sources(now=QUIET + timedelta(hours=1))
    assert source.rhythms.get().silent_at > before


@pytest.mark.parametrize("is_cut", [True, False])
def test_a_list_that_does_not_say_all_proves_nothing(source, is_cut):
    if not is_cut:  # persons' deletions are not listed
        source.tenant.routes.update(event_type="pipedrive.person.*")
    assert look(list_persons(more=is_cut)).read_until is None


def test_a_system_that_refuses_is_no_evidence(source):
    assert look(FakeHttp(Response(503))).state == "quiet"
    assert not InboundGap.unscoped.exists()


def test_a_source_that_is_heard_after_a_missed_change_ends_its_gap(make, source):
    look(list_persons(NOON + 10 * MINUTE))
    InboundSource.unscoped.update(heard_at=QUIET + MINUTE)
    source.rhythms.update(last_item_at=QUIET + MINUTE)
    judge_due_sources(now=QUIET + 2 * MINUTE)
    assert InboundSource.unscoped.get().state == "listening"
    assert InboundGap.unscoped.get().state == "due"


def test_a_silent_source_is_not_asked_as_its_gap_is_read(source):
    http = list_persons()
    look(http, at=NOON + timedelta(hours=9))
    look(http, at=NOON + timedelta(hours=12))
    assert http.requests == []
