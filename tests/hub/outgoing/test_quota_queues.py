"""What waits for one quota delays nothing that another allows, and goes in the order of acceptance."""

import json
from datetime import timedelta

import pytest

from connectors.wire import Response
from tests.fakes import FakeHttp
from tests.hub.outgoing.test_pump import pump
from tests.makers import NOON

pytestmark = pytest.mark.django_db
POSTED = Response(200, b'{"ok":true,"channel":"C1","ts":"1764072000.000100"}')


def texts(http):
    return [json.loads(request.content())["text"] for request in http.requests]


def test_a_message_for_a_free_channel_does_not_wait_for_a_full_one(make):
    row = make.connection(connector="slack", account="T1")
    make.route(row, name="orders", event_type="order", body={"channel": "'C1'", "text": "data.number"})
    make.route(row, name="alerts", event_type="alert", body={"channel": "'C2'", "text": "data.number"})
    for number in range(100):
        make.event(row.tenant, type="order", data={"number": str(number)}, id=f"o{number}")
    make.event(row.tenant, type="alert", data={"number": "alert"}, id="alert")
    http = FakeHttp(POSTED)
    pump(http)
    assert texts(http) == ["0", "alert"]
    for second in range(1, 6):
        pump(http, at=NOON + timedelta(seconds=1.15 * second))
    assert [text for text in texts(http) if text != "alert"] == list("012345")
