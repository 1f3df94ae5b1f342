"""Salesforce's queries in the large: keysets, changes, deleted records, sums, preconditions."""

from urllib.parse import quote

import pytest
import requests

from tests.sandbox.running_sandbox import RunningSandbox

ORG = "00D000000000001EAA"
DATA = f"/salesforce/{ORG}/services/data/v67.0"
TOKEN = {"Authorization": "Bearer 00D000000000001!acme"}


@pytest.fixture
def org(desk):
    desk.world(salesforce=[{"org": ORG, "fields": {"Order__c": FIELDS}, "daily_limit": 100_000}])
    return desk


FIELDS = [
    {"name": "Number__c", "type": "string", "length": 80, "external_id": True},
    {"name": "Amount__c", "type": "double"},
    {"name": "Price__c", "type": "currency"},
    {"name": "Discount__c", "type": "percent"},
    {"name": "Status__c", "type": "picklist", "length": 40},
]


def seed(desk, object="Order__c", status=201, **wish):
    body = {"system": "salesforce", "account": ORG, "object": object, **wish}
    answer = desk.post("/_control/seed", json=body)
    assert answer.status_code == status, answer.text
    return answer.json()


def ask(desk, soql, resource="query", status=200):
    answer = desk.get(f"{DATA}/{resource}?q={quote(soql, safe='')}", headers=TOKEN)
    assert answer.status_code == status, answer.text
    return answer.json()


def orders(count, **fields):
    template = {"Number__c": "A-{n}", "Amount__c": "={n}.5", "Status__c": "Draft", **fields}
    return {"count": count, "start": 1, "fields": template}


def change(desk, id, fields, **headers):
    url = f"{desk.url}{DATA}/sobjects/Order__c/{id}"
    return requests.patch(url, json=fields, headers=TOKEN | headers, timeout=10)


def test_a_keyset_reads_every_record_once(org):
    assert seed(org, generate=orders(2500))["count"] == 2500
    ids, after = [], "000000000000000"
    while True:
        page = ask(org, f"SELECT Id FROM Order__c WHERE Id > '{after}' ORDER BY Id LIMIT 2000")
        ids += [row["Id"] for row in page["records"]]
        assert page["done"] and page["totalSize"] == len(page["records"])
        if len(page["records"]) < 2000:
            break
        after = ids[-1]
    assert len(set(ids)) == 2500 and ids == sorted(ids)


def test_changes_are_read_in_a_stable_order(org):
    seed(org, generate=orders(6))
    org.now += 60
    ids = [row["Id"] for row in ask(org, "SELECT Id FROM Order__c ORDER BY Id")["records"]]
    for id in (ids[4], ids[1], ids[3]):
        assert change(org, id, {"Status__c": "Paid"}).status_code == 204
    order = "ORDER BY SystemModstamp, Id LIMIT 2"
    since = "SystemModstamp >= 2026-11-25T12:01:00Z"
    first = ask(org, f"SELECT Id, SystemModstamp FROM Order__c WHERE {since} {order}")["records"]
    assert [row["Id"] for row in first] == [ids[1], ids[3]]
    stamp = first[-1]["SystemModstamp"].replace("+0000", "Z")
    after = f"(SystemModstamp > {stamp} OR (SystemModstamp = {stamp} AND Id > '{first[-1]['Id']}'))"
    rest = ask(org, f"SELECT Id FROM Order__c WHERE {since} AND {after} {order}")["records"]
    assert [row["Id"] for row in rest] == [ids[4]]


def test_deleted_records_are_in_query_all_only(org):
    (id,) = seed(org, records=[{"Number__c": "A-1", "IsDeleted": True}])["ids"]
    soql = "SELECT Id, IsDeleted FROM Order__c WHERE Number__c = 'a-1'"
    assert ask(org, soql)["records"] == []
    (row,) = ask(org, soql, "queryAll")["records"]
    assert (row["Id"], row["IsDeleted"]) == (id, True)


def test_any_record_can_be_planted_changed_and_read_back(org):
    rows = [
        {"Number__c": "A-1", "Amount__c": "12.50", "SystemModstamp": "2026-11-01T12:00:00+02:00"},
        {"Number__c": "A-1", "Status__c": ""},
    ]
    first, second = seed(org, records=rows)["ids"]
    seed(org, records=[{"Id": second, "Number__c": "A-2"}])
    lines = org.get(f"/_control/records?system=salesforce&account={ORG}&object=order__c").text
    assert first in lines and '"2026-11-01T10:00:00.000+0000"' in lines
    (row,) = ask(org, f"SELECT Number__c FROM Order__c WHERE Id IN ('{second}')")["records"]
    assert row["Number__c"] == "A-2"


