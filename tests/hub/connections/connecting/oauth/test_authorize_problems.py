"""Each way in which connecting fails ends in a page: the cause, who can fix it, a text for them, a
way back.
"""

import json
from email.utils import format_datetime

import pytest

from connectors.http import Response
from connectors.registry import CONNECTORS
from hub.connections.connecting.troubleshooting import PROBLEMS, RESPONSIBLE_TEXTS, explain_problem
from hub.connections.models import Authorization, Connection, ConnectorApp
from hub.db.clock import clock
from hub.egress import RequestNotSent, ResponseNotReceived
from tests.factories import MINUTE, NOON
from tests.hub.connections.authorize_attacks.attempts import (
    SALESFORCE,
    SLACK,
    receive_callback_with,
)
from tests.hub.connections.browsers import (
    count_connections,
    get_newest_authorization,
    query_of,
    register,
)

pytestmark = pytest.mark.django_db


def assert_explained(page, code):
    """Assert that the page states the problem, its cause, who can fix it, and a way back."""
    shown = page.context["problem"]
    assert shown.code == code, shown
    assert (
        shown.cause
        and shown.responsible_text
        and "%(" not in shown.title + shown.cause + shown.text
    )
    body = page.content.decode()
    assert "Who can fix it" in body and ("Try again" in body or "Back" in body or "Cancel" in body)
    needs_somebody = shown.responsible_text not in (
        RESPONSIBLE_TEXTS["you"],
        RESPONSIBLE_TEXTS["wait"],
    )
    assert bool(shown.text) or not needs_somebody
    assert not shown.text or "data-copy" in body


def call_back_without_code(browser, connector="slack", **fields):
    """Comes back without a code, with what the system said instead."""
    state = query_of(browser.get_consent_url(connector))["state"]
    return browser.client.get(
        f"/connect/{connector}/callback", fields | {"state": state}, follow=True
    )


def call_back_with_fault(browser, outside, connector="slack", **fault):
    """The token endpoint answers something else than tokens."""
    back = browser.allow(browser.get_consent_url(connector))
    outside.fault(connector, **fault)
    return browser.follow_callback(back)


@pytest.mark.parametrize(("connector", "code"), [("slack", "not_let_in"), ("salesforce", "denied")])
def test_denied(browser, connector, code):
    assert_explained(
        browser.follow_callback(browser.deny(browser.get_consent_url(connector))), code
    )


def build_slack_error(error):
    return {"body": {"ok": False, "error": error}}


ON_THE_WAY_BACK = {
    "the app is not approved in the workspace": ("slack", "app_not_approved", "not_approved"),
    "an administrator has refused the app": (
        "slack",
        "app_approval_request_denied",
        "refused_by_admin",
    ),
    "an administrator is asked": ("slack", "app_approval_request_pending", "awaiting_approval"),
    "the app is blocked in the organisation": ("salesforce", "OAUTH_APP_BLOCKED", "not_approved"),
    "the app is not installed there": ("salesforce", "OAUTH_EC_APP_NOT_FOUND", "not_approved"),
    "the app is not installed there, in other words": (
        "salesforce",
        "invalid_client",
        "not_approved",
    ),
    "the app is not distributed": (
        "slack",
        "invalid_team_for_non_distributed_app",
        "not_distributed",
    ),
    "a permission is not registered": ("slack", "invalid_scope", "permission_refused"),
    "the user is inactive": ("salesforce", "inactive_user", "account_closed"),
    "the redirect URL is not registered": (
        "salesforce",
        "redirect_uri_mismatch",
        "redirect_refused",
    ),
    "the client id is wrong": ("salesforce", "invalid_client_id", "client_refused"),
    "the system is down": ("slack", "temporarily_unavailable", "unavailable"),
    "a word of tomorrow": ("slack", "a_word_of_tomorrow", "refused"),
}


