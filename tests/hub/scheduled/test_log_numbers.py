"""Lines of one log are numbered without gaps, whoever sends them at the same time."""

import threading

import pytest
from django.db import connections

from hub.scheduled.log_intake.append import build_chunk_input, submit_chunks
from hub.scheduled.log_intake.lines import parse_lines
from hub.scheduled.models import Log, LogChunk
from tests.factories import NOON
from tests.hub.scheduled.logs import entries, ndjson

THREADS, REQUESTS = 6, 10


@pytest.mark.django_db(transaction=True)
def test_concurrent_requests_leave_no_gap(make):
    tenant = make.tenant()

    def send_lines(sender):
        for number in range(REQUESTS):
            lines = list(parse_lines(ndjson(*entries(number + 1)), now=NOON))
            key = f"{sender} {number}"
            submit_chunks([build_chunk_input(tenant, "api", key, lines, now=NOON)])
        connections.close_all()

    senders = [threading.Thread(target=send_lines, args=(n,)) for n in range(THREADS)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    chunks = list(LogChunk.unscoped.order_by("first_line"))
    ends = [chunk.first_line + chunk.line_count for chunk in chunks]
    assert [chunk.first_line for chunk in chunks] == [0, *ends[:-1]]
    assert len(chunks) == THREADS * REQUESTS
    assert Log.objects.of(tenant).get().next_line == ends[-1]


@pytest.mark.django_db(transaction=True)
def test_a_request_that_is_repeated_at_the_same_time_is_stored_once(make):
    tenant, results = make.tenant(), []
    lines = list(parse_lines(ndjson(*entries(3)), now=NOON))

    def send_lines():
        results.extend(submit_chunks([build_chunk_input(tenant, "api", "key", lines, now=NOON)]))
        connections.close_all()

    senders = [threading.Thread(target=send_lines) for _ in range(THREADS)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    assert sorted(result.is_new for result in results) == [False] * (THREADS - 1) + [True]
    assert {result.chunk.first_line for result in results} == {0}
    assert Log.objects.of(tenant).get().next_line == 3
