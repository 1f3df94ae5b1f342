"""Every error is a problem, and only plain JSON comes in."""

import io
import json
import re
from urllib.parse import urlsplit

import pytest
from django.test import Client, RequestFactory
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.test import APIClient

from hub.console.views import show_problem_type
from hub.problems import CATALOGUE, Problem, StrictJSONParser, csrf_failure, read_json
from hub.problems.strict_json import MAX_DEPTH

pytestmark = pytest.mark.urls("tests.tenants.urls")

FIELDS = {
    "type",
    "code",
    "title",
    "status",
    "detail",
    "errors",
    "request_id",
    "doc_url",
    "retryable",
}

REFUSED = {
    "100,000 arrays": b"[" * 100_000,
    "100,000 objects": b'{"a":' * 100_000,
    "too deep": b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1),
    "too deep in objects": b'{"a":' * (MAX_DEPTH + 1) + b"1" + b"}" * (MAX_DEPTH + 1),
    "NaN": b'{"a": NaN}',
    "Infinity": b"[Infinity]",
    "-Infinity": b"[-Infinity]",
    "1e999": b'{"a": 1e999}',
    "-1e999": b"-1e999",
    "5,000 digits": b"1" * 5_000,
    "a double": b'{"tenant": "a", "tenant": "b"}',
    "a deep double": b'[{"a": {"x": 1, "\\u0078": 2}}]',
    "an escaped NUL": rb'{"a": "\u0000"}',
    "a NUL in a name": rb'{"\u0000": 1}',
    "a raw NUL": b'{"a": "\x00"}',
    "a lone surrogate": rb'["\ud800"]',
    "the wrong half": rb'["\udc00\ud800"]',
    "a surrogate in a name": rb'{"\ud800": 1}',
    "a doubled surrogate name": rb'{"\ud800": 1, "\ud800": 2}',
    "a raw surrogate": b'["\xed\xa0\x80"]',
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "UTF-16 without BOM": '{"a": 1}'.encode("utf-16-le"),
    "UTF-32": '{"a": 1}'.encode("utf-32"),
    "a BOM": b'\xef\xbb\xbf{"a": 1}',
    "Latin-1": '{"a": "é"}'.encode("latin-1"),
    "garbage behind": b'{"a": 1} x',
    "two documents": b"{}{}",
    "single quotes": b"{'a': 1}",
    "a comma too many": b"[1,]",
    "a comment": b"{} // no",
    "a raw newline": b'["a\nb"]',
    "blanks only": b"  ",
}

TAKEN = {
    "null": (b"null", None),
    "a list": (b"[]", []),
    "a text": (b'"x"', "x"),
    "a number": (b"1", 1),
    "minus zero": (b"-0", 0),
    "4,000 digits": (b"1" * 4_000, int("1" * 4_000)),
    "odd names": (
        b'{"__proto__": 1, "__class__": 2, "": 3}',
        {"__proto__": 1, "__class__": 2, "": 3},
    ),
    "a surrogate pair": (rb'["\ud83d\ude00"]', ["😀"]),
    "just deep enough": (
        b"[" * MAX_DEPTH + b"]" * MAX_DEPTH,
        json.loads("[" * MAX_DEPTH + "]" * MAX_DEPTH),
    ),
}


@pytest.fixture
def api():
    return APIClient(raise_request_exception=False)


def post_body(api, body, url="/api/echo", **options):
    return api.post(url, body, **{"content_type": "application/json"} | options)


@pytest.mark.parametrize("body", REFUSED.values(), ids=REFUSED.keys())
def test_what_is_no_plain_json_is_refused(api, body):
    response = post_body(api, body)
    assert (response.status_code, response.json()["code"]) == (400, "invalid-json")


@pytest.mark.parametrize(("body", "value"), TAKEN.values(), ids=TAKEN.keys())
def test_plain_json_is_taken(api, body, value):
    assert post_body(api, body).json() == {"got": value, "bytes": len(body)}


@given(st.binary(max_size=60))
def test_whatever_comes_is_read_or_refused(raw):
    try:
        json.dumps(read_json(raw), ensure_ascii=False).encode()
    except Problem as problem:
        assert problem.code == "invalid-json"


