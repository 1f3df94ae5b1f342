import asyncio

import pytest

from connectors.http import Request, Response
from hub.egress import RequestNotSent
from tests.fakes import FakeHttp

GET = Request("GET", "https://example.com/a?b=c")


def test_one_answer_is_given_every_time():
    http = FakeHttp(Response(503))
    assert [http.call(GET).status, asyncio.run(http(GET)).status] == [503, 503]
    assert http.requests == [GET, GET]


def test_a_list_is_given_in_turn():
    http = FakeHttp([Response(429), Response(200)])
    assert [http.call(GET).status, http.call(GET).status] == [429, 200]
    with pytest.raises(AssertionError, match="no answer left"):
        http.call(GET)


def test_a_dict_answers_by_address():
    assert FakeHttp({"https://example.com/a": Response(204)}).call(GET).status == 204


def test_a_function_answers_by_request():
    assert (
        FakeHttp(lambda request: Response(200, request.url.encode())).call(GET).body
        == GET.url.encode()
    )


def test_an_exception_is_raised():
    with pytest.raises(RequestNotSent):
        asyncio.run(FakeHttp(RequestNotSent("dns_failed"))(GET))
