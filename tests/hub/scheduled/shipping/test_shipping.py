"""Lines arrive in Splunk: none is lost, and few arrive twice, whatever fails."""

from collections import Counter

import pytest

from hub.notices.models import Notice
from hub.scheduled.runs.context import RunFailed
from hub.scheduled.shipping.executor import run_shipping
from tests.factories import MINUTE
from tests.hub.scheduled.logs import entries, store_lines
from tests.hub.scheduled.shipping.splunk_run import (
    ACK,
    EVENT,
    Killed,
    finish,
    position,
    read_body,
    ship,
)

pytestmark = pytest.mark.django_db
SMALL = {"batch_bytes": 1_000}  # about 12 lines


def test_all_lines_that_wait_go_in_one_request_with_their_numbers(acme, start):
    context = start(index="main", sourcetype="app", host="web-1", fields={"team": "shop"})
    store_lines(acme, {"time": 1795608000.25, "message": "paid"}, key="a")
    store_lines(acme, *entries(3), key="b")
    assert ship(context)["lines"] == 4
    (request,) = context.splunk.requests
    first = read_body(request)[0]
    assert first == {
        "time": 1795608000.25,
        "event": {"time": 1795608000.25, "message": "paid"},
        "host": "web-1",
        "source": "integration-hub:api",
        "sourcetype": "app",
        "index": "main",
        "fields": {"team": "shop", "log_line": "0"},
    }
    assert context.splunk.lines() == [0, 1, 2, 3]
    assert (position().shipped_line, position().batches, position().run) == (4, [], None)


def test_batches_are_bounded_by_bytes(acme, start):
    context = start(**SMALL)
    store_lines(acme, *entries(100))
    ship(context)
    assert context.splunk.lines() == list(range(100))
    sizes = [len(b"\n".join(request.body.split(b"\n"))) for request in context.splunk.requests]
    lines = [len(read_body(request)) for request in context.splunk.requests]
    assert max(lines) < 25 and len(sizes) == len(lines)


def test_a_line_larger_than_a_batch_goes_alone(acme, start):
    context = start(**SMALL)
    store_lines(acme, {"a": 1}, {"text": "x" * 5_000}, {"a": 2})
    ship(context)
    assert [len(read_body(request)) for request in context.splunk.requests] == [1, 1, 1]


def test_a_batch_that_is_not_full_waits_for_more(acme, start):
    context = start(batch_seconds=5)
    store_lines(acme, *entries(3), now=context.time)
    began = context.time
    ship(context)
    assert 4 <= (context.time - began).total_seconds() <= 6


def test_the_position_advances_over_acknowledged_lines_only(acme, start):
    context = start({"ack": True, "ack_after": 30}, **SMALL)
    store_lines(acme, *entries(60))
    context.kill_at = 3
    with pytest.raises(Killed):
        ship(context)
    assert (position().shipped_line, len(position().batches)) == (0, 2)
    context.kill_at = None
    assert ship(context)["sent_again"] == 0
    assert position().shipped_line == 60
    counts = Counter(context.splunk.lines())
    third_batch = len(read_body(context.splunk.requests[2]))
    assert (len(counts), counts.total()) == (60, 60 + third_batch)


def test_a_batch_without_acknowledgement_is_sent_again(acme, start):
    context = start({"ack": True}, acknowledge_seconds=60)
    store_lines(acme, *entries(5))
    context.splunk.add_fault(path=ACK, body={"acks": {}}, effect=True)  # said once, and lost
    counts = ship(context)
    assert (counts["lines"], counts["sent_again"]) == (5, 5)
    assert context.splunk.lines() == [0, 1, 2, 3, 4] * 2
    assert position().shipped_line == 5


def test_after_a_long_interruption_each_batch_is_asked_about_before_it_is_sent_again(acme, start):
    context = start({"ack": True, "ack_after": 30}, **SMALL)
    store_lines(acme, *entries(600))
    context.kill_at = 30
    with pytest.raises(Killed):
        ship(context)
    assert len(position().batches) > 20
    context.time += 60 * MINUTE
    context.kill_at = None
    assert ship(context)["sent_again"] == 0
    last_batch = len(read_body(context.splunk.requests[29]))
    assert len(context.splunk.lines()) == 600 + last_batch


def test_acknowledgements_that_never_come_fail_the_run(acme, start):
    context = start({"ack": True, "ack_after": 1e6}, acknowledge_seconds=60)
    store_lines(acme, *entries(5))
    with pytest.raises(RunFailed, match="5 lines"):
        ship(context)
    assert position().shipped_line == 0


def test_a_lost_answer_repeats_its_batch_only(acme, start):
    context = start(**SMALL)
    store_lines(acme, *entries(60))
    context.splunk.add_fault(path=EVENT, status=0, effect=True)
    ship(context)
    counts = Counter(context.splunk.lines())
    first_batch = len(read_body(context.splunk.requests[0]))
    assert set(counts) == set(range(60))
    assert [line for line in counts if counts[line] == 2] == list(range(first_batch))


