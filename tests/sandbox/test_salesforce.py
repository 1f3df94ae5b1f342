"""The simple-salesforce client drives the simulated org with only its address changed."""

import base64
import hashlib
import hmac

import pytest
import requests
from requests.adapters import HTTPAdapter
from simple_salesforce import Salesforce
from simple_salesforce.exceptions import (
    SalesforceExpiredSession,
    SalesforceMalformedRequest,
    SalesforceMoreThanOneRecord,
    SalesforceRefusedRequest,
    SalesforceResourceNotFound,
)

ORG, TOKEN = "00D000000000001EAA", "00D000000000001!acme"
APP = {"client_id": "hub.salesforce", "client_secret": "salesforce-secret"}
OPPORTUNITY = {"Name": "A-1001", "StageName": "Closed Won", "CloseDate": "2026-12-01"}
LEAD = {"LastName": "Lovelace", "FirstName": "Ada", "Company": "Acme"}


class WithoutTls(HTTPAdapter):
    """The client knows https only; the desk has no certificate."""

    def send(self, request, **more):
        request.url = request.url.replace("https://", "http://", 1)
        return super().send(request, **more)


@pytest.fixture
def org(desk):
    session = requests.Session()
    session.mount("https://", WithoutTls())
    instance = f"{desk.url.removeprefix('http://')}/salesforce/{ORG}"
    with session:
        yield Salesforce(instance=instance, session_id=TOKEN, session=session, version="67.0")


def token(desk, **form):
    return desk.post("/salesforce/login/services/oauth2/token", data={**APP, **form})


def refresh(desk, refresh_token="5Aep-acme"):
    return token(desk, grant_type="refresh_token", refresh_token=refresh_token)


def raw(desk, method, path, **more):
    headers = {"Authorization": f"Bearer {TOKEN}", **more.pop("headers", {})}
    url = f"{desk.url}/salesforce/{ORG}/services/data/v67.0{path}"
    return requests.request(method, url, headers=headers, timeout=5, **more)


def error(answer):
    (only,) = answer.json()
    return answer.status_code, only["errorCode"]


def test_a_record_is_made_read_changed_and_deleted(org):
    made = org.Lead.create(LEAD)
    assert made["success"] and made["id"].startswith("00Q") and len(made["id"]) == 18
    assert org.Lead.get(made["id"])["Name"] == "Ada Lovelace"
    assert org.Lead.update(made["id"], {"Company": "Globex"}) == 204
    assert org.Lead.get(made["id"][:15])["Company"] == "Globex"
    assert org.Lead.delete(made["id"]) == 204
    with pytest.raises(SalesforceResourceNotFound):
        org.Lead.get(made["id"])
    assert org.query("SELECT Id FROM Lead")["totalSize"] == 0
    assert org.query("SELECT IsDeleted FROM Lead", include_deleted=True)["records"][0]["IsDeleted"]


