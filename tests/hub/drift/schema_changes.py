"""A Salesforce connection with a route, whose schema a test changes."""

import json
from datetime import timedelta

from connectors.http import Response
from hub.drift.check import SchemaCheckContext, check_connection_objects
from hub.drift.models import DriftFinding
from hub.notices.models import Notice
from tests.factories import NOON
from tests.fakes import FakeHttp

BODY = {
    "object": "'Lead'",
    "fields": {"LastName": "data.customer", "Title": "data.title", "Rating": "'Hot'"},
}


def field(name, type="string", *, values=(), **changes):
    described = {
        "name": name,
        "label": name,
        "type": type,
        "length": 80,
        "createable": name != "Id",
        "updateable": name != "Id",
        "nillable": True,
        "defaultedOnCreate": name == "Id",
        "deprecatedAndHidden": False,
        "restrictedPicklist": bool(values),
        "picklistValues": [
            {"active": True, "label": value, "value": value, "defaultValue": False}
            for value in values
        ],
        "referenceTo": [],
        "inlineHelpText": None,
    }
    return described | changes


LEAD = (
    field("Id", "id"),
    field("LastName", nillable=False),
    field("Title"),
    field("Rating", "picklist", values=("Hot", "Cold")),
    field("Email", "email"),
)
RENAMED = (*(entry for entry in LEAD if entry["name"] != "Title"), field("Title__c"))


def describe(*fields, name="Lead"):
    body = {"name": name, "label": name, "fields": fields or LEAD}
    return Response(200, json.dumps(body).encode())


def listing(*names):
    """The list of all objects; those of a name with a dash can only be read."""
    entries = [
        {
            "name": name.strip("-"),
            "label": name.strip("-"),
            "createable": not name.startswith("-"),
            "updateable": False,
            "queryable": True,
        }
        for name in names
    ]
    return Response(200, json.dumps({"sobjects": entries}).encode())


def refuse(status, code):
    body = [{"errorCode": code, "message": "no"}]
    return Response(status, json.dumps(body).encode())


def list_fields_without(*names):
    return [entry for entry in LEAD if entry["name"] not in names]


def change(name, **changes):
    return [entry | changes if entry["name"] == name else entry for entry in LEAD]


def check(connection, *answers, now=NOON, **context):
    """Check the connection's objects; an answer for each call, the last one again and again."""
    script = iter(answers)
    last = answers[-1] if answers else None

    def respond(request):
        return next(script, last)

    http = FakeHttp(respond)
    result = check_connection_objects(
        connection, SchemaCheckContext(call=http.call, clock=lambda: now, **context)
    )
    return result, http


def open_findings():
    return [
        (finding.change, finding.field_key, finding.before, finding.after)
        for finding in DriftFinding.unscoped.filter(resolved_at=None).order_by("pk")
    ]


LATER = NOON + timedelta(hours=20)


def sentences():
    return [notice.english_sentence for notice in Notice.unscoped.order_by("pk")]


def make_route_of_new_leads(make, tenant):
    """Make a route of the events of Salesforce's leads, whose mapping reads their title."""
    return make.route(
        tenant=tenant,
        connector="webhook",
        name="New leads",
        body={"title": "data.record.Title"},
        event_type="salesforce.lead.created",
        origin_connector_key="salesforce",
    )
