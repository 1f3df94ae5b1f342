"""Webhooks and the API pass short chains of middleware; every other path passes all of it."""

import json
from io import BytesIO

import pytest
from django.conf import settings
from django.utils import translation

from hub.asgi_bridge.short_chain import ShortChainHandler, route_by_path

pytestmark = pytest.mark.django_db(transaction=True)  # a handler closes old connections


def call(application, path, body=b"{}", **headers):
    """Return the status, the headers and the body of a POST."""
    answer = {}

    def start_response(status, headers, exc_info=None):
        answer.update(status=int(status.split()[0]), headers=dict(headers))

    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "SERVER_NAME": "testserver",
        "SERVER_PORT": "80",
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.url_scheme": "http",
        "wsgi.input": BytesIO(body),
        "CONTENT_LENGTH": str(len(body)),
        "CONTENT_TYPE": "application/json",
        "HTTP_HOST": "testserver",
        **headers,
    }
    content = b"".join(application(environ, start_response))
    return answer["status"], answer["headers"], content


@pytest.fixture
def short_chain():
    return ShortChainHandler(settings.HUB_SHORT_CHAINS["/hooks/"])


@pytest.fixture
def api_chain():
    return ShortChainHandler(settings.HUB_SHORT_CHAINS["/api/v1/"])


@pytest.fixture
def german():
    """The thread served a page in German before."""
    with translation.override("de"):
        yield


def test_an_unknown_url_is_a_problem_with_the_headers_of_every_answer(short_chain):
    status, headers, body = call(short_chain, "/hooks/slack/unknown/")
    assert (status, json.loads(body)["code"]) == (404, "not-found")
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert json.loads(body)["request_id"]
    assert "Set-Cookie" not in headers


def test_a_wrong_host_is_refused(short_chain, settings):
    settings.ALLOWED_HOSTS = ["hub.example.com"]
    status, _headers, _body = call(short_chain, "/hooks/slack/unknown/")
    assert status == 400


def test_the_api_works_behind_its_short_chain(api_chain, german, make):
    key = make.api_key(make.tenant())
    event = json.dumps({"id": "e1", "type": "order.created", "data": {}}).encode()
    status, headers, body = call(
        api_chain, "/api/v1/events", event, HTTP_AUTHORIZATION=f"Bearer {key}"
    )
    assert (status, json.loads(body)["type"]) == (202, "order.created")
    assert headers["RateLimit"]
    assert "Content-Security-Policy" in headers
    assert "Set-Cookie" not in headers


def test_an_api_request_without_a_key_is_a_problem_in_english(api_chain, german):
    status, _headers, body = call(api_chain, "/api/v1/events")
    assert (status, json.loads(body)["code"]) == (401, "authentication-required")
    assert translation.get_language() == "en"


@pytest.mark.parametrize(
    ("path", "chosen"),
    [
        ("/hooks/slack/key/", b"webhooks"),
        ("/api/v1/events", b"api"),
        ("/api/docs/", b"all"),
        ("/t/acme/hooks/", b"all"),
    ],
)
def test_the_beginning_of_the_path_chooses_the_chain(path, chosen):
    chains = {
        "/hooks/": lambda environ, start: [b"webhooks"],
        "/api/v1/": lambda environ, start: [b"api"],
    }
    application = route_by_path(chains, lambda environ, start: [b"all"])
    assert application({"PATH_INFO": path}, None) == [chosen]
