"""What a system gave up to send, as the hub answered with errors, is a gap of its sources."""

from datetime import timedelta

import pytest

from hub.db.clock import clock
from hub.incoming.models import InboundCount, InboundGap
from hub.incoming.receiving.counts import truncate_to_minute
from hub.incoming.receiving.refused_gaps import GAPS_AT_ONCE, open_refused_gaps
from hub.sweep import STEPS
from sandbox.pipedrive.webhooks.registry import BAN_FAILURES, BAN_SECONDS
from tests.hub.incoming.sources import make_sender

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
OVERLAP, BAN = 2 * MINUTE, timedelta(seconds=BAN_SECONDS)


@pytest.fixture
def now():
    return truncate_to_minute(clock())


@pytest.fixture
def send(make, client, now):
    """Let a system send requests that have these answers, by minutes before now."""

    def send(system, answers):
        sender = make_sender(make, client, system)
        make.source(sender.endpoint.connection or make.connection(connector=system), "thing")
        for ago, cause, count in answers:
            InboundCount.unscoped.create(
                endpoint=sender.endpoint, minute=now - ago * MINUTE, cause=cause, count=count
            )
        for _sweep in range(2):
            open_refused_gaps(now=now + timedelta(seconds=1))
        return list(InboundGap.unscoped.values_list("cause", "state", "from_at", "to_at"))

    return send


def errors(*minutes, count=1):
    return [(minute, "unavailable", count) for minute in minutes]


def test_the_step_belongs_to_the_sweep():
    assert open_refused_gaps in STEPS


@pytest.mark.parametrize(
    "accepted", [[], [(8, "accepted", 4)], [(8, "accepted", 4), (1, "accepted", 1)]]
)
def test_errors_for_longer_than_pipedrive_sends_again_are_one_gap(send, now, accepted):
    gaps = send("pipedrive", accepted + errors(7, 5, 3))
    assert gaps == [("refused", "due", now - 7 * MINUTE - OVERLAP, now - 2 * MINUTE)]


@pytest.mark.parametrize(
    "answers",
    [
        errors(4, 3),  # Pipedrive sends again for 183 seconds
        errors(7, 6) + [(5, "accepted", 1)] + errors(3),
        errors(7, 5, 3, 1),  # it may go on
        [(7, "wrong_secret", 9), (3, "late", 9)],
    ],
)
def test_what_is_sent_again_or_not_over_or_no_error_is_none(send, answers):
    assert send("pipedrive", answers) == []


def test_after_so_many_errors_that_pipedrive_bans_its_silence_is_in_the_gap(send, now):
    gaps = send("pipedrive", errors(3, count=BAN_FAILURES))
    assert gaps == [("refused", "due", now - 3 * MINUTE - OVERLAP, now - 2 * MINUTE + BAN)]


@pytest.mark.parametrize(("system", "count"), [("splunk", 1), ("salesforce", 0)])
def test_a_system_that_never_sends_again_loses_at_once_and_one_for_a_day_nothing(
    send, system, count
):
    assert len(send(system, errors(40, 20, 3))) == count


def test_the_url_of_an_app_opens_none(send):
    assert send("slack", errors(30, 20, 10, 3)) == []


def refuse_alerts(make, count, minute):
    """Let so many Splunk connections have one alert that met an error in this minute."""
    for _ in range(count):
        connection = make.connection(connector="splunk", secret={})
        make.source(connection, "alert")
        InboundCount.unscoped.create(
            endpoint=make.inbound_endpoint(connection), minute=minute, cause="unavailable", count=1
        )


def test_no_endpoint_is_left_out_however_many_met_an_error(make, now):
    refuse_alerts(make, GAPS_AT_ONCE + 2, now - 3 * MINUTE)
    for sweep in (1, 2):
        open_refused_gaps(now=now + sweep * timedelta(seconds=5))
    assert InboundGap.unscoped.count() == GAPS_AT_ONCE + 2


def test_a_sweep_that_is_late_opens_them_in_few_queries(make, now, django_assert_max_num_queries):
    refuse_alerts(make, 3, now - 9 * MINUTE)
    open_refused_gaps(now=now)
    assert InboundGap.unscoped.count() == 3
    with django_assert_max_num_queries(5):
        open_refused_gaps(now=now)
