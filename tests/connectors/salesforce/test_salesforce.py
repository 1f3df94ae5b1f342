"""Salesforce: what it answers, and what we understand."""

from datetime import UTC, datetime
from urllib.parse import unquote

import pytest

from connectors.base import Grant
from connectors.http import Report, Response, Unreadable
from connectors.object_schemas import FieldsPage, ObjectsPage
from connectors.roles import Page
from connectors.salesforce.connector import Salesforce
from connectors.salesforce.errors import ORG, OUTCOMES_BY_CODE, outcome_of_code
from connectors.schema import Account
from tests.connectors.recorded import NOON, credential, fixtures, kinds, message, messages, recorded

SALESFORCE = Salesforce()
CREATE, UPDATE, UPSERT, UPDATE_RECORD = SALESFORCE.actions
RECORDS, AGGREGATE = SALESFORCE.collections
LEAD = {"object": "Lead", "fields": {"LastName": "Ada"}}
CONTACT = {
    "object": "Contact",
    "record_id": "003000000000001AAA",
    "fields": {"Email": "a@example.com"},
}
KEYED = {
    "object": "Contact",
    "external_id_field": "Ext__c",
    "external_id": "1",
    "fields": {"LastName": "Ada"},
}
BODIES = {"create": LEAD, "update": CONTACT, "update_record": CONTACT, "upsert": KEYED}
LISTED = [
    {
        "attributes": {"type": "Contact", "url": f"/services/data/v67.0/sobjects/Contact/{id}"},
        "Id": id,
        "SystemModstamp": f"2026-11-25T12:00:0{number}.000+0000",
    }
    for number, id in [(number, f"00300000000000{number}AAA") for number in (1, 2, 3)]
]
SUMS = {"attributes": {"type": "AggregateResult"}, "Status": "Draft", "orders": 2, "total": 25.5}
APP = {"client_id": "3MVG", "client_secret": "s"}
UNREADABLE = "unreadable"
EXPECTED = {
    "create__ok": ("delivered", ""),
    "create__record_duplicate_value": ("never", "duplicate_value"),
    "create__record_field_custom_validation_exception": (
        "never",
        "field_custom_validation_exception",
    ),
    "create__record_string_too_long": ("never", "string_too_long"),
    "create__record_entity_is_deleted": ("never", "entity_is_deleted"),
    "create__record_a_code_of_tomorrow": ("never", "a_code_of_tomorrow"),
    "create__record_all_or_none_operation_rolled_back": (
        "later",
        "all_or_none_operation_rolled_back",
    ),
    "create__record_processing_halted": ("later", "processing_halted"),
    "create__record_storage_limit_exceeded": ("later", "storage_limit_exceeded"),
    "create__record_unknown_exception": ("unknown", "unknown_exception"),
    "create__mixed": ("unknown", "unreadable"),
    "create__one_answer_too_many": ("unknown", "unreadable"),
    "create__an_object": ("unknown", "unreadable"),
    "create__a_page": ("unknown", "unreadable"),
    "create__invalid_session": ("refresh", "invalid_session_id"),
    "create__session_not_for_rest": ("never", "permission_missing"),
    "create__unauthorized_by_a_proxy": ("refresh", "status_401"),
    "create__total_limit": ("later", "throttled"),
    "create__concurrent_limit": ("later", "throttled"),
    "create__api_disabled": ("later", "api_disabled_for_org"),
    "create__insufficient_access": ("never", "insufficient_access_or_readonly"),
    "create__unknown_field": ("never", "invalid_field"),
    "create__not_json": ("never", "json_parser_error"),
    "create__no_such_object": ("never", "not_found"),
    "create__not_found_by_a_proxy": ("never", "status_404"),
    "create__unknown_exception": ("unknown", "unknown_exception"),
    "create__a_lock": ("later", "unable_to_lock_row"),
    "create__bad_gateway": ("unknown", "status_502"),
    "create__maintenance": ("later", "unavailable"),
    "update__ok": ("delivered", ""),
    "update__deleted": ("never", "entity_is_deleted"),
    "upsert__created": ("delivered", ""),
    "upsert__changed": ("delivered", ""),
    "upsert__several": ("never", "several_records"),
    "update_record__ok": ("delivered", ""),
    "update_record__changed_since": ("never", "changed_since"),
    "query__first": Page(LISTED[:2], f"{LISTED[1]['Id']}@{LISTED[1]['SystemModstamp']}"),
    "query__last": Page(LISTED[2:]),
    "query__cut_short": Page(LISTED[2:], is_complete=False, reason="fewer_records"),
    "query__nothing_but_more": Page([], is_complete=False, reason="fewer_records"),
    "query__a_locator_elsewhere": Page(
        LISTED[:1], f"{LISTED[0]['Id']}@{LISTED[0]['SystemModstamp']}"
    ),
    "query__without_a_position": UNREADABLE,
    "aggregate__ok": Page([SUMS]),
    "aggregate__more_groups": Page([SUMS], is_complete=False, reason="fewer_records"),
    "query__malformed": ("never", "malformed_query"),
    "objects__ok": ["Contact", "Order__c"],
    "objects__none": UNREADABLE,
    "describe__ok": [
        "Id",
        "LastName",
        "OwnerId",
        "Name",
        "MailingAddress",
        "Email",
        "HasOptedOutOfEmail",
        "Birthdate",
        "Level__c",
        "Turnover__c",
    ],
    "describe__no_fields": UNREADABLE,
    "describe__without_its_id": UNREADABLE,
    "describe__of_another_object": UNREADABLE,
    "describe__not_visible": ("never", "not_found"),
    "describe__server_error": ("unknown", "unknown_exception"),
    "describe__session_ended": ("refresh", "invalid_session_id"),
    "organization__ok": Account("00D000000000001AAA", "Acme Teas"),
    "organization__not_readable": Account("00D000000000001AAA"),
    "organization__none": Account("00D000000000001AAA"),
    "organization__session_ended": ("refresh", "invalid_session_id"),
    "token__refreshed": "5Aep861",
    "token__rotated": "5Aep-new",
    "token__instance_elsewhere": "5Aep861",
    "token__other_organisation": ("reconnect", "other_account"),
    "token__a_page": UNREADABLE,
    "token__expired": ("reconnect", "invalid_grant"),
    "token__inactive_user": ("reconnect", "inactive_user"),
    "token__our_client": ("later", "invalid_client_id"),
    "token__too_many": ("later", "rate_limit_exceeded"),
    "token__maintenance": ("later", "unavailable"),
    "token__server_error": ("unknown", "status_500"),
}


