"""Alerts of Splunk: one that is triggered for each result is an event for each."""

import pytest

from connectors.splunk.subscriptions import SplunkWebhookSubscriptions
from connectors.splunk.webhooks import SplunkWebhooks
from tests.connectors.webhook_requests import ALERT, post_json


def read_ids(alert):
    source, request = SplunkWebhooks(), post_json(alert)
    message_id = source.message_id(request)
    (item,) = source.parse_items(request, {}, message_id=message_id)
    return message_id, item.id, item.record


def test_each_result_of_a_search_is_an_alert_of_its_own():
    first = read_ids(ALERT | {"result": {"host": "a"}})
    second = read_ids(ALERT | {"result": {"host": "b"}})
    assert first[0] != second[0] and first[1] != second[1]
    assert first[2] == second[2] == ALERT["sid"]


@pytest.mark.corrections(item="3.9")
def test_the_steps_for_a_person_say_what_becomes_of_results_that_trigger_one_by_one():
    (step,) = (text for text in SplunkWebhookSubscriptions.guide if "Trigger," in text)
    assert "For each result for one for each result" in step and "only the first" not in step


def test_an_alert_that_arrives_twice_is_the_same():
    assert read_ids(ALERT) == read_ids(dict(ALERT))