def test_creating_answers_201_and_where_the_record_is(desk):
    answer = raw(desk, "POST", "/sobjects/Lead", json=LEAD)
    assert answer.status_code == 201
    assert answer.headers["Location"] == f"/services/data/v67.0/sobjects/Lead/{answer.json()['id']}"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"LastName": None}, "REQUIRED_FIELD_MISSING"),
        ({"LastName": "x" * 81}, "STRING_TOO_LONG"),
        ({"Shoe_Size__c": 43}, "INVALID_FIELD"),
        ({"Email": "nobody"}, "INVALID_EMAIL_ADDRESS"),
        ({"LastName": {"a": 1}}, "JSON_PARSER_ERROR"),
        ({"CreatedDate": "2020-01-01"}, "INVALID_FIELD_FOR_INSERT_UPDATE"),
        ({"LastName": "  "}, "REQUIRED_FIELD_MISSING"),
        ({"Company": ""}, "REQUIRED_FIELD_MISSING"),
        ({"NumberOfEmployees": 1.5}, "JSON_PARSER_ERROR"),
        ({"AnnualRevenue": "much"}, "JSON_PARSER_ERROR"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_a_wrong_record_is_refused_in_salesforces_words(org, change, code):
    with pytest.raises(SalesforceMalformedRequest) as caught:
        org.Lead.create(LEAD | change)
    assert caught.value.content[0]["errorCode"] == code


@pytest.mark.parametrize("day", ["2026-02-31", "2026-13-01", "31.12.2026", "2026-02-28T25:00:00Z"])
def test_a_day_that_the_calendar_does_not_have_is_refused(org, day):
    with pytest.raises(SalesforceMalformedRequest) as caught:
        org.Opportunity.create(OPPORTUNITY | {"CloseDate": day})
    assert caught.value.content[0]["errorCode"] == "JSON_PARSER_ERROR"


def test_blanks_around_text_are_not_kept(org):
    made = org.Lead.create(LEAD | {"Company": "  Acme  ", "Title": "   "})
    lead = org.Lead.get(made["id"])
    assert (lead["Company"], lead["Title"]) == ("Acme", None)


def test_a_reference_names_a_living_record_of_the_right_object(org):
    account, contact = (
        org.Account.create({"Name": "Acme"})["id"],
        org.Contact.create({"LastName": "Ada"})["id"],
    )
    made = org.Contact.create({"LastName": "Bob", "AccountId": account[:15]})
    assert org.Contact.get(made["id"])["AccountId"] == account
    gone = org.Account.create({"Name": "Gone"})["id"]
    org.Account.delete(gone)
    wrong = {
        "FIELD_INTEGRITY_EXCEPTION": contact,
        "INVALID_CROSS_REFERENCE_KEY": "001000000009999AAA",
        "ENTITY_IS_DELETED": gone,
        "MALFORMED_ID": "Acme",
    }
    for code, id in wrong.items():
        with pytest.raises(SalesforceMalformedRequest) as caught:
            org.Contact.update(made["id"], {"AccountId": id})
        assert caught.value.content[0]["errorCode"] == code


def test_the_org_itself_is_read_only(org):
    assert org.query("SELECT Name, IsSandbox FROM Organization")["records"][0]["IsSandbox"] is False
    with pytest.raises(SalesforceMalformedRequest):
        org.Organization.create({})


def test_an_upsert_makes_then_changes(desk):
    path = "/sobjects/Lead/External_Id__c/order%2F7"
    first, second = (
        raw(desk, "PATCH", path, json=LEAD),
        raw(desk, "PATCH", path, json={"Company": "Globex"}),
    )
    assert (first.status_code, first.json()["created"]) == (201, True)
    assert (second.status_code, second.json()["created"], second.json()["id"]) == (
        200,
        False,
        first.json()["id"],
    )
    assert [line["id"] for line in desk.ledger()] == ["order/7", "order/7"]


def test_an_upsert_that_fits_several_writes_nothing(desk, org):
    for _ in range(2):
        org.Lead.create(LEAD | {"Hub_Key__c": "twin"})
    answer = raw(desk, "PATCH", "/sobjects/Lead/Hub_Key__c/twin", json={"Company": "x"})
    assert (answer.status_code, len(answer.json())) == (300, 2)
    with pytest.raises(SalesforceMoreThanOneRecord):
        org.Lead.upsert("Hub_Key__c/twin", {"Company": "x"})


def test_a_record_is_found_by_its_external_id(org):
    made = org.Lead.upsert("External_Id__c/A-1001", LEAD, raw_response=True).json()
    assert org.Lead.get_by_custom_id("External_Id__c", "A-1001")["Id"] == made["id"]
    with pytest.raises(SalesforceResourceNotFound):
        org.Lead.get_by_custom_id("External_Id__c", "A-1002")


def test_a_unique_key_is_unique(desk):
    raw(desk, "POST", "/sobjects/Lead", json=LEAD | {"External_Id__c": "7"})
    assert error(raw(desk, "POST", "/sobjects/Lead", json=LEAD | {"External_Id__c": "7"})) == (
        400,
        "DUPLICATE_VALUE",
    )


def test_update_only_forbids_making(desk):
    answer = raw(desk, "PATCH", "/sobjects/Lead/External_Id__c/8?updateOnly=true", json=LEAD)
    assert error(answer) == (404, "NOT_FOUND")


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


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"Shoe_Size__c": 43}, "INVALID_FIELD"),
        ({"AnnualRevenue": "much"}, "JSON_PARSER_ERROR"),
        ({"attributes": {"type": "Shoe"}}, "INVALID_TYPE"),
        ({"attributes": {}}, "INVALID_TYPE"),
    ],
)
def test_a_collection_that_cannot_be_read_fails_as_a_whole_and_writes_nothing(
    desk, org, wrong, code
):
    records = [{"attributes": {"type": "Lead"}, **LEAD, **change} for change in ({}, wrong, {})]
    answer = raw(desk, "POST", "/composite/sobjects", json={"records": records})
    assert error(answer) == (400, code)
    assert org.query("SELECT COUNT() FROM Lead")["totalSize"] == 0