def salesforce_says(name):
    response, door = recorded("salesforce", name), name.partition("__")[0]
    if door in ("query", "aggregate"):
        return (RECORDS if door == "query" else AGGREGATE).parse_page(response)
    if door == "objects":
        return SALESFORCE.schema.parse_objects(response)
    if door == "describe":
        return SALESFORCE.schema.parse_fields(response, "Contact")
    if door == "organization":
        return SALESFORCE.parse_probe(response, credential("salesforce"))
    if door == "token":
        return SALESFORCE.parse_refresh(response, credential("salesforce"))
    (outcome,) = SALESFORCE.action(door).read_outcomes(response, [message(BODIES[door])])
    return outcome


def query(cursor="", **parameters):
    return RECORDS.page_request(credential("salesforce"), at=NOON, cursor=cursor, **parameters)


def test_every_recorded_answer_is_in_the_table():
    assert fixtures("salesforce") == sorted(EXPECTED)


@pytest.mark.parametrize(("name", "expected"), EXPECTED.items())
def test_reads(name, expected):
    if expected == UNREADABLE:
        with pytest.raises(Unreadable):
            salesforce_says(name)
        return
    read = salesforce_says(name)
    if isinstance(read, Grant):
        read = read.secret["refresh_token"]
    elif isinstance(read, ObjectsPage):
        read = [entry.key for entry in read.objects]
    elif isinstance(read, FieldsPage):
        read = [field.key for field in read.fields]
    elif isinstance(expected, tuple):
        read = read.kind, read.reason
    assert read == expected


