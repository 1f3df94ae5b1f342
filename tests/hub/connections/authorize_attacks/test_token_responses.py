"""Hostile and strange answers to the exchange of a code store nothing."""

import json

import pytest

from connectors.http import Response
from connectors.registry import CONNECTORS
from hub.connections.connecting.oauth.callback import receive_callback
from hub.connections.connecting.oauth.session import AuthorizationRefused, BrowserIdentity
from tests.connectors.test_oauth import GRANTED, HOSTILE
from tests.factories import NOON
from tests.fakes import FakeHttp
from tests.hub.connections.authorize_attacks.attempts import (
    BACK,
    SALESFORCE,
    SLACK,
    build_grant_response,
    receive_callback_with,
)

pytestmark = pytest.mark.django_db

COMPANY = Response(
    200, b'{"success":true,"data":{"id":1,"name":"Ann","company_id":701,"company_name":"Acme"}}'
)


@pytest.mark.parametrize("changes", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_answer_is_a_named_end(make, system, changes):
    row = receive_callback_with(
        make, CONNECTORS[system], build_grant_response(CONNECTORS[system], **changes), COMPANY
    )
    assert row.state == "granted" or row.reason in ("strange_answer", "host_refused")
    assert "\x00" not in row.account + row.detail


STRANGE = {
    "a page": Response(200, b"<html>Welcome</html>"),
    "nothing": Response(200),
    "too long": Response(
        200, json.dumps(GRANTED["salesforce"] | {"x": "x" * 70_000}).encode(), is_truncated=True
    ),
    "a redirect": Response(302, headers={"location": "http://169.254.169.254/"}),
}


@pytest.mark.parametrize("answer", STRANGE.values(), ids=STRANGE)
def test_a_strange_answer_is_a_named_end(make, answer):
    row = receive_callback_with(make, SALESFORCE, answer)
    assert row.state == "failed" and row.reason in ("strange_answer", "refused", "unavailable")


@pytest.mark.parametrize(
    "url",
    [
        "https://169.254.169.254",
        "https://evil.example",
        "https://acme.my.salesforce.com.evil.example",
    ],
)
def test_an_instance_elsewhere_is_never_called(make, url):
    row = receive_callback_with(
        make, SALESFORCE, build_grant_response(SALESFORCE, instance_url=url)
    )
    assert (row.state, row.reason) == ("failed", "host_refused")


def test_a_receive_that_two_do_at_once_exchanges_once(make):
    row = receive_callback_with(make, SLACK, build_grant_response(SLACK))
    assert row.state == "granted"
    with pytest.raises(AuthorizationRefused, match="reused"):
        data = {"state": ["c3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3M"], "code": ["a code"]}
        receive_callback(
            data,
            connector=SLACK,
            identity=BrowserIdentity("a browser"),
            redirect_uri=BACK.format("slack"),
            call=FakeHttp([]).call,
            now=NOON,
        )