@pytest.mark.parametrize(
    ("connector", "error", "code"), ON_THE_WAY_BACK.values(), ids=ON_THE_WAY_BACK
)
def test_an_error_on_the_way_back(browser, connector, error, code):
    page = call_back_without_code(
        browser, connector, error=error, error_description="as they say it"
    )
    assert_explained(page, code)
    assert f"{error} as they say it" in page.content.decode()


AT_THE_TOKEN_ENDPOINT = {
    "a redirect URL that is not registered": (
        "slack",
        build_slack_error("bad_redirect_uri"),
        "redirect_refused",
    ),
    "a code that ended": ("slack", build_slack_error("invalid_code"), "code_refused"),
    "too many": ("slack", {"status": 429, "retry_after": 30}, "throttled"),
    "down": ("salesforce", {"status": 503}, "unavailable"),
    "broken": ("slack", {"status": 500}, "unavailable"),
    "cut off": ("salesforce", {"status": 0}, "unavailable"),
    "a page": ("slack", {"body": "<html>Hello</html>"}, "strange_answer"),
    "no token": ("slack", {"body": {"ok": True, "team": {"id": "T1"}}}, "no_access_token"),
    "our secret is wrong": (
        "salesforce",
        {"status": 400, "body": {"error": "invalid_client"}},
        "client_refused",
    ),
    "a verifier that does not fit": (
        "slack",
        build_slack_error("pkce_not_allowed"),
        "request_refused",
    ),
}


@pytest.mark.parametrize(
    ("connector", "fault", "code"), AT_THE_TOKEN_ENDPOINT.values(), ids=AT_THE_TOKEN_ENDPOINT
)
def test_a_refusal_at_the_token_endpoint(browser, outside, connector, fault, code):
    assert_explained(call_back_with_fault(browser, outside, connector, **fault), code)
    assert count_connections() == 0 and get_newest_authorization().sealed is None


@pytest.mark.parametrize(("connector", "minutes"), [("slack", 10), ("salesforce", 15)])
def test_a_code_that_came_too_late_for_the_system(browser, outside, connector, minutes):
    back = browser.allow(browser.get_consent_url(connector))
    outside.now += minutes * 60 + 1
    assert_explained(browser.follow_callback(back), "code_refused")


@pytest.mark.parametrize("connector", ["slack", "salesforce"])
def test_a_client_secret_that_is_wrong(browser, outside, make, connector):
    ConnectorApp.objects.filter(connector_key=connector).delete()
    register(make, outside, connector, client_secret="another secret")
    assert_explained(browser.connect_account(connector), "client_refused")


def test_a_system_that_is_not_set_up(browser):
    ConnectorApp.objects.filter(connector_key="slack").delete()
    assert_explained(browser.begin("slack"), "not_set_up")


def test_a_tenant_that_is_suspended(browser, acme):
    acme.suspend("unpaid", now=NOON)
    assert_explained(browser.begin("slack"), "tenant_suspended")


def test_a_window_that_was_closed(browser):
    browser.get_consent_url("slack")
    assert_explained(
        browser.client.get(f"/connect/confirm/{get_newest_authorization().public_id}/"),
        "unfinished",
    )


def test_a_hub_that_was_stopped_in_between(browser):
    browser.get_consent_url("slack")
    Authorization.unscoped.update(state="received")
    assert_explained(
        browser.client.get(f"/connect/confirm/{get_newest_authorization().public_id}/"),
        "interrupted",
    )


def test_another_account_than_the_connected_one(make, acme, open_browser):
    row = make.connection(acme, "slack", account="T0000OLD1", account_name="Old Teas")
    page = open_browser(acme, "admin").connect_account("slack", connection=str(row.public_id))
    assert_explained(page, "wrong_account")


def test_an_account_that_another_connection_has(browser, make, acme):
    make.connection(acme, "slack", account="T0000ACME")
    row = make.connection(acme, "slack", account="T0000OLD1")
    assert_explained(browser.connect_account("slack", connection=str(row.public_id)), "taken")


def test_an_account_that_another_tenant_has(browser, make):
    make.connection(make.tenant("other"), "slack", account="T0000ACME")
    page = browser.connect_account("slack")
    assert page.context["elsewhere"].text and count_connections() == 1


