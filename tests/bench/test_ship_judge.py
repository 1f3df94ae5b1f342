"""What the judge of `bench scheduled --only ship` excuses, and that its lines come by REST."""

import json
from collections import Counter
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from bench.scheduled.ship import (
    ACK,
    EVENT,
    Log,
    doubt_lost_acknowledgement,
    doubt_lost_answers,
    find_repeated,
)

pytestmark = pytest.mark.corrections(item="4.5")
STACK = "faults"


class Ledger:
    """A sandbox that shows these requests."""

    def __init__(self, *requests):
        self.requests = requests

    def get_rows(self, _path):
        return self.requests


def sent(seq, *lines, path=EVENT, status=200, account=STACK):
    body = "\n".join(json.dumps({"fields": {"log_line": line}}) for line in lines)
    return {"seq": seq, "account": account, "path": path, "status": status, "body": body}


def log_of(*requests, place="", count=0):
    return Log(None, "key", place, STACK, Ledger(*requests), count)


def unexplained(log, indexed):
    return find_repeated(Counter(indexed)) - log.doubts


def test_a_lost_answer_explains_one_repetition_of_the_lines_that_it_was_about():
    log = log_of(sent(1, 1, 2, status=0), sent(2, 3), sent(3, 4, status=0, account="another"))
    doubt_lost_answers(log)
    assert unexplained(log, {1: 2, 2: 2, 3: 1, 4: 1}) == {}
    assert unexplained(log, {1: 3, 2: 1, 3: 2, 4: 2}) == {1: 1, 3: 1, 4: 1}


def test_a_lost_acknowledgement_explains_what_was_sent_before_it_was_asked():
    log = log_of(sent(1, 1), sent(2, path=ACK), sent(3, 2), sent(4, path=ACK))
    doubt_lost_acknowledgement(log)
    assert unexplained(log, {1: 2, 2: 2}) == {2: 1}


def test_a_restart_explains_only_what_was_not_acknowledged():
    log = log_of(sent(1, 1, 2), sent(2, 3))
    log.doubt_unacknowledged(shipped_count=2)
    assert unexplained(log, {1: 2, 2: 2, 3: 2}) == {1: 1}


@pytest.fixture
def web():
    """A server that notes what is posted, and answers as `status` says."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            length = int(self.headers["Content-Length"])
            server.posted.append((self.path, self.rfile.read(length).count(b"\n") + 1))
            self.send_response(server.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_arguments):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    server.posted, server.status = [], 202
    Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def test_all_lines_are_posted_and_a_refusal_ends_the_bench(web):
    log = log_of(place=f"127.0.0.1:{web.server_port}", count=2_000)
    log.post_lines()
    assert web.posted == [("/api/v1/logs", 1_000)] * 2
    web.status = 429
    with pytest.raises(SystemExit, match="429"):
        log.post_lines()
