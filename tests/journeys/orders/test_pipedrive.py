"""Pipedrive's own manners, met by orders on their way: tokens that end, a day that is spent,
Cloudflare.
"""

from datetime import timedelta

import pytest

from tests.journeys.conftest import NOON

pytestmark = pytest.mark.django_db

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)


def statuses(demo, marker):
    return [status for system, _, status in demo.ledger(marker) if system == "pipedrive"]


def test_an_access_token_lives_an_hour_and_the_order_arrives_with_the_next(demo):
    later = NOON + 2 * HOUR
    demo.order("acme", "A-1", at=later)
    demo.pump(later)
    demo.refresh("acme", "pipedrive", at=later)
    demo.pump(later + SECOND)
    assert statuses(demo, "A-1") == [401, 200]
    assert "A-1 from Ann" in demo.desk.get("/pipedrive/701/deals/").text


def test_a_company_whose_day_is_spent_is_looked_at_once_an_hour_and_leaves_the_others_alone(demo):
    demo.desk.world(pipedrive=[{"company": "701", "daily_tokens": 4, "expires_in": 7200}])
    demo.order("acme", "A-1")
    demo.order("globex", "G-1")
    demo.pump()
    demo.pump(NOON + 59 * MINUTE)
    assert (statuses(demo, "A-1"), statuses(demo, "G-1")) == ([429], [200])
    demo.desk.world(pipedrive=[{"company": "701", "daily_tokens": 30_000}])
    demo.pump(NOON + HOUR + SECOND)
    assert statuses(demo, "A-1") == [429, 200]


def test_pipedrive_is_not_called_while_cloudflare_blocks_our_address(demo):
    demo.desk.fault("pipedrive", account="701", status=403, body="error code: 1015")
    demo.order("acme", "A-1")
    demo.pump()
    demo.order("globex", "G-1", at=NOON + MINUTE)
    demo.pump(NOON + MINUTE)
    assert (statuses(demo, "A-1"), statuses(demo, "G-1")) == ([403], [])
    for seconds in (900, 901, 906):
        demo.pump(NOON + seconds * SECOND)
    assert (statuses(demo, "A-1"), statuses(demo, "G-1")) == ([403, 200], [200])