@pytest.mark.parametrize(("code", "meaning"), OUTCOMES_BY_CODE.items())
def test_means_what_the_table_says(code, meaning):
    assert outcome_of_code(code, "no") == meaning(code.lower(), "no")


def test_each_record_has_its_own_answer():
    outcomes = CREATE.read_outcomes(recorded("salesforce", "create__mixed"), messages(5, LEAD))
    assert kinds(outcomes) == ["delivered", "never", "later", "delivered", "never"]
    assert outcomes[0].reference == "00Q000000000001AAA"


@pytest.mark.parametrize(
    "strange", [b"null", b"[]", b"{}", b'{"success":false,"errors":[]}', b'{"success":"true"}']
)
def test_one_record_that_cannot_be_read_leaves_its_neighbours(strange):
    body = b'[{"id":"00Q1","success":true,"errors":[]},%s]' % strange
    assert kinds(CREATE.read_outcomes(Response(200, body), messages(2, LEAD))) == [
        "delivered",
        "unknown",
    ]


def test_two_messages_of_one_record_do_not_share_a_call():
    twins = messages(3, KEYED)
    assert len(UPSERT.request(twins, credential("salesforce")).json["records"]) == 1
    outcomes = UPSERT.read_outcomes(recorded("salesforce", "upsert__created"), twins)
    assert [outcome.reason for outcome in outcomes] == ["", "same_record", "same_record"]
    assert kinds(outcomes) == ["delivered", "later", "later"]


def test_what_is_refused_together_goes_again_alone():
    outcomes = CREATE.read_outcomes(
        recorded("salesforce", "create__unknown_field"), messages(2, LEAD)
    )
    assert [(outcome.kind, outcome.reason) for outcome in outcomes] == [
        ("later", "refused_together")
    ] * 2
    assert CREATE.group_key(message(LEAD, id="a", attempt=3)) != CREATE.group_key(
        message(LEAD, id="b", attempt=3)
    )


def test_only_the_same_fields_of_the_same_object_go_together():
    other_object, other_field = {**LEAD, "object": "Contact"}, {**LEAD, "fields": {"Foo": 1}}
    assert len({CREATE.group_key(message(body)) for body in (LEAD, other_object, other_field)}) == 3
    assert CREATE.group_key(message(LEAD, id="a")) == CREATE.group_key(message(LEAD, id="b"))


def test_the_day_s_budget_rests_the_organisation_for_long_and_a_crowd_for_short():
    long, short = (
        salesforce_says("create__total_limit"),
        salesforce_says("create__concurrent_limit"),
    )
    assert (long.after, short.after) == (3600.0, 30.0)
    assert long.paused_scopes == short.paused_scopes == (ORG,) and long.costs_no_attempt


def test_every_answer_reports_the_budget():
    assert SALESFORCE.parse_quota_reports(recorded("salesforce", "create__ok")) == (
        Report(ORG, 12, 15000),
    )
    assert (
        SALESFORCE.parse_quota_reports(
            Response(200, headers={"sforce-limit-info": "per-app-api-usage=7/250(appName=us)"})
        )
        == ()
    )


def test_a_mapping_cannot_change_the_type_and_leaves_alone_what_is_absent():
    (record,) = CREATE.request(
        [
            message(
                {
                    "object": "Lead",
                    "fields": {"attributes": {"type": "User"}, "Email": None, "LastName": "Ada"},
                }
            )
        ],
        credential("salesforce"),
    ).json["records"]
    assert record == {"LastName": "Ada", "attributes": {"type": "Lead"}}


def test_an_upsert_names_the_external_id_in_the_path_and_in_the_record():
    request = UPSERT.request([message(KEYED)], credential("salesforce"))
    assert request.url.endswith("/services/data/v67.0/composite/sobjects/Contact/Ext__c")
    assert request.json["records"][0]["Ext__c"] == "1"


