"""Records that were read, as the webhooks that would have told of them."""

import json

import pytest

from connectors.outcomes import READ_ERRORS
from connectors.pipedrive.webhooks import PipedriveWebhooks
from connectors.registry import CONNECTORS
from connectors.webhook_request import WebhookRequest

SOURCE = PipedriveWebhooks()
CREATED, CHANGED = "2026-11-24T15:11:55Z", "2026-11-25T08:00:00Z"
ANN = {"id": 31, "name": "Ann", "add_time": CREATED, "update_time": CHANGED, "custom_fields": {}}


def items_of(body):
    request = WebhookRequest(method="POST", url="", body=body, headers=(), query="")
    return SOURCE.parse_items(request, {}, message_id="message")


def told_by(**changes):
    return SOURCE.record_changes("persons", ANN | changes, account="701")


def test_a_record_tells_of_its_creation_and_of_its_last_change():
    changes = told_by()
    assert [(change.type, change.record) for change in changes] == [
        ("person.created", "31"),
        ("person.updated", "31"),
    ]
    for change in changes:
        (item,) = items_of(change.body)
        assert (item.id, item.type, item.record) == (change.item_id, change.type, "31")
        assert (item.account, item.occurred_at) == ("701", change.at)
        assert item.data["record"]["name"] == "Ann" and item.changed_fields is None


def test_a_creation_has_the_id_that_it_has_in_a_webhook():
    meta = {"id": "6d0b4a5e", "action": "create", "entity": "person", "entity_id": "31"}
    body = {"meta": meta | {"company_id": "701"}, "data": ANN, "previous": None}
    (item,) = items_of(json.dumps(body).encode())
    assert item.id == told_by()[0].item_id


def test_two_changes_of_a_record_are_two_items():
    assert told_by()[1].item_id != told_by(update_time="2026-11-25T08:00:01Z")[1].item_id


def test_a_record_that_has_not_changed_tells_of_its_creation_only():
    assert [change.type for change in told_by(update_time=CREATED)] == ["person.created"]


def test_custom_fields_are_wrapped_as_webhooks_wrap_them():
    address = {"value": "Main Street 1", "locality": "Tallinn"}
    (created, _) = told_by(custom_fields={"a": 7, "b": None, "c": address})
    (item,) = items_of(created.body)
    assert item.data["record"]["custom_fields"] == {"a": {"value": 7}, "b": None, "c": address}


@pytest.mark.parametrize(
    "changes", [{"add_time": "yesterday"}, {"id": [], "add_time": 7}, {"update_time": 7}]
)
def test_a_record_without_times_is_unreadable(changes):
    with pytest.raises(READ_ERRORS):
        told_by(**changes)


@pytest.mark.parametrize("record", [{}, {"id": 1}, None, [], {"id": 1, "add_time": CREATED}])
def test_what_is_no_record_is_unreadable(record):
    with pytest.raises(READ_ERRORS):
        SOURCE.record_changes("persons", record, account="701")


@pytest.mark.parametrize("connector", CONNECTORS.values(), ids=lambda one: one.key)
def test_what_is_read_instead_of_webhooks_is_a_collection_with_its_events(connector):
    source = connector.webhook_source
    collections = {one.key: one for one in connector.collections}
    for key, object in (source.read_objects if source else {}).items():
        assert collections[key].reads_changes
        types = {event_type.type for event_type in source.event_types}
        assert {f"{object}.created", f"{object}.updated"} <= types
