"""The path of a webhook is verified as it was sent, not as Django decodes it."""

from django.test import RequestFactory

from hub.asgi_bridge.environ import build_environ
from hub.incoming.api.webhooks import read_webhook_request

SCOPE = {
    "type": "http",
    "method": "POST",
    "path": "/hooks/x/a b/",
    "raw_path": b"/hooks/x/a%20b/",
    "query_string": b"c=%20d",
    "headers": [],
    "http_version": "1.1",
    "scheme": "http",
}


def test_the_bridge_passes_the_path_as_it_was_sent():
    environ = build_environ(SCOPE, behind_proxy=False)
    assert (environ["RAW_PATH"], environ["PATH_INFO"]) == ("/hooks/x/a%20b/", "/hooks/x/a b/")


def test_a_signed_url_is_the_public_one_with_the_path_as_it_was_sent(settings):
    settings.HUB_PUBLIC_URL = "https://hub.test"
    request = RequestFactory().post("/hooks/x/a%20b/?c=%20d", RAW_PATH="/hooks/x/a%20b/")
    received = read_webhook_request(request)
    assert (received.path, received.query) == ("/hooks/x/a%20b/", "c=%20d")
    assert received.url == "https://hub.test/hooks/x/a%20b/?c=%20d"


def test_without_a_raw_path_the_decoded_one_is_encoded_again():
    request = RequestFactory().post("/hooks/x/a%20b/")
    assert read_webhook_request(request).path == "/hooks/x/a%20b/"


def test_headers_have_lower_case_names_and_keep_their_values():
    request = RequestFactory().post(
        "/", content_type="text/xml", headers={"X-Slack-Signature": "v0=ab"}
    )
    headers = dict(read_webhook_request(request).headers)
    assert (headers["x-slack-signature"], headers["content-type"]) == ("v0=ab", "text/xml")