@pytest.mark.parametrize(
    ("action", "body"),
    [
        (CREATE, {"object": "Lead"}),
        (CREATE, {"object": "../Lead", "fields": {"A": 1}}),
        (CREATE, {"object": ["Lead"], "fields": {"A": 1}}),
        (CREATE, {"object": "Lead", "fields": "A=1"}),
        (CREATE, {"object": "Lead", "fields": {"A B": 1}}),
        (UPDATE, {**CONTACT, "record_id": "003/../1"}),
        (UPSERT, {**KEYED, "external_id_field": "Ext__c/1"}),
        (UPSERT, {**KEYED, "external_id": {"a": 1}}),
    ],
)
def test_refuses_a_body_with_a_sentence(action, body):
    assert action.find_body_problem(body)


def soql_of(request):
    return unquote(request.url.partition("?q=")[2])


def test_a_query_is_built_from_parameters():
    request = query(
        object="Contact", fields="Id, Email", since="2026-11-25T13:00:00+01:00", LastName="O'Hara\\"
    )
    assert soql_of(request) == (
        "SELECT Id, Email, SystemModstamp FROM Contact WHERE LastName = 'O\\'Hara\\\\'"
        " AND SystemModstamp >= 2026-11-25T12:00:00Z ORDER BY SystemModstamp, Id LIMIT 2000"
    )
    assert request.response_bytes_max == 8 * 1024 * 1024


@pytest.mark.parametrize(
    "parameters",
    [
        {"object": "Contact WHERE", "fields": "Id"},
        {"object": "Contact", "fields": "Id FROM User--"},
        {"object": "Contact", "fields": "Id", "since": "2026-11-25T12:00:00"},
        {"object": "Contact", "fields": "Id", "since": "now()"},
        {"object": "Contact", "fields": "Id", "Name OR Id": "x"},
        {"object": "Contact", "fields": "Id", "cursor": "//evil.example/query/1"},
    ],
)
def test_a_query_takes_nothing_but_names_and_values(parameters):
    with pytest.raises(ValueError, match=r"\w"):
        query(**parameters)


CURSOR = "003000000000002AAA@2026-11-25T12:00:02.000+0000"


def test_the_next_page_is_a_query_of_its_own_at_the_same_instance():
    request = query(CURSOR, object="Contact", fields="Id")
    assert request.url.startswith("https://acme.my.salesforce.com/services/data/v67.0/query?q=")
    assert soql_of(request).endswith("WHERE Id > '003000000000002AAA' ORDER BY Id LIMIT 2000")


def test_changes_are_read_in_the_order_of_their_time_and_id():
    request = query(CURSOR, object="Contact", fields="Id", since="2026-11-25T12:00:00Z")
    assert soql_of(request).endswith(
        "WHERE SystemModstamp >= 2026-11-25T12:00:00Z AND (SystemModstamp > 2026-11-25T12:00:02Z"
        " OR (SystemModstamp = 2026-11-25T12:00:02Z AND Id > '003000000000002AAA'))"
        " ORDER BY SystemModstamp, Id LIMIT 2000"
    )


def test_deleted_records_are_read_by_query_all():
    request = query(object="Contact", fields="Email", deleted="true", page_size="500")
    assert "/queryAll?q=SELECT%20Email%2C%20Id%2C%20SystemModstamp%2C%20IsDeleted" in request.url
    assert request.headers == {"Sforce-Query-Options": "batchSize=500"}


def test_single_records_are_read_by_their_ids():
    request = query(object="Contact", fields="Id", ids="003000000000001AAA,003000000000002AAA")
    assert "WHERE Id IN ('003000000000001AAA', '003000000000002AAA') ORDER" in soql_of(request)


def test_sums_are_built_from_parameters():
    request = AGGREGATE.page_request(
        credential("salesforce"),
        at=NOON,
        object="Order",
        select="Status, COUNT(Id) orders, SUM(TotalAmount) total",
        group_by="Status",
        date_field="EffectiveDate",
        since="2026-11-16",
        until="2026-11-23",
        Status="Activated",
    )
    assert soql_of(request) == (
        "SELECT Status, COUNT(Id) orders, SUM(TotalAmount) total FROM Order"
        " WHERE Status = 'Activated' AND EffectiveDate >= 2026-11-16 AND EffectiveDate < 2026-11-23"
        " GROUP BY Status LIMIT 2000"
    )


