"""What our connectors read and write under a precondition, at the simulated systems as they are."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from connectors.registry import CONNECTORS
from tests.connectors.recorded import message
from tests.sandbox.running_sandbox import NOON
from tests.sandbox.test_connectors import ORG, SIGNING_SECRET, deliver, key_for, send

AT = datetime.fromtimestamp(NOON, UTC)
FIELDS = [
    {"name": "Number__c", "type": "string", "length": 80},
    {"name": "Amount__c", "type": "double"},
]
# by system and collection: its account in the control, its object there, and a query
SIDES = {
    ("app", "orders"): ("acme", "orders", {"tenant": "acme"}),
    ("app", "customers"): ("acme", "customers", {"tenant": "acme"}),
    ("app", "users"): ("acme", "users", {"tenant": "acme"}),
    ("app", "labels"): ("acme", "labels", {"tenant": "acme"}),
    ("app", "logs"): ("acme", "logs", {"tenant": "acme"}),
    ("salesforce", "records"): (
        ORG,
        "Order__c",
        {"object": "Order__c", "fields": "Number__c, Amount__c"},
    ),
    ("pipedrive", "persons"): ("703", "persons", {}),
    ("pipedrive", "organizations"): ("703", "organizations", {}),
    ("pipedrive", "deals"): ("703", "deals", {}),
    ("pipedrive", "activities"): ("703", "activities", {}),
}
DELETED = {"app": "deleted", "salesforce": "IsDeleted", "pipedrive": "is_deleted"}
each_side = pytest.mark.parametrize(("system", "key"), SIDES, ids=str)


@pytest.fixture
def sides(desk):
    desk.world(
        salesforce=[{"org": ORG, "fields": {"Order__c": FIELDS}}],
        app={"secret": SIGNING_SECRET},
        pipedrive=[{"company": "703", "domain": "empty", "access_token": "v1u:empty"}],
    )
    return desk


def seed(desk, system, key, **wish):
    account, object, _ = SIDES[system, key]
    body = {"system": system, "account": account, "object": object, **wish}
    answer = desk.post("/_control/seed", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()["ids"]


def key_of(desk, system):
    key = key_for(desk, system)
    if system != "pipedrive":
        return key
    settings = {"api_domain": f"{desk.url}/pipedrive/empty"}
    return replace(key, secret={"access_token": "v1u:empty"}, settings=settings)


def find(system, key):
    return next(one for one in CONNECTORS[system].collections if one.key == key)


def read_all(desk, system, key, **query):
    """All records of a collection, page by page."""
    collection, records, cursor = find(system, key), [], ""
    data = {**SIDES[system, key][2], **query}
    while True:
        request = collection.page_request(key_of(desk, system), at=AT, cursor=cursor, **data)
        page = collection.parse_page(send(request))
        assert page.is_complete
        records += page.records
        if not (cursor := page.cursor):
            return records


def test_every_collection_of_records_is_tried():
    found = {
        (connector.key, collection.key)
        for connector in CONNECTORS.values()
        for collection in connector.collections
        if collection.reads_changes and collection.has_ids
    }
    assert found == set(SIDES)


@each_side
def test_a_collection_is_read_in_pages(sides, system, key):
    planted = seed(sides, system, key, generate={"count": 450})
    collection = find(system, key)
    records = read_all(sides, system, key, page_size="200")
    assert [collection.record_id(record) for record in records] == sorted(planted, key=sort_key)
    assert all(collection.changed_at(record) == AT for record in records)


def sort_key(id):
    return int(id) if id.isdigit() else id


@each_side
def test_changes_and_single_records_are_read(sides, system, key):
    planted = seed(sides, system, key, generate={"count": 5})
    sides.now += 100
    name = {"app": "state", "salesforce": "Number__c", "pipedrive": "owner_id"}[system]
    id_name = {"salesforce": "Id", "pipedrive": "id"}.get(system) or find(system, key).id_field
    seed(sides, system, key, records=[{id_name: planted[2], name: 7}])
    since = (AT + timedelta(seconds=1)).isoformat()
    collection = find(system, key)
    assert [collection.record_id(one) for one in read_all(sides, system, key, since=since)] == [
        planted[2]
    ]
    assert read_all(sides, system, key, since=since, until=since) == []
    wanted = ",".join((planted[1], planted[4]))
    found = [collection.record_id(one) for one in read_all(sides, system, key, ids=wanted)]
    assert found == [planted[1], planted[4]]


@each_side
def test_deleted_records_are_read_where_the_system_lists_them(sides, system, key):
    collection = find(system, key)
    (gone, kept) = seed(sides, system, key, records=[{DELETED[system]: True}, {}])
    assert [collection.record_id(one) for one in read_all(sides, system, key)] == [kept]
    if not collection.reads_deleted:
        return
    records = read_all(sides, system, key, deleted="true")
    assert [collection.is_deleted(one) for one in records] == [True, False]


def test_sums_are_read_from_salesforce(sides):
    rows = [{"Number__c": "A", "Amount__c": 1.5}, {"Number__c": "A", "Amount__c": 2}]
    seed(sides, "salesforce", "records", records=rows)
    request = find("salesforce", "aggregate").page_request(
        key_for(sides, "salesforce"),
        at=AT,
        object="Order__c",
        select="Number__c, SUM(Amount__c) total",
        group_by="Number__c",
        since="2026-11-25T00:00:00Z",
        until="2026-11-26T00:00:00Z",
    )
    (row,) = find("salesforce", "aggregate").parse_page(send(request)).records
    assert (row["Number__c"], row["total"]) == ("A", 3.5)


def test_an_order_is_created_and_updated_only_in_the_version_that_was_read(sides):
    def write(action, id, **body):
        (outcome,) = deliver(sides, "app", action, [message(body, id=id)])
        return outcome

    made = write("create_order", "d1", number="B-1", fields={"total": "5.00", "customer": "Ada"})
    assert (made.kind, made.reference) == ("delivered", "B-1")
    (order,) = read_all(sides, "app", "orders")
    version = find("app", "orders").version(order)
    changes = {"number": "B-1", "fields": {"total": "6.00"}, "if_match": version}
    assert write("update_order", "d2", **changes).kind == "delivered"
    refused = write("update_order", "d3", **changes)
    assert (refused.kind, refused.reason) == ("never", "changed_since")
    assert write("update_order", "d2", **changes).kind == "delivered", "its answer may be lost"
    assert write("update_order", "d4", number="B-1", fields={"note": None}).kind == "delivered"
    assert write("update_order", "d5", number="B-2", fields={}).reason == "status_404"


@pytest.mark.corrections(item="1.11")
def test_an_order_is_deleted_once_and_only_in_the_version_that_was_read(sides):
    def write(action, id, **body):
        (outcome,) = deliver(sides, "app", action, [message(body, id=id)])
        return outcome.kind, outcome.reason

    for number in ("V/1", "V2"):
        write("create_order", f"c{number}", number=number, fields={"total": "5.00"})
    first, _ = read_all(sides, "app", "orders")
    version = {"number": "V/1", "if_match": find("app", "orders").version(first)}
    write("update_order", "d1", number="V/1", fields={"total": "6.00"})
    assert write("delete_order", "d2", **version) == ("never", "changed_since")
    version["if_match"] = find("app", "orders").version(read_all(sides, "app", "orders")[0])
    assert write("delete_order", "d3", **version) == ("delivered", "")
    assert write("delete_order", "d4", **version) == ("never", "status_404")
    deleted, kept = read_all(sides, "app", "orders", deleted="true")
    is_deleted = find("app", "orders").is_deleted
    assert (deleted["number"], is_deleted(deleted), is_deleted(kept)) == ("V/1", True, False)


def test_a_record_of_salesforce_is_updated_only_if_it_was_not_changed_later(sides):
    (id,) = seed(sides, "salesforce", "records", records=[{"Number__c": "A-1", "Amount__c": 1}])
    (record,) = read_all(sides, "salesforce", "records")
    since = find("salesforce", "records").version(record)
    body = {"object": "Order__c", "record_id": id, "unmodified_since": since}
    sides.now += 5
    for fields, reason in (({"Amount__c": 2}, ""), ({"Amount__c": None}, "changed_since")):
        given = [message({**body, "fields": fields})]
        (outcome,) = deliver(sides, "salesforce", "update_record", given)
        assert outcome.reason == reason
    assert read_all(sides, "salesforce", "records")[0]["Amount__c"] == 2


@pytest.mark.corrections(item="1.1")
@each_side
def test_records_are_found_by_their_values_whatever_conditions_a_job_has(sides, system, key):
    collection = find(system, key)
    field = {"salesforce": "Number__c"}.get(system) or getattr(collection, "id_field", "name")
    values = ["3001", "it's \\ 100 %"]
    if system == "salesforce":
        seed(sides, system, key, records=[{field: value} for value in [*values, "3003"]])
    else:
        count = 2 if system == "pipedrive" else 3
        values = seed(sides, system, key, generate={"count": count})[:2]
    condition = {"Amount__c": "7"} if system == "salesforce" else {"owner_id": "7"}
    query = {**SIDES[system, key][2], **condition}
    queries = collection.find_queries(query, field, values, since=AT.isoformat(), type="")
    records = [record for some in queries for record in read_all(sides, system, key, **some)]
    assert len(records) == 2


def test_a_search_for_many_keys_is_several_queries(sides):
    values = [f"{'k' * 195}{number:05}" for number in range(120)]
    seed(sides, "salesforce", "records", records=[{"Number__c": values[119][-80:]}])
    query = SIDES["salesforce", "records"][2]
    queries = find("salesforce", "records").find_queries(
        query, "Number__c", values, since="", type="text"
    )
    assert len(queries) == 7
    assert not any(read_all(sides, "salesforce", "records", **some) for some in queries)