@given(
    st.recursive(
        st.none() | st.text() | st.integers(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_what_our_own_json_says_is_understood(value):
    raw = json.dumps(value).encode()
    assert r"\u0000" in raw.decode() or read_json(raw) == value


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (rb'{"a": [1, "\u0000"]}', "/a/1"),
        (rb'{"x/y": {"~": "\ud800"}}', "/x~1y/~0"),
        (rb'[{"\u0000": 1}]', "/0"),
    ],
)
def test_a_pointer_tells_where(api, body, pointer):
    assert [error["pointer"] for error in post_body(api, body).json()["errors"]] == [pointer]


def test_a_million_names_are_looked_at_once():
    raw = b"{" + b",".join(b'"%d":0' % number for number in range(200_000)) + b',"199999":0}'
    with pytest.raises(Problem, match="occurs twice"):
        read_json(raw)


@pytest.mark.parametrize(
    ("url", "limit"), [("/api/echo", 1024 * 1024), ("/api/orders", 256 * 1024)]
)
def test_more_than_a_view_takes_is_refused(api, url, limit):
    enough, more = (b'"%s"' % (b"x" * (length - 2)) for length in (limit, limit + 1))
    assert post_body(api, enough, url).status_code != 413
    response = post_body(api, more, url)
    assert (response.status_code, response.json()["code"]) == (413, "payload-too-large")


def test_a_body_that_was_cut_on_its_way_is_not_taken_for_whole(rf):
    request = rf.post("/", CONTENT_LENGTH="5")
    request.user = None
    with pytest.raises(Problem) as refusal:
        StrictJSONParser().parse(
            io.BytesIO(b"[]  "), "application/json", {"request": request, "view": None}
        )
    assert refusal.value.code == "unreadable-body"


@pytest.mark.parametrize(
    "options",
    [
        {"content_type": "text/plain"},
        {"content_type": "application/x-www-form-urlencoded"},
        {"content_type": "multipart/form-data; boundary=x"},
        {"content_type": "json"},
        {"content_type": "application/json; charset=utf-16"},
        {"content_type": 'application/json; charset="latin-1"'},
        {"HTTP_CONTENT_ENCODING": "gzip"},
    ],
)
def test_another_format_is_refused(api, options):
    response = post_body(api, b"{}", **options)
    assert (response.status_code, response.json()["code"]) == (415, "unsupported-media-type")


def test_a_charset_of_utf_8_is_fine(api):
    assert post_body(api, b"{}", content_type="application/json; charset=UTF-8").status_code == 200


@pytest.mark.parametrize("sku", [1, 1.5, True, ["a"], {"a": 1}])
def test_a_number_does_not_pass_for_a_text(api, sku):
    answer = post_body(api, json.dumps({"lines": [{"sku": sku}]}).encode(), "/api/orders")
    (error,) = answer.json()["errors"]
    assert (answer.status_code, error["pointer"], error["code"]) == (400, "/lines/0/sku", "invalid")
    assert error["detail"] == "Must be a JSON string."


def test_each_wrong_field_is_pointed_at(api):
    body = json.dumps({"lines": [{"sku": "a"}, {"sku": "", "size": 1}, {}], "note": []}).encode()
    errors = post_body(api, body, "/api/orders").json()["errors"]
    told = {(error["pointer"], error["code"]) for error in errors}
    assert told == {
        ("/lines/1/size", "unknown"),
        ("/lines/2/sku", "required"),
        ("/note", "invalid"),
    }


def test_an_answer_names_a_bounded_number_of_errors(api):
    body = json.dumps({f"field {number}": 1 for number in range(1000)}).encode()
    assert len(post_body(api, body, "/api/orders").json()["errors"]) == 50


@pytest.mark.parametrize("body", [b"null", b"[]", b'"x"', b"1"])
def test_a_body_that_is_no_object_has_an_error_of_its_own(api, body):
    response = post_body(api, body, "/api/orders")
    assert (response.status_code, response.json()["errors"][0]["pointer"]) == (400, "")


@pytest.mark.parametrize(
    ("name", "status", "code"),
    [
        ("gone", 404, "not-found"),
        ("forbidden", 403, "permission-denied"),
        ("suspicious", 400, "bad-request"),
        ("throttled", 429, "quota-exceeded"),
        ("database", 503, "temporarily-unavailable"),
        ("parse", 400, "bad-request"),
        ("moved", 409, "wrong-state"),
        ("bug", 500, "internal-error"),
    ],
)
def test_whatever_a_view_raises_is_a_problem_that_tells_no_secret(api, name, status, code):
    response = api.get(f"/api/fail/{name}")
    problem = response.json()
    assert (response.status_code, problem["status"], problem["code"]) == (status, status, code)
    assert response["Content-Type"] == "application/problem+json"
    assert problem["request_id"] == response["X-Request-Id"]
    assert problem.keys() == FIELDS
    assert "secret" not in response.content.decode()


def test_a_throttled_caller_gets_a_retry_after(api):
    assert api.get("/api/fail/throttled")["Retry-After"] == "3"


@pytest.mark.parametrize(
    ("method", "url", "options", "code"),
    [
        ("get", "/api/nothing", {}, "not-found"),
        ("get", "/api/echo", {}, "method-not-allowed"),
        ("post", "/api/echo", {"headers": {"Accept": "image/png"}}, "not-acceptable"),
        ("get", "/api/echo", {"headers": {"Host": "evil.example"}}, "bad-request"),
        ("get", "/api/v1/me", {}, "authentication-required"),
    ],
)
def test_errors_around_the_views_are_problems_too(method, url, options, code):
    response = getattr(Client(), method)(url, **options)
    assert response["Content-Type"] == "application/problem+json"
    assert response.json()["code"] == code


def test_people_get_pages():
    assert Client().get("/nothing")["Content-Type"].startswith("text/html")


def test_a_program_without_a_csrf_token_gets_json():
    assert (
        json.loads(csrf_failure(RequestFactory().post("/api/x")).content)["code"] == "csrf-failed"
    )
    assert b"<html" in csrf_failure(RequestFactory().post("/portal/")).content


@pytest.mark.urls("hub.urls")
@pytest.mark.parametrize("code", CATALOGUE)
def test_each_problem_is_explained_where_its_type_leads(code, rf):
    path = urlsplit(Problem(code).document("")["type"]).path
    page = show_problem_type(rf.get(path), path.removeprefix("/problems/")).content.decode()
    kind = CATALOGUE[code]
    assert re.fullmatch(r"[a-z-]+", code)
    assert kind.status in range(400, 600)
    assert kind.title in page.replace("&#x27;", "'")


def test_only_a_passing_trouble_is_worth_another_try():
    assert {code for code, kind in CATALOGUE.items() if kind.retryable} == {
        "unreadable-body",
        "quota-exceeded",
        "too-many-rows",
        "internal-error",
        "overloaded",
        "request-timeout",
        "temporarily-unavailable",
    }
