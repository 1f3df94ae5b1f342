"""What the event loop answers itself, what it leaves to Django, and what both have in common."""

import asyncio
import json

import pytest

from hub.asgi_bridge import AsgiBridge, Limits
from hub.asgi_bridge.responses import Answer
from hub.logs import REFUSAL_LINES
from hub.problems import Problem
from tests.hub.asgi_bridge.asgi_client import CHUNKED, Echo, ask

PATH = "/hooks/slack/key/"
HOST = ("Host", "testserver")


class Bell:
    """A route that repeats the body, or fails as it is told."""

    pattern = "hooks/<slug:connector>/<str:key>/"

    def __init__(self, error=None):
        self.error, self.requests, self.is_closed = error, [], False

    def takes(self, path):
        return path == PATH

    async def answer(self, request):
        self.requests.append(request)
        if self.error:
            raise self.error
        return Answer(200, [], await request.read_body())

    def close(self):
        self.is_closed = True


def front_with(route, *, behind_proxy=False, on_answer=None, **limits):
    options = {"on_answer": on_answer} if on_answer else {}
    limits = Limits(**limits)
    routes = [route]
    return AsgiBridge(
        Echo(), behind_proxy=behind_proxy, limits=limits, loop_routes=routes, **options
    )


def post(front, body=b"ding", *, headers=(), path=PATH, **request):
    headers = [HOST, ("Content-Length", str(len(body))), *headers]
    return ask(front, [body], path=path, headers=headers, **request)


def test_a_post_at_its_path_is_answered_in_the_event_loop():
    bell = Bell()
    answer = post(front_with(bell), headers=[("X-A", "1"), ("X-A", "2")])
    assert (answer.status, answer.body) == (200, b"ding")
    (request,) = bell.requests
    assert (request.query, request.headers["x-a"], request.address) == (
        "a=%20b",
        "1,2",
        "192.0.2.1",
    )


@pytest.mark.parametrize(
    "request_",
    [
        {"method": "GET"},
        {"path": "/hooks/slack/"},
        {"path": "/api/v1/events"},
        {"headers": [("Host", "stranger.example"), CHUNKED]},
        {"headers": [CHUNKED]},
    ],
    ids=["another method", "another path", "an API", "a host that is not ours", "no host"],
)
def test_whatever_is_not_usual_is_left_to_django(request_):
    bell = Bell()
    answer = ask(front_with(bell), [b"x"], **{"path": PATH, "headers": [HOST, CHUNKED]} | request_)
    assert (answer.headers["set-cookie"], bell.requests) == ("b=2", [])


def test_an_encoded_path_is_compared_as_it_was_sent():
    bell = Bell()
    front = front_with(bell)
    messages = []

    async def send(message):
        messages.append(message)

    async def receive():
        return {"type": "http.request", "body": b""}

    from tests.hub.asgi_bridge.asgi_client import scope

    encoded = scope(path=PATH, headers=[HOST]) | {"raw_path": b"/hooks/slack/k%65y/?a=1"}
    asyncio.run(front(encoded, receive, send))
    assert (bell.requests, messages[0]["status"]) == ([], 200)


def test_every_answer_has_the_headers_of_djangos(settings):
    answer = post(front_with(Bell()))
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["referrer-policy"] == "same-origin"
    assert answer.headers["cross-origin-opener-policy"] == "same-origin"


def test_a_request_keeps_its_id_or_gets_one_and_leaves_a_line_without_its_path(caplog):
    given = post(front_with(Bell()), headers=[("X-Request-Id", "abcdefgh-1")])
    new = post(front_with(Bell()), headers=[("X-Request-Id", "not an id")])
    assert given.headers["x-request-id"] == "abcdefgh-1"
    assert len(new.headers["x-request-id"]) == 36
    lines = [record.msg for record in caplog.records if record.name == "hub.logs"]
    assert [(line["method"], line["route"], line["status"]) for line in lines] == [
        ("POST", Bell.pattern, 200)
    ] * 2


def test_a_flood_of_refused_requests_writes_few_lines(caplog):
    caplog.set_level("INFO", logger="hub.logs")
    front = front_with(Bell(Problem("overloaded")))
    for _ in range(REFUSAL_LINES * 3):
        assert post(front).status == 503
    assert len([record for record in caplog.records if record.name == "hub.logs"]) == REFUSAL_LINES


def test_a_problem_is_answered_as_one_and_the_connection_stays():
    bell = Bell(Problem("overloaded", headers={"Retry-After": "5"}))
    seen = []
    front = front_with(
        bell,
        on_answer=lambda path, status, seconds, *, is_refusal: seen.append((status, is_refusal)),
    )
    answer = ask(front, path=PATH, headers=[HOST, ("Content-Length", "0")])
    document = json.loads(answer.body)
    assert (answer.status, document["code"]) == (503, "overloaded")
    assert document["request_id"] == answer.headers["x-request-id"]
    assert answer.headers["retry-after"] == "5"
    assert seen == [(503, False)]


def test_an_error_that_nothing_caught_is_500_and_logged(caplog):
    answer = post(front_with(Bell(KeyError("x"))))
    assert (answer.status, json.loads(answer.body)["code"]) == (500, "internal-error")
    assert any(record.exc_info for record in caplog.records)


def test_a_body_that_was_not_read_closes_the_connection():
    assert post(front_with(Bell(Problem("not-found")))).headers["connection"] == "close"
    assert post(front_with(Bell()), b"x" * 11, path=PATH).headers.get("connection") is None
    too_large = post(front_with(Bell(), body_bytes=10), b"x" * 11)
    assert (too_large.status, too_large.headers["connection"]) == (413, "close")


def test_bodies_count_to_the_client_and_are_released():
    front = front_with(Bell(), bodies_bytes_per_client=10)
    assert post(front, b"x" * 11).status == 503
    assert post(front, b"x" * 10).status == 200
    assert (front.bodies.used, front.loop_routes.in_progress) == (0, 0)


def test_contradicting_lengths_are_a_bad_request():
    assert post(front_with(Bell()), headers=[CHUNKED]).status == 400


def test_behind_a_proxy_the_last_forwarded_address_is_the_clients(settings):
    settings.SECURE_HSTS_SECONDS = 60
    forwarded = [("X-Forwarded-For", "198.51.100.1, 203.0.113.9"), ("X-Forwarded-Proto", "https")]
    for behind_proxy, address in ((True, "203.0.113.9"), (False, "192.0.2.1")):
        bell = Bell()
        post(front_with(bell, behind_proxy=behind_proxy), headers=forwarded)
        assert bell.requests[0].address == address


def test_the_routes_are_closed_when_the_process_stops():
    bell = Bell()
    front, sent = front_with(bell), []
    messages = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]

    async def receive():
        return messages.pop(0)

    async def send(message):
        sent.append(message["type"])

    asyncio.run(front({"type": "lifespan"}, receive, send))
    assert bell.is_closed