@pytest.mark.parametrize(
    "select", ["SUM(a) FROM User--", "", "SUM(SUM(a))", "(SELECT Id)", "a b c"]
)
def test_a_sum_takes_nothing_but_fields_and_functions(select):
    with pytest.raises(ValueError, match="neither"):
        AGGREGATE.page_request(credential("salesforce"), at=NOON, object="Order", select=select)


def test_what_a_record_says_of_itself():
    (record, *_) = LISTED
    assert RECORDS.record_id(record) == "003000000000001AAA"
    assert RECORDS.changed_at(record) == datetime(2026, 11, 25, 12, 0, 1, tzinfo=UTC)
    assert RECORDS.version(record) == "2026-11-25T12:00:01.000+0000"
    assert not RECORDS.is_deleted(record) and RECORDS.is_deleted({**record, "IsDeleted": True})


def test_an_update_may_have_a_precondition():
    body = {**CONTACT, "unmodified_since": RECORDS.version(LISTED[0])}
    assert UPDATE_RECORD.find_body_problem(body) == ""
    request = UPDATE_RECORD.request([message(body)], credential("salesforce"))
    assert request.headers == {"If-Unmodified-Since": "Wed, 25 Nov 2026 12:00:01 GMT"}
    assert request.url.endswith("/sobjects/Contact/003000000000001AAA")
    assert UPDATE_RECORD.find_body_problem({**CONTACT, "unmodified_since": "yesterday"})


def test_a_refresh_follows_the_organisation_to_its_new_instance_and_nowhere_else():
    assert salesforce_says("token__refreshed").settings == {
        "instance_url": "https://acme2.my.salesforce.com"
    }
    assert salesforce_says("token__instance_elsewhere").settings == {}


def test_a_desk_may_name_its_sandbox_as_the_host():
    desk = credential(
        "salesforce",
        settings={"instance_url": "http://127.0.0.1:9002"},
        hosts=("http://127.0.0.1:9002",),
    )
    assert SALESFORCE.find_credential_problem(desk) == ""
    assert SALESFORCE.find_credential_problem(
        credential("salesforce", settings={"instance_url": "http://127.0.0.1:9002"})
    )


def test_an_answer_without_a_token_is_no_grant():
    answer = Response(200, b'{"id":"https://login.salesforce.com/id/00D000000000001AAA/005"}')
    assert SALESFORCE.parse_refresh(answer, credential("salesforce")).reason == "no_access_token"


def test_a_query_may_end_at_a_moment():
    request = query(object="Contact", fields="Id", until="2026-11-25T12:00:00Z")
    assert "SystemModstamp%20%3C%202026-11-25T12%3A00%3A00Z" in request.url


def test_refreshes_at_the_token_url():
    request = SALESFORCE.refresh_request(APP, credential("salesforce"))
    assert request.url == "https://login.salesforce.com/services/oauth2/token"
    assert request.form["refresh_token"] == "5Aep861"


def test_an_organisation_that_neither_answer_nor_grant_names_is_nobodys():
    unknown = credential("salesforce", account="")
    refused = SALESFORCE.parse_probe(recorded("salesforce", "organization__not_readable"), unknown)
    assert (refused.kind, refused.reason) == ("never", "invalid_type")
    with pytest.raises(Unreadable):
        SALESFORCE.parse_probe(recorded("salesforce", "organization__none"), unknown)


def test_asks_which_organisation_it_is_where_the_permissions_that_we_ask_for_are_enough():
    url = SALESFORCE.probe_request(credential("salesforce"), at=NOON).url
    assert url.endswith("/services/data/v67.0/query?q=SELECT%20Id%2C%20Name%20FROM%20Organization")
    assert not {"id", "openid"} & {permission.key for permission in SALESFORCE.permissions}
