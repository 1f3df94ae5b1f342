"""Slack: what it answers, and what we understand."""

import pytest

from connectors.http import Response, Scope, Unreadable
from connectors.roles import Page
from connectors.schema import Account
from connectors.slack.connector import Slack
from connectors.slack.errors import ERRORS_BY_CODE
from tests.connectors.recorded import NOON, credential, fixtures, message, recorded

SLACK = Slack()
CHANNELS = SLACK.list_choices_by_kind["channel"]
POST, UPDATE = SLACK.action("post_message"), SLACK.action("update_message")
HELLO = {"channel": "C0000GEN1", "text": "hi"}
APP = {"client_id": "1.2", "client_secret": "s"}
EXPECTED = {
    "post_message__ok": ("delivered", ""),
    "post_message__missing_charset": ("delivered", ""),
    "post_message__token_expired": ("refresh", "token_expired"),
    "post_message__token_revoked": ("reconnect", "token_revoked"),
    "post_message__account_inactive": ("reconnect", "account_inactive"),
    "post_message__invalid_auth": ("reconnect", "invalid_auth"),
    "post_message__not_allowed_token_type": ("reconnect", "not_allowed_token_type"),
    "post_message__team_access_not_granted": ("reconnect", "team_access_not_granted"),
    "post_message__ekm_access_denied": ("reconnect", "ekm_access_denied"),
    "post_message__missing_scope": ("never", "permission_missing"),
    "post_message__channel_not_found": ("never", "channel_not_found"),
    "post_message__not_in_channel": ("never", "not_in_channel"),
    "post_message__is_archived": ("never", "is_archived"),
    "post_message__msg_too_long": ("never", "msg_too_long"),
    "post_message__no_text": ("never", "no_text"),
    "post_message__restricted_action_read_only_channel": (
        "never",
        "restricted_action_read_only_channel",
    ),
    "post_message__invalid_blocks": ("never", "invalid_blocks"),
    "post_message__invalid_json": ("never", "invalid_json"),
    "post_message__a_word_of_tomorrow": ("never", "a_word_of_tomorrow"),
    "post_message__ratelimited": ("later", "throttled"),
    "post_message__rate_limited": ("later", "throttled"),
    "post_message__too_many": ("later", "throttled"),
    "post_message__service_unavailable": ("later", "service_unavailable"),
    "post_message__team_added_to_org": ("later", "team_added_to_org"),
    "post_message__message_limit_exceeded": ("later", "message_limit_exceeded"),
    "post_message__request_timeout": ("later", "request_timeout"),
    "post_message__maintenance": ("later", "unavailable"),
    "post_message__internal_error": ("unknown", "internal_error"),
    "post_message__fatal_error": ("unknown", "fatal_error"),
    "post_message__server_error": ("unknown", "status_500"),
    "post_message__ok_is_missing": ("unknown", "unreadable"),
    "post_message__ok_is_text": ("unknown", "unreadable"),
    "post_message__ok_without_ts": ("unknown", "unreadable"),
    "post_message__a_page": ("unknown", "unreadable"),
    "post_message__no_service": ("unknown", "unreadable"),
    "update_message__ok": ("delivered", ""),
    "update_message__message_not_found": ("never", "message_not_found"),
    "update_message__cant_update_message": ("never", "cant_update_message"),
    "update_message__edit_window_closed": ("never", "edit_window_closed"),
    "auth_test__ok": Account("T0000ACME", "Acme"),
    "auth_test__whole_organisation": Account("E0000ACME", "Acme"),
    "auth_test__account_inactive": ("reconnect", "account_inactive"),
    "conversations_list__missing_scope": ("never", "permission_missing"),
    "conversations_list__ok": [("C0000GEN1", "#general")],
    "oauth_access__refreshed": "xoxe-1-new",
    "oauth_access__other_workspace": ("reconnect", "other_account"),
    "oauth_access__invalid_refresh_token": ("reconnect", "invalid_refresh_token"),
    "oauth_access__bad_client_secret": ("later", "bad_client_secret"),
    "oauth_access__invalid_grant_type": ("later", "invalid_grant_type"),
    "oauth_access__too_many": ("later", "throttled"),
}


def slack_says(name):
    response, method = recorded("slack", name), name.partition("__")[0]
    if method == "auth_test":
        return SLACK.parse_probe(response, credential("slack"))
    if method == "conversations_list":
        page = CHANNELS.parse_page(response)
        return (
            [CHANNELS.parse_choice(record) for record in page.records]
            if isinstance(page, Page)
            else page
        )
    if method == "oauth_access":
        return SLACK.parse_refresh(response, credential("slack"))
    (outcome,) = SLACK.action(method).read_outcomes(response, [message(HELLO)])
    return outcome


def build_post_request(**body):
    return POST.request([message({**HELLO, **body})], credential("slack"))


def test_every_recorded_answer_is_in_the_table():
    assert fixtures("slack") == sorted(EXPECTED)


@pytest.mark.parametrize(("name", "expected"), EXPECTED.items())
def test_reads(name, expected):
    read = slack_says(name)
    if isinstance(expected, tuple):
        assert (read.kind, read.reason) == expected
    else:
        assert (
            read == expected
            if isinstance(expected, Account | list)
            else read.secret["refresh_token"] == expected
        )


