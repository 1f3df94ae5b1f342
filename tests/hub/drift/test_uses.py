"""Which fields mappings and jobs use, and which constants they write."""

import pytest

from connectors.registry import CONNECTORS
from hub.drift.models import SchemaBaseline
from hub.drift.uses.connection_uses import find_connection_uses
from hub.outgoing.models import Route
from tests.factories import NOON

SALESFORCE, PIPEDRIVE = CONNECTORS["salesforce"], CONNECTORS["pipedrive"]
KEY = "dcf558aac1ae4e8c4f849ba5e668430d8df9be12"

# --- of a connection ------------------------------------------------------------------------------

LEAD = {"object": "'Lead'", "fields": {"LastName": "data.customer"}}
RECONCILE = {
    "local": {"collection": "orders"},
    "remote": {
        "collection": "records",
        "query": {"object": "Order__c", "fields": "Number__c, Account.Name", "Kind__c": "web"},
        "conditions": [
            {"field": "Stage__c", "is": "in", "value": ["Won", "Lost"]},
            {"field": "Deleted__c", "is": "null"},
        ],
    },
    "match": {"local": "number", "remote": "Number__c"},
    "fields": [
        {
            "name": "state",
            "local": "state",
            "remote": "Status__c",
            "type": "picklist",
            "values": {"paid": "Closed"},
            "owner": "ours",
        },
        {"name": "total", "local": "total", "remote": "Amount__c", "owner": "theirs"},
    ],
    "missing": {"there": "create"},
}


@pytest.fixture
def acme(make):
    return make.tenant("acme")


@pytest.fixture
def salesforce(make, acme):
    return make.connection(acme, "salesforce")


def make_route(make, tenant, body=LEAD, *, connector="salesforce", **fields):
    mapping = make.mapping(tenant, connector=connector, action="create", body=body)
    return make.route(
        tenant=tenant, connector=connector, action="create", mapping=mapping, **fields
    )


def names(uses):
    return {key: [entry.subject["name"] for entry in entries] for key, entries in uses.items()}


def test_own_routes_and_those_of_the_platform_use_a_connection(make, acme, salesforce):
    make_route(make, acme, name="own")
    make_route(make, None, name="of all")
    make_route(make, acme, name="off", enabled=False)
    make_route(make, make.tenant("other"), name="of another tenant")
    other = make.connection(acme, "salesforce")
    make_route(make, acme, name="of another connection", connection=other)
    make_route(make, acme, body={**LEAD, "object": "data.kind"}, name="of any object")
    uses = find_connection_uses(salesforce)
    assert names(uses) == {"Lead": ["own", "of all", "off"]}
    assert [use.subject["is_enabled"] for use in uses["Lead"]] == [True, True, False]
    assert uses["Lead"][0].creates


def test_the_newest_version_of_a_mapping_counts(make, acme, salesforce):
    route = make_route(make, acme)
    body = {"object": "'Contact'", "fields": {"Email": "data.email"}}
    make.version(route.mapping, body)
    uses = find_connection_uses(salesforce)
    assert set(uses) == {"Contact"} and uses["Contact"][0].find("email")


def test_a_reconciliation_uses_what_its_options_name(make, acme, salesforce):
    make.job(acme, kind="reconcile", connector="salesforce", name="Orders", options=RECONCILE)
    (use,) = find_connection_uses(salesforce)["Order__c"]
    assert (use.subject["kind"], use.subject["job_kind"], use.creates) == (
        "job",
        "reconcile",
        True,
    )
    assert set(use.fields) == {
        *("number__c", "kind__c", "status__c", "amount__c", "stage__c", "deleted__c"),
        "accountid",  # by Account.Name
    }
    assert use.find("Kind__c").compared_values == {"web"}
    assert use.find("Stage__c").compared_values == {"Won", "Lost"}
    status, amount = use.find("Status__c"), use.find("Amount__c")
    assert (status.is_written, status.constants) == (True, frozenset({"Closed"}))
    assert not amount.is_written


def test_a_report_uses_the_fields_of_its_query(make, acme, salesforce):
    query = {
        "kind": "soql",
        "object": "Opportunity",
        "time_field": "CloseDate",
        "measures": [{"function": "sum", "field": "Amount"}, {"function": "count"}],
        "where": {"StageName": "Closed Won"},
        "conditions": [{"field": "LeadSource", "is": "not_equal", "value": "Web"}],
        "group_by": "Type",
    }
    make.job(acme, kind="report", connector="salesforce", options={"query": query})
    (use,) = find_connection_uses(salesforce)["Opportunity"]
    assert set(use.fields) == {"closedate", "amount", "stagename", "type", "leadsource"}
    assert use.find("StageName").compared_values == {"Closed Won"}
    assert use.find("LeadSource").compared_values == {"Web"}
    assert not use.creates


@pytest.mark.parametrize(
    ("system", "name", "key"),
    [
        (SALESFORCE, "Name", "Name"),
        (SALESFORCE, "Account.Owner.Name", "AccountId"),
        (SALESFORCE, "Parent__r.Name", "Parent__c"),
        (PIPEDRIVE, f"custom_fields.{KEY}.value", f"custom_fields.{KEY}"),
        (PIPEDRIVE, "value.amount", "value"),
    ],
)
def test_a_query_reads_a_field_or_the_reference_to_another_record(system, name, key):
    assert system.schema.find_query_field(name) == key


def test_uses_cost_the_same_number_of_statements(make, acme, salesforce, django_assert_num_queries):
    for _number in range(5):
        make_route(make, acme)
        make.job(acme, kind="reconcile", connector="salesforce", options=RECONCILE)
    with django_assert_num_queries(3):
        find_connection_uses(salesforce)


