"""Records that were read, as the outbound messages that would have told of them."""

import pytest

from connectors.http import Response, Unreadable, dump_json
from connectors.outcomes import READ_ERRORS, Outcome
from connectors.salesforce.webhooks import SalesforceWebhooks
from connectors.webhook_request import WebhookRequest
from tests.connectors.recorded import credential

SOURCE = SalesforceWebhooks()
ORG, ID = "00D000000000001EAA", "00Q000000000001AAA"
CREATED, CHANGED = "2026-11-24T15:11:55.000+0000", "2026-11-25T08:00:00.000+0000"
ADA = {
    "attributes": {"type": "Lead", "url": f"/services/data/v67.0/sobjects/Lead/{ID}"},
    "Id": ID,
    "Name": "Ada",
    "IsDeleted": False,
    "CreatedDate": CREATED,
    "LastModifiedDate": CHANGED,
    "SystemModstamp": CHANGED,
}


def told_by(**changes):
    return SOURCE.record_changes("records", ADA | changes, account=ORG)


def item_of(change):
    request = WebhookRequest("READ", "", change.body, (), query=change.query)
    (item,) = SOURCE.parse_items(request, {}, message_id="message")
    return item


def test_a_record_tells_of_its_creation_and_its_last_change_in_the_form_of_messages():
    changes = told_by(Phone=None, Amount=12.5)
    assert [change.type for change in changes] == ["lead.created", "lead.updated"]
    for change in changes:
        item = item_of(change)
        assert (item.id, item.type, item.record) == (change.item_id, change.type, ID)
        assert (item.account, item.change_key) == (ORG, change.change_key)
        record = item.data["record"]
        assert (record["IsDeleted"], record["Amount"]) == ("false", "12.5")
        assert record["SystemModstamp"] == "2026-11-25T08:00:00.000Z" and "Phone" not in record
    assert changes[1].change_key == "lead:00Q000000000001:2026-11-25T08:00:00Z"


def test_a_message_names_its_change_as_a_read_of_the_record_does():
    created, updated = told_by()
    record = item_of(updated).data["record"]
    fields = "".join(f"<sf:{name}>{value}</sf:{name}>" for name, value in record.items())
    for change, kind in ((created, "created"), (updated, "updated")):
        body = (
            '<n:notifications xmlns:n="http://soap.sforce.com/2005/09/outbound" '
            'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:sf="urn:sf">'
            f"<n:OrganizationId>{ORG}</n:OrganizationId><n:Notification><n:Id>04l1</n:Id>"
            f'<n:sObject xsi:type="sf:Lead">{fields}</n:sObject></n:Notification>'
            "</n:notifications>"
        )
        request = WebhookRequest("POST", "", f"<e>{body}</e>".encode(), (), query=f"change={kind}")
        (item,) = SOURCE.parse_items(request, {}, message_id="message")
        assert (item.change_key, item.data["record"]) == (change.change_key, record)


def test_a_record_that_has_not_changed_tells_of_its_creation_and_a_deleted_one_of_that_only():
    assert [change.type for change in told_by(SystemModstamp=CREATED)] == ["lead.created"]
    (deleted,) = told_by(IsDeleted=True)
    assert (deleted.type, item_of(deleted).type) == ("lead.deleted", "lead.deleted")


@pytest.mark.parametrize(
    "text", ["a\0b", "\ud800", "]]><x>&amp;", "\uffff", "<!DOCTYPE x>", "\x1f"]
)
def test_any_text_is_read_without_what_xml_cannot_have(text):
    record = item_of(told_by(Name=text)[0]).data["record"]
    kept = {"]]><x>&amp;", "<!DOCTYPE x>"}
    assert record["Name"] == (text if text in kept else record["Name"])
    assert len(record["Name"]) == len(text) and record["Name"].isprintable()


@pytest.mark.parametrize(
    "changes",
    [{"CreatedDate": 7}, {"SystemModstamp": "yesterday"}, {"attributes": None}, {"attributes": {}}],
)
def test_a_record_without_object_or_times_is_unreadable(changes):
    with pytest.raises(READ_ERRORS):
        told_by(**changes)


def test_a_read_asks_for_the_fields_that_messages_have():
    feed = SOURCE.feeds[0]
    request = SOURCE.preparation_request(feed, credential("salesforce"))
    assert request.url.endswith("/sobjects/Account/describe")
    fields = [{"name": "Id", "type": "id"}, {"name": "Where__c", "type": "location"}]
    answer = Response(200, dump_json({"fields": fields}))
    assert SOURCE.parse_preparation(feed, answer) == {"fields": "Id"}
    assert isinstance(SOURCE.parse_preparation(feed, Response(404, b"[]")), Outcome)
    with pytest.raises(Unreadable):
        SOURCE.parse_preparation(feed, Response(200, b"{}"))