def test_an_external_id_comes_once_in_a_collection(desk):
    keys = ("9a", "9A", "9b")
    records = [{"attributes": {"type": "Lead"}, "External_Id__c": key, **LEAD} for key in keys]
    answer = raw(
        desk, "PATCH", "/composite/sobjects/Lead/External_Id__c", json={"records": records}
    )
    codes = [[error["statusCode"] for error in record["errors"]] for record in answer.json()]
    assert codes == [["DUPLICATE_VALUE"], ["DUPLICATE_VALUE"], []]


def test_a_collection_answers_for_each_in_order(desk, org):
    records = [
        {"attributes": {"type": "Lead"}, **LEAD},
        {"attributes": {"type": "Lead"}, "LastName": "x"},
    ]
    answer = raw(desk, "POST", "/composite/sobjects", json={"allOrNone": False, "records": records})
    assert [
        (one["success"], [e["statusCode"] for e in one["errors"]]) for one in answer.json()
    ] == [
        (True, []),
        (False, ["REQUIRED_FIELD_MISSING"]),
    ]
    assert org.query("SELECT COUNT() FROM Lead")["totalSize"] == 1


def test_all_or_none_takes_back_the_good_ones(desk, org):
    records = [
        {"attributes": {"type": "Lead"}, **LEAD},
        {"attributes": {"type": "Lead"}, "LastName": "x"},
    ]
    answer = raw(
        desk, "POST", "/composite/sobjects", json={"allOrNone": True, "records": records}
    ).json()
    assert answer[0]["errors"][0]["statusCode"] == "ALL_OR_NONE_OPERATION_ROLLED_BACK"
    assert org.query("SELECT COUNT() FROM Lead")["totalSize"] == 0


def test_a_collection_is_upserted_changed_and_deleted(desk):
    record = {"attributes": {"type": "Lead"}, "External_Id__c": "9", **LEAD}
    path = "/composite/sobjects/Lead/External_Id__c"
    made, again = (raw(desk, "PATCH", path, json={"records": [record]}).json()[0] for _ in range(2))
    assert (made["created"], again["created"], again["id"]) == (True, False, made["id"])
    change = {"attributes": {"type": "Lead"}, "id": made["id"], "Company": "Globex"}
    assert raw(desk, "PATCH", "/composite/sobjects", json={"records": [change]}).json()[0][
        "success"
    ]
    assert raw(desk, "DELETE", f"/composite/sobjects?ids={made['id']}").json()[0]["success"]


def test_a_composite_refers_to_its_own_parts_and_counts_once(desk):
    root = "/services/data/v67.0/sobjects"
    parts = [
        {"method": "POST", "url": f"{root}/Account", "referenceId": "a", "body": {"Name": "Acme"}},
        {"method": "POST", "url": f"{root}/Contact", "referenceId": "c",
         "body": {"LastName": "Ada", "AccountId": "@{a.id}"}},
        {"method": "GET", "url": f"{root}/Contact/@{{c.id}}", "referenceId": "r"},
    ]  # fmt: skip
    answer = raw(desk, "POST", "/composite", json={"allOrNone": True, "compositeRequest": parts})
    made, _, read = answer.json()["compositeResponse"]
    assert (made["httpStatusCode"], read["body"]["AccountId"]) == (201, made["body"]["id"])
    assert answer.headers["Sforce-Limit-Info"] == "api-usage=1/15000"


def test_a_failed_composite_is_a_200_that_rolls_back(desk, org):
    parts = [
        {
            "method": "POST",
            "url": "/services/data/v67.0/sobjects/Lead",
            "referenceId": "a",
            "body": LEAD,
        },
        {
            "method": "POST",
            "url": "/services/data/v67.0/sobjects/Lead",
            "referenceId": "b",
            "body": {},
        },
    ]
    answer = raw(desk, "POST", "/composite", json={"allOrNone": True, "compositeRequest": parts})
    codes = [part["body"][0]["errorCode"] for part in answer.json()["compositeResponse"]]
    assert (answer.status_code, codes) == (200, ["PROCESSING_HALTED", "REQUIRED_FIELD_MISSING"])
    assert org.query("SELECT COUNT() FROM Lead")["totalSize"] == 0