@pytest.mark.parametrize(
    "wish",
    [
        {"records": [{"Shoe__c": 1}]},
        {"object": "Shoe__c", "records": [{}]},
        {"records": [{"Id": "003000000000001AAA"}]},
        {"records": [{"SystemModstamp": "yesterday"}]},
        {"records": [{"Amount__c": "much"}]},
    ],
)
def test_what_no_org_could_have_cannot_be_planted(org, wish):
    assert seed(org, status=400, **wish)["error"]


def test_a_planted_record_survives_a_restart(tmp_path):
    with RunningSandbox(tmp_path).running() as desk:
        seed(desk, "Lead", generate={"count": 3})
    with RunningSandbox(tmp_path).running() as desk:
        assert ask(desk, "SELECT COUNT() FROM Lead")["totalSize"] == 3


def test_sums_are_by_group_and_ignore_null(org):
    seed(org, generate=orders(3))
    seed(org, records=[{"Status__c": "Paid", "Amount__c": 0.1}, {"Status__c": "Paid"}])
    soql = (
        "SELECT Status__c, COUNT(Id) orders, SUM(Amount__c) total, AVG(Amount__c)"
        " FROM Order__c GROUP BY Status__c ORDER BY Status__c DESC"
    )
    kind = {"attributes": {"type": "AggregateResult"}}
    assert ask(org, soql)["records"] == [
        {**kind, "Status__c": "Paid", "orders": 2, "total": 0.1, "expr0": 0.1},
        {**kind, "Status__c": "Draft", "orders": 3, "total": 7.5, "expr0": 2.5},
    ]
    whole = "SELECT COUNT(Amount__c), MAX(Amount__c) most, COUNT_DISTINCT(Status__c) FROM Order__c"
    assert ask(org, whole)["records"] == [{**kind, "expr0": 4, "most": 3.5, "expr1": 2}]
    nothing = "SELECT SUM(Amount__c) total FROM Order__c WHERE CreatedDate < 2020-01-01T00:00:00Z"
    assert ask(org, nothing)["records"] == [{**kind, "total": None}]


def test_currencies_and_percentages_are_numbers(org):
    seed(org, records=[{"Price__c": 2.5, "Discount__c": 10}, {"Price__c": 0.25}])
    soql = "SELECT SUM(Price__c) total, MAX(Discount__c) most FROM Order__c WHERE Price__c > 0.2"
    kind = {"attributes": {"type": "AggregateResult"}}
    assert ask(org, soql)["records"] == [{**kind, "total": 2.75, "most": 10}]
    ask(org, "SELECT Id FROM Order__c WHERE Price__c = '2.5'", status=400)


@pytest.mark.parametrize(
    "soql",
    [
        "SELECT Status__c, SUM(Amount__c) FROM Order__c",
        "SELECT SUM(Status__c) FROM Order__c",
        "SELECT SUM(Amount__c) FROM Order__c LIMIT 5",
        "SELECT SUM() FROM Order__c",
        "SELECT Id name FROM Order__c",
        "SELECT Id FROM Order__c WHERE Id != null AND Id != null OR Id = null",
        "SELECT Id FROM Order__c WHERE (Id != null",
        "SELECT SUM(Shoe__c) FROM Order__c",
    ],
)
def test_what_is_no_query_is_refused(org, soql):
    assert ask(org, soql, status=400)[0]["errorCode"] in ("MALFORMED_QUERY", "INVALID_FIELD")


def test_an_update_keeps_what_was_changed_after_its_precondition(org):
    (id,) = seed(org, records=[{"Number__c": "A-1"}])["ids"]
    noon = {"If-Unmodified-Since": "Wed, 25 Nov 2026 12:00:00 GMT"}
    assert change(org, id, {"Status__c": "Paid"}, **noon).status_code == 204
    org.now += 2
    assert change(org, id, {"Status__c": "Sent"}).status_code == 204
    assert change(org, id, {"Status__c": "Paid"}, **noon).status_code == 412
    assert ask(org, "SELECT Status__c FROM Order__c")["records"][0]["Status__c"] == "Sent"
    refused = change(org, id, {"Status__c": "Paid"}, **{"If-Unmodified-Since": "noon"})
    assert refused.status_code == 400


@pytest.mark.parametrize("column", ["count()", "COUNT()", "Count()"])
def test_functions_are_known_in_any_case(org, column):
    seed(org, generate={"count": 3})
    assert ask(org, f"select {column} from Order__c")["totalSize"] == 3
    grouped = ask(org, "select count(Id) total, max(Number__c) from Order__c")["records"]
    assert grouped[0]["total"] == 3


def test_an_object_tells_what_it_is(org):
    answer = org.get(f"{DATA}/sobjects/Order__c", headers=TOKEN).json()
    assert answer["objectDescribe"]["name"] == "Order__c"
    assert answer["recentItems"] == []
    assert org.get(f"{DATA}/sobjects/Nothing__c", headers=TOKEN).status_code == 404
