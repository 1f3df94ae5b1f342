"""One line of JSON for each thing that happened, whoever chose the words."""

import json
import logging
import sys
import uuid

import pytest
import structlog
from django.http import HttpResponse
from django.test import Client, RequestFactory
from structlog.contextvars import bound_contextvars

from hub.logs import (
    MAX_VALUE_LENGTH,
    REFUSAL_LINES,
    REFUSAL_SECONDS,
    REFUSAL_STATUSES,
    ReporterFilter,
    RequestIdMiddleware,
    RequestLog,
    TracebackOnce,
    build_formatter,
)

pytestmark = pytest.mark.urls("tests.tenants.urls")

KEY = "hub_live_0123abcd_" + "A1b2C3" * 6 + "xyz"


@pytest.fixture
def lines():
    """What is written, in bytes as they leave the house."""
    written = []

    class Kept(logging.Handler):
        def emit(self, record):
            written.append(self.format(record))

    kept = Kept()
    kept.setFormatter(build_formatter())
    root = logging.getLogger()
    root.addHandler(kept)
    yield written
    root.removeHandler(kept)


HOSTILE = {
    "a forged line": "\r\nERROR fake",
    "a terminal": "\x1b[2J\x1b]0;owned\x07",
    "bidi": "\u202egnp.exe",
    "NUL": "a\0b",
    "line separators": "a\u2028b\u2029c\x85d",
    "a lone surrogate": "\ud800",
    "format": "%s%n{0}",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
@pytest.mark.parametrize("teller", [logging.getLogger("strange"), structlog.get_logger("strange")])
def test_hostile_words_stay_one_harmless_line(lines, text, teller):
    teller.warning(text)
    (line,) = lines
    assert line.isascii()
    assert line.isprintable()
    assert json.loads(line)["event"].isprintable()


def test_a_megabyte_is_cut(lines):
    structlog.get_logger().warning("x" * 1_000_000, header="y" * 1_000_000)
    assert len(lines[0]) < 3 * MAX_VALUE_LENGTH


def test_a_line_tells_when_where_and_how_bad(lines):
    logging.getLogger("hub.somewhere").error("it broke %s times", 3)
    told = json.loads(lines[0])
    assert (told["event"], told["level"], told["logger"]) == (
        "it broke 3 times",
        "error",
        "hub.somewhere",
    )
    assert told["at"].endswith("Z")


def test_numbers_stay_numbers(lines):
    structlog.get_logger().warning("sent", count=3, late=False, rate=0.5, nothing=None)
    told = json.loads(lines[0])
    assert (told["count"], told["late"], told["rate"], told["nothing"]) == (3, False, 0.5, None)


@pytest.mark.parametrize("teller", [logging.getLogger("strange"), structlog.get_logger("strange")])
def test_the_ids_of_what_it_is_about_are_in_every_line(lines, teller):
    with bound_contextvars(request_id="r1", tenant="acme", delivery="d1"):
        teller.warning("held")
    told = json.loads(lines[0])
    assert (told["request_id"], told["tenant"], told["delivery"]) == ("r1", "acme", "d1")


@pytest.mark.parametrize("teller", [logging.getLogger("strange"), structlog.get_logger("strange")])
def test_a_secret_is_not_logged_even_by_a_traceback(lines, teller):
    try:
        raise ValueError(f"could not send with {KEY}\r\nERROR fake")
    except ValueError:
        teller.exception(f"failed with Bearer {KEY}")
    told = json.loads(lines[0])
    assert KEY[18:] not in lines[0]
    assert told["traceback"][0].startswith("Traceback")
    assert all(line.isprintable() for line in told["traceback"])


@pytest.mark.parametrize(("name", "status"), [("bug", 500), ("forbidden", 403), ("database", 503)])
def test_a_request_is_logged_by_its_route_and_never_by_its_url(lines, name, status):
    Client(raise_request_exception=False).get(f"/api/fail/{name}?code=hidden-code")
    told = [json.loads(line) for line in lines]
    assert [(line["route"], line["status"]) for line in told if line["event"] == "request"] == [
        ("api/fail/<name>", status)
    ]
    assert "hidden-code" not in "".join(lines)
    assert f"/{name}" not in "".join(lines)


def answer_requests(statuses):
    """Send a request through the middleware for each status."""
    middleware = RequestIdMiddleware(lambda request: HttpResponse(status=next(answers)))
    answers = iter(statuses)
    for _ in statuses:
        request = RequestFactory().get("/api/nothing")
        request.resolver_match = None
        middleware(request)


@pytest.mark.parametrize("status", sorted(REFUSAL_STATUSES))
def test_a_flood_of_refused_requests_writes_few_lines(lines, status):
    answer_requests([status] * 500 + [200] * 50)
    statuses = [json.loads(line)["status"] for line in lines]
    assert statuses == [status] * REFUSAL_LINES + [200] * 50


def test_a_refused_request_writes_one_line_without_a_traceback(lines):
    Client(raise_request_exception=False).get("/api/fail/overloaded")
    (line,) = lines
    assert json.loads(line)["status"] == 503 and "traceback" not in line


def test_the_lines_that_were_left_out_are_counted_a_minute_later():
    now = 0.0
    request_log = RequestLog(lambda: now)
    for _ in range(REFUSAL_LINES + 25):
        request_log.count_refusal("hooks/<key>", 429)
    assert request_log.count_refusal("hooks/<key>", 503) == 0  # counted by itself
    assert request_log.count_refusal("hooks/<key>", 429) is None
    now = REFUSAL_SECONDS
    assert request_log.count_refusal("hooks/<key>", 429) == 26
    assert request_log.count_refusal("hooks/<key>", 429) == 0


@pytest.mark.parametrize("sent", ["abcdefgh", "0197-Req.Id_1", str(uuid.UUID(int=7))])
def test_a_plain_request_id_is_kept(sent):
    assert Client().get("/api/nothing", headers={"X-Request-Id": sent})["X-Request-Id"] == sent


@pytest.mark.parametrize(
    "sent",
    ["", "short", "a" * 65, "a b c d e", "x\r\nSet-Cookie: a=b", "<script>1</script>", "-" * 9],
)
def test_a_strange_request_id_is_replaced(sent):
    given = Client().get("/api/nothing", headers={"X-Request-Id": sent})["X-Request-Id"]
    assert uuid.UUID(given).version == 7


def test_a_report_shows_what_the_request_carried_and_nothing_of_the_process():
    request = RequestFactory().get(
        "/hooks/slack/the-key/?code=the-code",
        headers={
            "Authorization": f"Bearer {KEY}",
            "Cookie": "sessionid=s",
            "Accept": "text/html",
            "Referer": "?code=1",
        },
        DATABASE_URL="postgresql://hub:secret@db/hub",
        HTTP_X_SLACK_SIGNATURE="v0=1",
    )
    meta = ReporterFilter().get_safe_request_meta(request)
    assert meta["HTTP_ACCEPT"] == "text/html"
    assert meta["REQUEST_METHOD"] == "GET"
    assert meta["HTTP_X_SLACK_SIGNATURE"] == ReporterFilter.cleansed_substitute
    assert not {
        "DATABASE_URL",
        "HTTP_AUTHORIZATION",
        "HTTP_COOKIE",
        "HTTP_REFERER",
        "QUERY_STRING",
    } & set(meta)


def test_a_report_hides_forms_cookies_and_what_local_variables_hold():
    request = RequestFactory().post(
        "/", {"password": "p", "plain": "q"}, headers={"Cookie": "sessionid=s"}
    )
    reporter_filter = ReporterFilter()
    assert set(reporter_filter.get_post_parameters(request).values()) == {
        reporter_filter.cleansed_substitute
    }
    assert set(reporter_filter.get_safe_cookies(request).values()) == {
        reporter_filter.cleansed_substitute
    }
    access_token, header = "opaque", f"Bearer {KEY}"
    variables = dict(reporter_filter.get_traceback_frame_variables(request, sys._getframe()))
    assert (variables["access_token"], KEY[18:] in variables["header"]) == ("***", False)
    assert access_token and header


@pytest.mark.parametrize("teller", [logging.getLogger("strange"), structlog.get_logger("strange")])
def test_the_traceback_of_an_outage_is_written_once_and_each_line_names_the_error(lines, teller):
    for _request in range(3):
        try:
            raise ConnectionError("the database is away")
        except ConnectionError as error:
            teller.error("answered 503", exc_info=error)
    first, *others = [json.loads(line) for line in lines]
    assert first["traceback"][-1] == "ConnectionError: the database is away"
    assert [(line["error"], "traceback" in line) for line in others] == [
        ("ConnectionError", False)
    ] * 2


def test_the_same_line_that_fails_for_another_caller_writes_its_traceback():
    once = TracebackOnce(lambda: 0.0)

    def read_row():
        raise LookupError

    def open_page():
        read_row()

    def call_api():
        read_row()

    def is_written(act):
        try:
            act()
        except LookupError as error:
            return "exc_info" in once(None, "error", {"logger": "strange", "exc_info": error})

    callers = [open_page, call_api, open_page, call_api]
    assert [is_written(caller) for caller in callers] == [True, True, False, False]


def test_a_traceback_is_written_again_after_a_minute_and_another_one_at_once():
    seconds = [0.0]
    once = TracebackOnce(lambda: seconds[0])

    def is_written(error):
        return "exc_info" in once(None, "error", {"logger": "strange", "exc_info": error})

    def fail(kind):
        try:
            raise kind
        except kind as error:
            return error

    assert [is_written(fail(OSError)) for _ in range(2)] == [True, False]
    assert is_written(fail(KeyError))
    seconds[0] = 60.0
    assert is_written(fail(OSError))
