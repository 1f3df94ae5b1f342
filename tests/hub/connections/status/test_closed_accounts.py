"""An account that is not open is not cured by a reconnect: its deliveries wait, and the connection
says what is.
"""

import pytest

from connectors.http import Response
from hub.connections.models import Connection
from hub.reason_codes import find_reason
from tests.factories import MINUTE, NOON
from tests.fakes import FakeHttp
from tests.hub.outgoing.pump.test_loop import pump

pytestmark = pytest.mark.django_db

API_DISABLED = Response(
    403, b'[{"errorCode":"API_DISABLED_FOR_ORG","message":"API is not enabled"}]'
)
UNPAID = Response(402, b'{"success":false,"error":"Company account is not open"}')
CREATED = Response(201, b'{"id":"00Q1","success":true,"errors":[]}')
closed = pytest.mark.parametrize(
    ("connector", "action", "answer", "reason"),
    [
        ("salesforce", "create", API_DISABLED, "api_disabled_for_org"),
        ("pipedrive", "create_person", UNPAID, "account_not_open"),
    ],
)


def deliveries(make, connector, action, count):
    secret = {"access_token": "a token", "refresh_token": "another"}
    row = make.connection(connector=connector, account="1", secret=secret)
    make.route(row, action=action)
    return row, [
        make.event(row.tenant, id=f"e{number}").deliveries.get() for number in range(count)
    ]


@closed
def test_what_waits_goes_by_itself_once_it_is_open(make, connector, action, answer, reason):
    row, (delivery,) = deliveries(make, connector, action, 1)
    pump(FakeHttp(answer))
    delivery.refresh_from_db()
    row.refresh_from_db()
    assert (delivery.state, delivery.reason, delivery.attempt_count) == ("waiting", reason, 0)
    assert (
        row.state != "needs_reconnect" and not row.notices.filter(kind="needs_reconnect").exists()
    )


@closed
def test_one_call_looks_from_time_to_time(make, connector, action, answer, reason):
    row, _ = deliveries(make, connector, action, 3)
    http = FakeHttp(answer)
    for minute in range(0, 60, 5):
        pump(http, at=NOON + minute * MINUTE)
    assert len(http.requests) <= 7  # the first few at once, then one in a quarter of an hour
    assert Connection.unscoped.get().state == "degraded"


@closed
def test_its_texts_request_no_reconnect(connector, action, answer, reason):
    words = find_reason(reason, system="X")
    assert words.sentence and "econnect" not in words.sentence + words.action
