"""A customer says how fast their own endpoint is called, and it is never faster."""

from datetime import timedelta

import pytest

from hub.connections.status.backlog import measure_backlog
from hub.connections.status.quota_usage import list_quota_usage
from hub.outgoing.models import Delivery
from tests.factories import NOON
from tests.fakes import FakeHttp
from tests.hub.outgoing.pump.test_loop import pump

pytestmark = pytest.mark.django_db
URL = "https://example.com/hook"


@pytest.fixture
def slow(make):
    row = make.connection(settings={"url": URL, "calls_a_second": 1})
    first = make.delivery(row)
    for number in range(4):
        make.event(first.tenant, id=str(number))
    return row


def test_one_a_second_is_one_a_second(slow):
    for second in range(3):
        calls = len(pump(FakeHttp(), at=NOON + timedelta(seconds=1.2 * second)).requests)
        assert calls <= 1
    assert Delivery.unscoped.filter(state="delivered").count() == 3


def test_another_endpoint_is_not_slowed(make, slow):
    other = make.connection(slow.tenant, settings={"url": "https://example.com/other"})
    for number in range(4):
        make.delivery(other, data={"n": number})
    sent = [request for request in pump(FakeHttp()).requests if request.url.endswith("/other")]
    assert len(sent) == 4


def test_without_a_limit_all_go(make, slow):
    slow.settings = {"url": URL, "calls_a_second": None}
    slow.save()
    assert len(pump(FakeHttp()).requests) == 5


def test_pages_tell_how_long_it_takes_and_what_is_spent(slow):
    assert measure_backlog(slow, now=NOON).seconds >= 5
    pump(FakeHttp())
    assert [gauge.label for _row, gauge in list_quota_usage(slow, now=NOON)] == [
        "1 call in a second"
    ]
