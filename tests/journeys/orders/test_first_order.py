"""The first flow as a story: an order is placed, and arrives in every system of its tenant."""

from datetime import timedelta

import pytest

from hub.outgoing.models import Delivery
from tests.journeys.conftest import NOON

pytestmark = pytest.mark.django_db

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
ACME = {
    ("slack", "T0000ACME"),
    ("salesforce", "00D000000000001EAA"),
    ("pipedrive", "701"),
    ("splunk", "acme"),
    ("webhook", "acme"),
}
GLOBEX = {
    ("slack", "T000GLOBEX"),
    ("salesforce", "00D000000000002EAA"),
    ("pipedrive", "702"),
    ("splunk", "globex"),
    ("webhook", "globex"),
}


def test_an_order_of_each_tenant_arrives_once_in_each_system_under_its_own_account(demo):
    demo.order("acme", "A-7f3a")
    demo.order("globex", "G-91c2")
    demo.pump()
    assert sorted(demo.ledger("A-7f3a")) == sorted((*place, 200) for place in ACME)
    assert sorted(demo.ledger("G-91c2")) == sorted((*place, 200) for place in GLOBEX)


def test_everything_is_confirmed_a_minute_later(demo):
    demo.order("acme", "A-1")
    demo.pump()
    demo.pump(NOON + MINUTE)
    assert set(Delivery.unscoped.values_list("state", flat=True)) == {"delivered"}
    assert len(demo.ledger("A-1")) == 5


def test_a_429_is_waited_out_and_then_the_message_arrives(demo):
    demo.desk.fault("slack", account="T0000ACME", retry_after=5)
    demo.order("acme", "A-1")
    demo.pump()
    demo.pump(NOON + 4.9 * SECOND)
    assert slack_of(demo, "A-1") == [429]
    demo.pump(NOON + 5 * SECOND)
    assert slack_of(demo, "A-1") == [429, 200]


def test_what_people_read_is_in_the_tenants_own_time_and_manner(demo):
    demo.order("globex", "G-1", customer="<!channel> & Sons", total=1234.5, currency="USD")
    demo.pump()
    (said,) = [line["body"] for line in demo.desk.ledger() if line["system"] == "slack"]
    assert "New order G-1 from &lt;!channel&gt; &amp; Sons: 1,234.50 USD (Wednesday, 07:00)" in said


def test_an_ended_session_of_salesforce_is_refreshed_and_the_order_arrives(demo):
    evening = NOON + 180 * MINUTE
    demo.order("acme", "A-1", at=evening)
    demo.pump(evening)
    demo.refresh("acme", at=evening)
    demo.pump(evening + SECOND)
    came = [line for line in demo.ledger("A-1") if line[0] == "salesforce"]
    assert came == [("salesforce", "00D000000000001EAA", status) for status in (401, 200)]


@pytest.mark.parametrize(
    "data", [{"items": None}, {"items": ["Tea"]}, {"total": 12.5}, {"customer": None}]
)
def test_an_order_may_be_described_in_other_words(demo, data):
    demo.order("acme", "A-1", **data)
    demo.pump()
    assert [status for _, _, status in demo.ledger("A-1")] == [200] * 5


def slack_of(demo, marker):
    return [status for system, _, status in demo.ledger(marker) if system == "slack"]
