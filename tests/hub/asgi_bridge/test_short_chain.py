"""Webhooks pass a short chain of middleware; every other path passes all of it."""

import json
from io import BytesIO

import pytest
from django.conf import settings

from hub.asgi_bridge.short_chain import ShortChainHandler, route_by_path

pytestmark = pytest.mark.django_db(transaction=True)  # a handler closes old connections


def call(application, path):
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
        "wsgi.input": BytesIO(b"{}"),
        "CONTENT_LENGTH": "2",
        "CONTENT_TYPE": "application/json",
        "HTTP_HOST": "testserver",
    }
    body = b"".join(application(environ, start_response))
    return answer["status"], answer["headers"], body


@pytest.fixture
def short_chain():
    return ShortChainHandler(settings.HUB_WEBHOOK_MIDDLEWARE)


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


def test_only_the_path_of_webhooks_is_routed_to_the_short_chain():
    application = route_by_path(
        "/hooks/", lambda environ, start: [b"short"], lambda environ, start: [b"all"]
    )
    answers = [
        application({"PATH_INFO": path}, None) for path in ("/hooks/slack/key/", "/t/acme/hooks/")
    ]
    assert answers == [[b"short"], [b"all"]]
