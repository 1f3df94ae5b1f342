"""What the simulated org understands of SOQL."""

import pytest
from simple_salesforce.exceptions import SalesforceMalformedRequest

from tests.sandbox.salesforce_requests import OPPORTUNITY, ORG


def test_a_query_answers_in_pages_with_a_relative_address(desk, org):
    desk.world(salesforce=[{"org": ORG, "batch_size": 2}])
    for number in range(5):
        org.Contact.create({"LastName": f"N{number}"})
    first = org.query("SELECT Id, LastName FROM Contact ORDER BY LastName DESC")
    assert first["nextRecordsUrl"].startswith("/services/data/v67.0/query/01g")
    assert (first["totalSize"], first["done"], len(first["records"])) == (5, False, 2)
    assert [row["LastName"] for row in org.query_all_iter("SELECT LastName FROM Contact")] == [
        "N0",
        "N1",
        "N2",
        "N3",
        "N4",
    ]


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ("LastName = 'o\\'brien'", ["O'Brien"]),
        ("LastName != 'Hopper' AND Email = null", ["O'Brien"]),
        ("LastName LIKE 'h%' OR", None),
        ("LastName LIKE 'h%'", ["Hopper"]),
        ("LastName IN ('Hopper', 'Nobody')", ["Hopper"]),
        ("SystemModstamp >= 2026-11-25T12:00:00Z", ["Hopper", "O'Brien"]),
        ("SystemModstamp > 2026-11-25T12:00:00.000Z", []),
        ("Shoe = 1", None),
    ],
)
def test_soql_is_small_but_honest(org, where, found):
    org.Contact.create({"LastName": "Hopper", "Email": "grace@navy.example"})
    org.Contact.create({"LastName": "O'Brien"})
    query = f"SELECT LastName FROM Contact WHERE {where} ORDER BY LastName LIMIT 10"
    if found is None:
        with pytest.raises(SalesforceMalformedRequest):
            org.query(query)
    else:
        assert [row["LastName"] for row in org.query(query)["records"]] == found


@pytest.mark.parametrize(
    ("where", "code"),
    [
        ("AnnualRevenue = '100'", "INVALID_FIELD"),
        ("LastName = 7", "INVALID_FIELD"),
        ("LastName IN ('Ada', 7)", "INVALID_FIELD"),
        ("IsDeleted = 'false'", "INVALID_FIELD"),
        ("CreatedDate > '2026-11-25T12:00:00Z'", "INVALID_FIELD"),
        ("CreatedDate > 2026-11-25", "INVALID_FIELD"),
        ("IsDeleted > true", "INVALID_QUERY_FILTER_OPERATOR"),
        ("AnnualRevenue LIKE '1%'", "INVALID_QUERY_FILTER_OPERATOR"),
        ("Id = 'Ada'", "INVALID_QUERY_FILTER_OPERATOR"),
    ],
)
def test_a_condition_compares_with_the_type_of_its_field(org, where, code):
    with pytest.raises(SalesforceMalformedRequest) as caught:
        org.query(f"SELECT Id FROM Lead WHERE {where}")
    assert caught.value.content[0]["errorCode"] == code


@pytest.mark.parametrize(
    "where",
    [
        "CloseDate = 2026-12-01",
        "CloseDate IN (2026-12-01, 2026-12-02)",
        "CloseDate != null AND Amount >= 99.5",
        "Amount IN (99.5)",
        "IsDeleted = false",
        "CreatedDate <= 2026-11-25T12:00:00Z",
    ],
)
def test_a_condition_of_the_right_type_finds_the_record(org, where):
    made = org.Opportunity.create(OPPORTUNITY | {"Amount": 99.5})
    short = f"SELECT Id FROM Opportunity WHERE Id = '{made['id'][:15]}' AND {where}"
    assert [record["Id"] for record in org.query(short)["records"]] == [made["id"]]