def test_a_connection_without_a_schema_has_no_uses(make, django_assert_num_queries):
    slack = make.connection(connector="slack")
    with django_assert_num_queries(0):
        assert find_connection_uses(slack) == {}


# --- of routes of the events that its system sends ------------------------------------------------

LABEL = {"name": "data.record.Name", "level": "data.record.Level__c == 'Gold' && 'high' || 'low'"}


def make_source_route(make, tenant, event_type="salesforce.order.created", **fields):
    body = fields.pop("body", LABEL)
    mapping = make.mapping(tenant, connector="app", action="create_customer", body=body)
    return make.route(
        tenant=tenant,
        connector="app",
        action="create_customer",
        mapping=mapping,
        event_type=event_type,
        origin_connector_key="salesforce",
        **{"name": "orders in", **fields},
    )


def test_a_route_of_events_uses_what_its_mapping_filter_and_order_key_read(make, acme, salesforce):
    filter, order_key = "data.record.Status == 'New' && data.record.Name", "data.record.AccountId"
    make_source_route(make, acme, filter=filter, order_key=order_key)
    (use,) = find_connection_uses(salesforce)["Order"]
    assert set(use.fields) == {"name", "level__c", "status", "accountid"}
    assert use.find("Level__c").compared_values == {"Gold"}
    assert not use.find("Name").is_written and not use.creates
    described = use.describe("name")
    assert (described["name"], described["is_source"]) == ("orders in", True)
    assert described["reads"] == [{"path": "data.record.Name", "places": ["filter", "mapping"]}]
    assert len(use.describe()["reads"]) == 4


@pytest.mark.parametrize(
    ("event_type", "filter", "objects"),
    [
        ("salesforce.order.created", "", ["Order"]),
        ("salesforce.order.*", "", ["Order"]),
        ("salesforce.invoice__c.updated", "", ["invoice__c"]),
        ("salesforce.*", "", ["Account", "Lead", "Opportunity", "Order"]),
        ("*", "", ["Account", "Lead", "Opportunity", "Order"]),
        ("*", "type == 'salesforce.lead.created'", ["Lead"]),
        ("salesforce.*", "data.object == 'Lead' && data.record.Name", ["Lead"]),
        ("salesforce.lead.created", "data.connection == 'another'", []),
        ("order.created", "", []),
    ],
)
def test_the_objects_whose_events_a_route_takes(
    make, acme, salesforce, event_type, filter, objects
):
    make_source_route(make, acme, event_type, filter=filter)
    assert sorted(find_connection_uses(salesforce)) == objects


def test_events_of_another_connection_or_of_our_application_are_no_use(make, acme, salesforce):
    make_source_route(make, acme, origin=make.connection(acme, "salesforce"))
    make_source_route(make, make.tenant("other"))
    source_route = make_source_route(make, acme)
    Route.unscoped.filter(pk=source_route.pk).update(origin_connector_key="")
    assert find_connection_uses(salesforce) == {}
    make_source_route(make, acme, origin=salesforce, name="own", enabled=False)
    ((use,),) = find_connection_uses(salesforce).values()
    assert not use.subject["is_enabled"]


def test_a_route_of_all_objects_uses_none_of_which_it_reads_no_field(make, acme, salesforce):
    make_source_route(make, acme, "salesforce.*", body={"name": "data.id"})
    assert find_connection_uses(salesforce) == {}
    make_source_route(make, acme, "salesforce.lead.*", body={"name": "data.id"})
    assert [list(use.fields) for use in find_connection_uses(salesforce)["Lead"]] == [[]]


def test_a_route_from_a_system_to_itself_reads_and_writes_the_same_object(make, acme, salesforce):
    body = {"object": "'Lead'", "fields": {"LastName": "data.record.Title"}}
    make_route(
        make, acme, body, event_type="salesforce.lead.created", origin_connector_key="salesforce"
    )
    writes, reads = find_connection_uses(salesforce)["Lead"]
    assert (writes.is_source, list(writes.fields)) == (False, ["lastname"])
    assert (reads.is_source, list(reads.fields)) == (True, ["title"])


def test_spellings_of_an_object_are_one(make, acme, salesforce):
    make_source_route(make, acme, "salesforce.invoice__c.created")
    assert list(find_connection_uses(salesforce)) == ["invoice__c"]
    make_route(make, acme, {**LEAD, "object": "'Invoice__c'"})
    assert list(find_connection_uses(salesforce)) == ["Invoice__c"]
    SchemaBaseline.unscoped.create(
        connection=salesforce, object_key="invoice__c", label="", fields=[], compared_at=NOON
    )
    ((key, uses),) = find_connection_uses(salesforce).items()
    assert (key, len(uses)) == ("invoice__c", 2)


@pytest.mark.parametrize(
    ("path", "key"),
    [
        (f"data.record.custom_fields.{KEY}.value", f"custom_fields.{KEY}"),
        (f"data.previous.custom_fields.{KEY}", f"custom_fields.{KEY}"),
        ("data.record.emails[0].value", "emails"),
        ("data.record.custom_fields", ""),
        ("data.user", ""),
        ("type", ""),
    ],
)
def test_a_webhook_of_pipedrive_has_the_fields_of_its_record(make, acme, path, key):
    pipedrive = make.connection(acme, "pipedrive", secret={"access_token": "v1u"})
    mapping = make.mapping(acme, connector="app", action="create_customer", body={"name": path})
    make.route(
        tenant=acme,
        connector="app",
        action="create_customer",
        mapping=mapping,
        event_type="pipedrive.person.created",
        origin_connector_key="pipedrive",
    )
    (use,) = find_connection_uses(pipedrive)["persons"]
    assert [entry.key for entry in use.fields.values()] == ([key] if key else [])