def test_a_token_that_was_revoked_before_it_was_confirmed(browser, outside):
    page = browser.connect_account("slack")
    outside.world(slack=[{"team": "T0000ACME", "revoked": True}])
    assert_explained(browser.submit(page), "token_refused")
    assert count_connections() == 0


def test_a_system_that_is_down_at_the_confirmation_may_be_confirmed_later(browser, outside):
    page = browser.connect_account("slack")
    outside.fault("slack", status=503)
    again = browser.submit(page)
    assert_explained(again, "unavailable")
    assert again.status_code == 409
    browser.submit(page)
    assert count_connections() == 1


# --- what only a script can answer ---


def build_refusal(date):
    return Response(
        200, b'{"ok":false,"error":"invalid_code"}', {"date": format_datetime(date)}, at=NOON
    )


def test_clocks_that_do_not_agree(make):
    assert (
        receive_callback_with(make, SLACK, build_refusal(NOON - 6 * MINUTE)).reason == "clock_off"
    )


def test_clocks_that_agree_well_enough(make):
    assert (
        receive_callback_with(make, SLACK, build_refusal(NOON - 4 * MINUTE)).reason
        == "code_refused"
    )


@pytest.mark.parametrize("date", ["", "yesterday", "\x00", "Mon, 99 Nov 2026 12:00:00 GMT"])
def test_a_date_that_is_none_proves_nothing(make, date):
    response = Response(200, b'{"ok":false,"error":"invalid_code"}', {"date": date}, at=NOON)
    assert receive_callback_with(make, SLACK, response).reason == "code_refused"


UNREACHED = {
    "certificate": RequestNotSent("tls_failed"),
    "unavailable": ResponseNotReceived("timed_out"),
}


@pytest.mark.parametrize(("code", "error"), UNREACHED.items(), ids=UNREACHED)
def test_a_system_that_is_not_reached(make, code, error):
    assert receive_callback_with(make, SALESFORCE, error).reason == code


def test_an_identity_that_is_not_signed_with_our_secret(make):
    answer = Response(200, json.dumps(FORGED).encode())
    assert receive_callback_with(make, SALESFORCE, answer).reason == "bad_signature"


FORGED = {
    "access_token": "00D!1",
    "instance_url": "https://acme.my.salesforce.com",
    "id": "https://login.salesforce.com/id/00D000000000001EAA/005000000000001AAA",
    "issued_at": "1764000000000",
    "signature": "Zm9yZ2Vk",
}


# --- the words ---


@pytest.mark.parametrize("code", PROBLEMS)
@pytest.mark.parametrize(
    "connector", [SLACK, SALESFORCE, None], ids=["slack", "salesforce", "none"]
)
def test_every_problem_has_its_cause_and_who_can_fix_it(code, connector):
    explanation = explain_problem(code, connector, hub="Hub", account="T1")
    assert (
        explanation.title
        and explanation.cause.endswith((".", "?"))
        and explanation.responsible_text
    )
    assert "%(" not in "".join(
        (explanation.title, explanation.cause, explanation.responsible_text, explanation.text)
    )
    advice = connector.errors.get(code) if connector else None
    who = (advice or PROBLEMS[code].advice).responsible
    assert explanation.text or who in ("you", "wait")


@pytest.mark.parametrize(
    "connector", [one for one in CONNECTORS.values() if one.needs_oauth], ids=lambda one: one.key
)
def test_a_connector_speaks_of_problems_that_there_are(connector):
    assert set(connector.errors) <= set(PROBLEMS)
    assert set(connector.problems.values()) <= set(PROBLEMS)


def test_what_was_connected_is_not_touched_by_any_of_this(browser, make, acme):
    row = make.connection(acme, "slack", account="T0000ACME")
    call_back_without_code(browser, "slack", error="access_denied", connection=str(row.public_id))
    assert Connection.unscoped.get().state == "healthy"
    assert row.changed_at < clock() or row.changed_at == NOON