def test_an_object_describes_itself_with_the_worlds_fields(desk, org):
    desk.world(
        salesforce=[
            {"org": ORG, "fields": {"Lead": [{"name": "Tier__c", "length": 5}], "Parcel__c": []}}
        ]
    )
    fields = {field["name"]: field for field in org.Lead.describe()["fields"]}
    assert (fields["Tier__c"]["length"], fields["Company"]["nillable"]) == (5, False)
    assert fields["External_Id__c"]["externalId"]
    assert org.Parcel__c.create({"Name": "one"})["success"]


def test_the_whole_org_has_one_budget(desk, org):
    desk.world(salesforce=[{"org": ORG, "daily_limit": 2}])
    assert org.limits()["DailyApiRequests"] == {"Max": 2, "Remaining": 1}
    org.query("SELECT Id FROM Lead")
    with pytest.raises(SalesforceRefusedRequest) as caught:
        org.limits()
    assert caught.value.content[0]["errorCode"] == "REQUEST_LIMIT_EXCEEDED"
    desk.now += 24 * 3600
    desk.world(salesforce=[{"org": ORG, "session_timeout": 10**6}])
    org.limits()


def test_a_session_ends_without_notice_and_a_refresh_starts_another(desk, org):
    desk.now += 7200
    with pytest.raises(SalesforceExpiredSession):
        org.limits()
    fresh = refresh(desk).json()
    assert "refresh_token" not in fresh and "expires_in" not in fresh
    assert fresh["instance_url"] == f"{desk.url}/salesforce/{ORG}"
    signed = hmac.digest(
        b"salesforce-secret", (fresh["id"] + fresh["issued_at"]).encode(), hashlib.sha256
    )
    assert fresh["signature"] == base64.b64encode(signed).decode()
    userinfo = f"/salesforce/{ORG}/services/oauth2/userinfo"
    told = desk.get(userinfo, headers={"Authorization": f"Bearer {fresh['access_token']}"}).json()
    assert told["organization_id"] == ORG


def test_a_rotated_refresh_token_ends_the_old_one_at_once(desk):
    renewed = refresh(desk, "5Aep-globex").json()["refresh_token"]
    old = refresh(desk, "5Aep-globex")
    assert (old.status_code, old.json()) == (
        400, {"error": "invalid_grant", "error_description": "expired access/refresh token"},
    )  # fmt: skip
    assert refresh(desk, renewed).status_code == 200


def test_a_wrong_client_is_refused(desk):
    answer = token(
        desk, client_secret="guess", grant_type="refresh_token", refresh_token="5Aep-acme"
    )
    assert answer.json()["error"] == "invalid_client"


def test_a_revoked_refresh_token_takes_its_sessions_along(desk):
    assert (
        desk.post(
            "/salesforce/login/services/oauth2/revoke", data={"token": "5Aep-acme"}
        ).status_code
        == 200
    )
    assert error(raw(desk, "GET", "/limits")) == (401, "INVALID_SESSION_ID")
    assert refresh(desk).json()["error"] == "invalid_grant"


def test_an_org_takes_no_session_of_another(desk):
    answer = raw(desk, "GET", "/limits", headers={"Authorization": "Bearer 00D000000000002!globex"})
    assert error(answer) == (401, "INVALID_SESSION_ID")


def test_the_versions_are_told_to_anyone_and_the_origin_alone_is_enough(desk):
    assert desk.get(f"/salesforce/{ORG}/services/data/").json()[-1]["version"] == "67.0"
    answer = desk.get("/services/data/v67.0/limits", headers={"Authorization": f"Bearer {TOKEN}"})
    assert (answer.status_code, desk.ledger()[-1]["account"]) == (200, ORG)


def test_people_see_records(desk, org):
    made = org.Lead.create(LEAD | {"Company": "<b>Acme</b>"})
    page = desk.get(f"/salesforce/{ORG}/lightning/o/Lead/list").text
    assert "Ada Lovelace" in page and "&lt;b&gt;Acme" in page
    assert "Lovelace" in desk.get(f"/salesforce/{ORG}/lightning/r/Lead/{made['id']}/view").text
