"""Salesforce: what it answers, and what we understand."""

import pytest

from connectors.base import Grant
from connectors.http import Report, Response, Unreadable
from connectors.object_schemas import FieldsPage, ObjectsPage
from connectors.roles import Page
from connectors.salesforce.errors import ORG, OUTCOMES_BY_CODE, outcome_of_code
from connectors.schema import Account
from tests.connectors.recorded import credential, fixtures, kinds, message, messages, recorded
from tests.connectors.salesforce.examples import (
    CREATE,
    KEYED,
    LEAD,
    LISTED,
    SALESFORCE,
    UPSERT,
    parse_recorded,
)

SUMS = {"attributes": {"type": "AggregateResult"}, "Status": "Draft", "orders": 2, "total": 25.5}
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


def test_every_recorded_answer_is_in_the_table():
    assert fixtures("salesforce") == sorted(EXPECTED)


@pytest.mark.parametrize(("name", "expected"), EXPECTED.items())
def test_reads(name, expected):
    if expected == UNREADABLE:
        with pytest.raises(Unreadable):
            parse_recorded(name)
        return
    read = parse_recorded(name)
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
        parse_recorded("create__total_limit"),
        parse_recorded("create__concurrent_limit"),
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
