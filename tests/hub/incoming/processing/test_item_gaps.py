"""What arrived and could not be processed opens the gaps of its connection."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from hub.incoming.models import InboundGap, InboundItem, InboundMessage
from hub.incoming.processing.claim import MAX_ATTEMPTS
from hub.incoming.processing.item_gaps import open_gaps_of_items
from tests.factories import MINUTE, NOON
from tests.hub.incoming.webhook_posts import post_pipedrive, run_inbox

pytestmark = pytest.mark.django_db(transaction=True)
RETRIES = timedelta(seconds=183)


@pytest.fixture
def pipedrive(make):
    connection = make.connection(connector="pipedrive", account="701", secret={})
    make.source(connection, "person")
    make.source(connection, "deal", retired_at=NOON)
    return connection


def list_gaps():
    rows = InboundGap.unscoped.order_by("pk")
    return list(rows.values_list("source__object", "cause", "from_at", "to_at"))


def test_a_webhook_that_cannot_be_read_is_read_from_the_system(client, pipedrive):
    post_pipedrive(client, pipedrive, action="merge")
    run_inbox()
    at = InboundItem.unscoped.get(reason="cannot_be_read").received_at
    assert list_gaps() == [("person", "quarantined", at - RETRIES, at + MINUTE)]


def test_a_message_that_failed_too_often_is_read_from_the_system(client, pipedrive):
    post_pipedrive(client, pipedrive)
    InboundMessage.unscoped.update(attempt_count=MAX_ATTEMPTS + 1)
    run_inbox()
    at = InboundItem.unscoped.get(reason="message_failed").received_at
    assert list_gaps() == [("person", "quarantined", at - RETRIES, at + MINUTE)]


def test_what_was_processed_or_names_another_account_opens_none(client, pipedrive):
    post_pipedrive(client, pipedrive)
    post_pipedrive(client, pipedrive, action="change", id="other", company_id="702")
    run_inbox()
    assert list_gaps() == []


def test_a_minute_that_slack_did_not_send_is_a_gap(make):
    slack = make.connection(connector="slack")
    make.source(slack, "message")
    minute = datetime(2026, 11, 24, 15, 11, tzinfo=UTC)
    item = make.inbound_item(slack, type="slack.app.rate_limited", occurred_at=minute)
    open_gaps_of_items([item], now=NOON)
    assert list_gaps() == [("message", "rate_limited", minute, minute + MINUTE)]


def test_the_items_of_a_message_have_one_gap_and_cost_one(make, pipedrive):
    columns = {"state": "quarantined", "reason": "cannot_be_read"}
    items = [make.inbound_item(pipedrive, **columns) for _ in range(9)]
    with CaptureQueriesContext(database) as queries:
        open_gaps_of_items(items, now=NOON)
    assert len(list_gaps()) == 1
    assert sum('"incoming_inboundgap"' in entry["sql"] for entry in queries) < 9
