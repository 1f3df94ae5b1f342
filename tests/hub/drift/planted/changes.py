"""What the sandbox plants, and a check of it."""

import itertools
from datetime import timedelta

from hub.drift.check import SchemaCheckContext, check_connection_objects
from tests.factories import NOON
from tests.hub.scheduled.sandbox_run import ORG, send

TICKS, STEP = itertools.count(), timedelta(hours=2)
KEY, NEW_KEY = "dcf558aac1ae4e8c4f849ba5e668430d8df9be12", "b" * 40
PRIORITY = "946947d1b02fd3ef20798d6112ec5d895a686a21"
CONTACT = {
    "object": "'Contact'",
    "fields": {
        "LastName": "data.customer",
        "Title": "data.title",
        "Level__c": "data.total > `100` && 'Gold' || 'Silver'",
    },
}
DEAL = {
    "title": "data.number",
    "value": "data.total",
    "custom_fields": {KEY: "data.number", PRIORITY: "`2`"},
}
LEVEL = {"name": "Level__c", "type": "picklist", "values": ["Gold", "Silver", "Bronze"]}
TOTAL = {"name": "Total__c", "type": "double"}
SOURCE = "9" * 40
PERSON = {SOURCE: {"name": "Source"}}
FIELDS = {
    KEY: {"name": "Order number"},
    PRIORITY: {
        "name": "Priority",
        "type": "enum",
        "options": [{"id": 1, "label": "Low"}, {"id": 2, "label": "High"}],
    },
}


def check(connection):
    """Check its objects; each look at the clock is hours later, so that no quota is spent."""
    context = SchemaCheckContext(call=send, clock=lambda: NOON + next(TICKS) * STEP)
    result = check_connection_objects(connection, context)
    assert result.is_complete, result


def plant(desk, target, change, field="", **details):
    named = {"field": field} if field else {}
    answer = desk.post("/_control/schema", json={**target, "change": change, **named, **details})
    assert answer.status_code == 201, answer.text


ORDERS = {"system": "salesforce", "account": ORG, "object": "Order"}