def test_batches_that_wait_at_the_same_time_have_channels_of_their_own(acme, start):
    context = start({"ack": True, "ack_after": 30}, **SMALL)
    store_lines(acme, *entries(60))
    ship(context)
    sent = [request for request in context.splunk.requests if request.path.endswith(EVENT)]
    channels = [request.headers["X-Splunk-Request-Channel"] for request in sent]
    assert len(set(channels)) == len(channels) >= 4
    assert position().shipped_line == 60


def test_of_a_batch_that_is_accepted_in_part_only_the_rest_is_sent_again(acme, start):
    context = start()
    store_lines(acme, *entries(20))
    context.splunk.add_fault(path=EVENT, accepts=7)
    assert ship(context)["rejected"] == 0
    assert context.splunk.lines() == list(range(20))
    assert [len(read_body(request)) for request in context.splunk.requests] == [20, 13]


def test_a_batch_that_is_accepted_in_part_is_acknowledged_in_part(acme, start):
    context = start({"ack": True})
    store_lines(acme, *entries(20))
    context.splunk.add_fault(path=EVENT, accepts=7)
    ship(context)
    assert context.splunk.lines() == list(range(20))
    assert position().shipped_line == 20


def test_a_line_that_is_refused_alone_is_rejected_and_the_others_arrive(acme, start):
    context = start({"max_bytes": 2_000})
    store_lines(acme, *entries(5), {"text": "x" * 3_000}, *entries(5, first=6))
    counts = ship(context)
    assert (counts["lines"], counts["rejected"]) == (10, 1)
    assert context.splunk.lines() == [0, 1, 2, 3, 4, 6, 7, 8, 9, 10]
    assert (position().shipped_line, position().rejected_count) == (11, 1)
    ((kind, parameters),) = context.logged
    assert (kind, parameters["line"]) == ("line_refused", 5)


@pytest.mark.corrections(item="1.18")
def test_a_rejected_line_creates_a_notice_of_its_log(acme, start):
    context = start({"max_bytes": 2_000})
    store_lines(acme, *entries(2), {"text": "x" * 3_000}, *entries(2))
    ship(context)
    notice = Notice.unscoped.get()
    assert (notice.kind, notice.connection) == ("log_lines_rejected", context.connection)
    name = context.connection.name
    assert notice.sentence == f"“{name}” rejected 1 log line. It is not sent again."


def test_lines_are_not_rejected_if_all_of_them_are_refused(acme, start):
    context = start({"max_bytes": 10})
    store_lines(acme, *entries(50))
    with pytest.raises(RunFailed, match="Invalid data format"):
        ship(context)
    assert (position().shipped_line, position().rejected_count) == (0, 0)


@pytest.mark.parametrize(
    ("token", "options"), [({"disabled": True}, {}), ({}, {"index": "unknown"})]
)
def test_a_wrong_token_or_index_rejects_no_line(acme, start, token, options):
    context = start(token, **options)
    store_lines(acme, *entries(5))
    with pytest.raises(RunFailed):
        ship(context)
    assert (position().shipped_line, position().rejected_count) == (0, 0)


@pytest.mark.parametrize(("status", "code"), [(503, 9), (429, 26), (503, 23)])
def test_a_busy_server_is_waited_for(acme, start, status, code):
    context = start()
    store_lines(acme, *entries(5))
    busy = {"text": "Server is busy", "code": code}
    context.splunk.add_fault(path=EVENT, status=status, body=busy, times=2)
    ship(context)
    assert context.splunk.lines() == [0, 1, 2, 3, 4]


def test_a_dry_run_counts_and_ships_nothing(acme, start):
    context = start()
    store_lines(acme, *entries(5))
    context.run.is_dry = True
    assert finish(run_shipping(context)) == {"lines": 5}
    assert (context.splunk.lines(), position().shipped_line) == ([], 0)


def test_a_run_says_how_many_lines_it_expects(acme, start):
    context = start(**SMALL)
    store_lines(acme, *entries(60))
    ship(context)
    assert (context.expected, context.run.done_count) == (60, 60)


def test_a_connection_whose_system_takes_no_lines_is_refused(make, acme, start):
    context = start()
    context.connection = make.connection(acme)
    with pytest.raises(RunFailed):
        ship(context)


def test_a_long_log_takes_few_statements(acme, start, django_assert_max_num_queries):
    context = start()
    store_lines(acme, *entries(5_000))
    with django_assert_max_num_queries(30):
        ship(context)
    assert len(context.splunk.lines()) == 5_000
    assert context.time - context.run.created_at < 3 * MINUTE
