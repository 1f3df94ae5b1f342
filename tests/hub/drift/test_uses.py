"""Which fields mappings and jobs use, and which constants they write."""

import pytest

from connectors.registry import CONNECTORS
from hub.drift.uses.connection_uses import find_connection_uses
from hub.drift.uses.mapping_uses import list_constants, list_written_fields
from hub.drift.uses.schema_use import index_uses

SALESFORCE, PIPEDRIVE = CONNECTORS["salesforce"], CONNECTORS["pipedrive"]
KEY = "dcf558aac1ae4e8c4f849ba5e668430d8df9be12"


@pytest.mark.parametrize(
    ("expression", "constants"),
    [
        ("'Won'", {"Won"}),
        ("data.paid && 'Won' || 'Open'", {"Won", "Open"}),
        ("data.state == 'paid' && 'Won' || 'Open'", {"Won", "Open"}),
        ("default(data.state, 'Open')", {"Open"}),
        ("join(' ', ['Order', data.number])", set()),
        ("identity('stage', data.state)", set()),
        ("data.items[?kind == 'Won'].name | [0]", set()),
        ("`7`", {"7"}),
        ("`[1, 2]`", {"1", "2"}),
        ("data.state", set()),
        ("not an expression (", set()),
    ],
)
def test_constants_are_what_an_expression_may_result_in(expression, constants):
    assert list_constants(expression) == constants


def fields_of(action, body):
    uses, is_complete = list_written_fields(action, body)
    indexed = index_uses(uses)
    return {use.key: set(use.constants) for use in indexed.values()}, is_complete


def test_a_mapping_of_salesforce_writes_the_names_in_its_fields():
    body = {
        "object": "'Lead'",
        "external_id_field": "'Ext__c'",
        "external_id": "data.number",
        "fields": {"LastName": "data.customer", "Rating": "'Hot'", "Count__c": 7},
    }
    assert fields_of(SALESFORCE.action("upsert"), body) == (
        {"LastName": set(), "Rating": {"Hot"}, "Count__c": {"7"}, "Ext__c": set()},
        True,
    )


def test_fields_that_an_expression_builds_are_read_from_it():
    body = {"object": "'Lead'", "fields": "{LastName: data.customer, Rating: 'Hot'}"}
    fields, is_complete = fields_of(SALESFORCE.action("create"), body)
    assert (fields, is_complete) == ({"LastName": set(), "Rating": {"Hot"}}, True)


def test_fields_that_only_an_event_shows_are_not_all_known():
    body = {"object": "'Lead'", "fields": "data.lead"}
    assert fields_of(SALESFORCE.action("create"), body) == ({}, False)


def test_a_mapping_of_pipedrive_writes_custom_fields_by_their_path():
    body = {
        "title": "data.number",
        "emails": [{"value": "data.email"}],
        "custom_fields": {KEY: "`2`"},
    }
    fields, is_complete = fields_of(PIPEDRIVE.action("create_deal"), body)
    assert is_complete
    assert fields[f"custom_fields.{KEY}"] == {"2"}
    assert {"title", "emails", "custom_fields"} <= set(fields)


# --- of a connection ------------------------------------------------------------------------------

LEAD = {"object": "'Lead'", "fields": {"LastName": "data.customer"}}
RECONCILE = {
    "local": {"collection": "orders"},
    "remote": {
        "collection": "records",
        "query": {"object": "Order__c", "fields": "Number__c, Account.Name", "Kind__c": "web"},
    },
    "match": {"local": "number", "remote": "Number__c"},
    "fields": [
        {"name": "state", "local": "state", "remote": "Status__c", "type": "picklist",
         "values": {"paid": "Closed"}, "owner": "ours"},
        {"name": "total", "local": "total", "remote": "Amount__c", "owner": "theirs"},
    ],
    "missing": {"there": "create"},
}  # fmt: skip


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
    assert set(use.fields) == {"number__c", "kind__c", "status__c", "amount__c"}
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
        "group_by": "Type",
    }
    make.job(acme, kind="report", connector="salesforce", options={"query": query})
    (use,) = find_connection_uses(salesforce)["Opportunity"]
    assert set(use.fields) == {"closedate", "amount", "stagename", "type"}
    assert not use.creates


def test_uses_cost_the_same_number_of_statements(make, acme, salesforce, django_assert_num_queries):
    for _number in range(5):
        make_route(make, acme)
        make.job(acme, kind="reconcile", connector="salesforce", options=RECONCILE)
    with django_assert_num_queries(2):
        find_connection_uses(salesforce)


def test_a_connection_without_a_schema_has_no_uses(make, django_assert_num_queries):
    slack = make.connection(connector="slack")
    with django_assert_num_queries(0):
        assert find_connection_uses(slack) == {}