@pytest.mark.parametrize(("word", "verdict"), ERRORS_BY_CODE.items())
def test_means_what_the_table_says(word, verdict):
    (outcome,) = POST.read_outcomes(
        Response(200, b'{"ok":false,"error":"%s"}' % word.encode()), [message(HELLO)]
    )
    assert outcome == verdict(word, "")


def test_channel_and_ts_are_the_reference():
    assert slack_says("post_message__ok").reference == "C0000GEN1/1764000000.000100"


def test_a_429_rests_this_method_alone_for_what_it_says():
    outcome = slack_says("post_message__too_many")
    assert (outcome.after, outcome.costs_no_attempt, outcome.paused_scopes) == (
        30.0,
        True,
        (Scope("method", "chat.postMessage"),),
    )


def test_a_missing_scope_is_named():
    assert slack_says("post_message__missing_scope").detail == "needed: chat:write"


def test_what_slack_says_of_blocks_is_kept():
    assert "/blocks/0/text" in slack_says("post_message__invalid_blocks").detail


def test_spends_of_the_method_and_of_the_channel():
    assert build_post_request().spends == (
        (Scope("method", "chat.postMessage"), 1),
        (Scope("channel", "C0000GEN1"), 1),
    )


def test_what_the_event_does_not_have_is_left_out():
    sent = build_post_request(thread_ts=None, unfurl_links=False, metadata={}).json
    assert sent == {**HELLO, "unfurl_links": False, "metadata": {}}


def test_a_post_carries_our_id_where_people_do_not_see_it():
    assert build_post_request().json["metadata"]["event_payload"] == {"id": message(HELLO).id}


def test_channels_are_asked_for_from_where_the_last_page_ended():
    first = CHANNELS.parse_page(recorded("slack", "conversations_list__ok"))
    again = CHANNELS.page_request(credential("slack"), at=NOON, cursor=first.cursor)
    assert (
        again.form["cursor"] == "dGVhbTpDMDYxRkE1UEI="
        and "cursor" not in CHANNELS.page_request(credential("slack"), at=NOON).form
    )


@pytest.mark.parametrize(
    ("id", "taken"), [("C0123456789", True), ("G01", True), ("#orders", False), ("orders", False)]
)
def test_a_channels_name_is_not_its_id(id, taken):
    assert (CHANNELS.find_id_problem(id) == "") is taken


def test_the_token_travels_in_a_header_only():
    request = build_post_request()
    assert request.all_headers()["Authorization"] == "Bearer xoxb-1"
    assert "xoxb" not in request.url and b"xoxb" not in request.content()


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({"text": "hi"}, "missing: channel"),
        ({"channel": "C1"}, "missing: one of text"),
        ({"channel": ["C1"], "text": "hi"}, "channel is not text"),
        ({"channel": "C1", "text": "x" * 40_001}, "longer"),
        ({"channel": "C1", "text": "hi", "token": "xoxb-2"}, "not known"),
        ({"channel": "C1", "blocks": "[]"}, "blocks is not a list of objects"),
        ({"channel": "C1", "blocks": ["hi"]}, "blocks is not a list of objects"),
        (
            {"channel": "C1", "blocks": [{"type": "divider"}] * 51},
            "blocks contains more than 50 items",
        ),
        (
            {"channel": "C1", "attachments": [{"text": "hi"}] * 101},
            "attachments contains more than 100 items",
        ),
        (
            {"channel": "C1", "text": "hi", "markdown_text": "*hi*"},
            "cannot be combined with text or blocks",
        ),
        ({"channel": "C1", "markdown_text": "x" * 12_001}, "longer"),
    ],
)
def test_refuses_a_body_with_a_sentence(body, wrong):
    assert wrong in POST.find_body_problem(body)


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({}, ""),
        ({"channel": "D0000DM01"}, ""),
        ({"channel": "#orders"}, "channel must be an ID"),
        ({"channel": "orders"}, "channel must be an ID"),
        ({"text": "x" * 4_001}, "text is longer than 4,000"),
    ],
)
def test_a_change_names_the_channel_by_its_id_and_holds_less_text_than_a_post(changes, wrong):
    problem = UPDATE.find_body_problem({**HELLO, "ts": "1764000000.000100", **changes})
    assert problem.startswith(wrong) if wrong else problem == ""


def test_blocks_are_enough():
    assert POST.find_body_problem({"channel": "C1", "blocks": [{"type": "divider"}]}) == ""


def test_refreshes_with_the_app_s_own_password():
    request = SLACK.refresh_request(APP, credential("slack"))
    assert request.form == {"grant_type": "refresh_token", "refresh_token": "xoxe-1-1"}
    assert request.headers["Authorization"] == "Basic MS4yOnM="


def test_a_refresh_brings_both_tokens_and_their_life():
    grant = slack_says("oauth_access__refreshed")
    assert (grant.secret["access_token"], grant.expires_in) == ("xoxe.xoxb-1-new", 43200.0)


def test_an_answer_without_a_bot_token_is_no_grant():
    answer = Response(
        200, b'{"ok":true,"team":{"id":"T0000ACME"},"authed_user":{"access_token":"xoxp-1"}}'
    )
    assert SLACK.parse_refresh(answer, credential("slack")).reason == "no_access_token"


def test_an_unreadable_token_answer_is_no_grant():
    with pytest.raises(Unreadable):
        SLACK.parse_refresh(recorded("slack", "post_message__a_page"), credential("slack"))


def test_asks_who_it_is():
    assert (
        SLACK.probe_request(credential("slack"), at=NOON).url == "https://slack.com/api/auth.test"
    )
