"""An exchange of a code waits for a place among the calls, and ends with its attempt."""

import json
import threading
import time
from contextlib import ExitStack

import pytest

from connectors.http import Response
from hub.connections.connecting.oauth.begin import begin_authorization
from hub.connections.connecting.oauth.callback import (
    read_stored_code,
    receive_callback,
    redeem_stored_code,
)
from hub.connections.connecting.oauth.session import (
    AuthorizationRefused,
    BrowserIdentity,
    digest_browser_value,
)
from hub.connections.credentials.abandoned_authorizations import end_abandoned_authorizations
from hub.connections.credentials.provider_call import (
    PROVIDER_CALL_BUDGET,
    PROVIDER_CALLS_MAX,
    PROVIDER_CALLS_MAX_OF_TENANT,
    WAITING_BUDGET,
    WAITING_THREADS_MAX,
    provider_slot,
)
from hub.connections.models import Authorization, Connection, ConnectorApp, Revocation
from hub.crypto.sealed import seal
from hub.egress.lookup_pool import lookup_tenant
from hub.shared_budget import BudgetExhausted
from tests.factories import MINUTE, NOON
from tests.fakes import FakeHttp
from tests.hub.connections.browsers import get_problem_code
from tests.hub.connections.provider import ORG

pytestmark = pytest.mark.django_db

GRANTED = {"access_token": "00D!1", "instance_url": "https://a.my.salesforce.com"}
GRANTED |= {"id": f"https://login.salesforce.com/id/{ORG}/005000000000001AAA"}


@pytest.fixture
def tenant(make):
    make.app("salesforce", {"client_id": "id", "client_secret": "a client secret"})
    return make.tenant("acme")


@pytest.fixture
def attempt(make, tenant):
    row = make.authorization(
        tenant,
        "salesforce",
        now=NOON,
        digest=digest_browser_value("s"),
        browser=digest_browser_value("b"),
        guest="g",
        redirect_uri="r",
    )
    Authorization.unscoped.update(sealed=seal({"verifier": "v" * 64}, row.binding))
    return row


@pytest.fixture
def salesforce():
    return FakeHttp(Response(200, json.dumps(GRANTED).encode()))


def receive_code(attempt, system, *, code="a code", wait=0.0):
    data, who = {"state": ["s"], "code": [code]}, BrowserIdentity("b", guest="g")
    return receive_callback(
        data,
        connector=attempt.connector,
        identity=who,
        redirect_uri="r",
        call=system.call,
        now=NOON,
        wait=wait,
    )


def test_an_exchange_that_finds_no_room_keeps_its_code_sealed(attempt, salesforce):
    with PROVIDER_CALL_BUDGET.acquire_for_block(PROVIDER_CALLS_MAX):
        row = receive_code(attempt, salesforce)
    row.refresh_from_db()
    assert (row.state, read_stored_code(row), salesforce.requests) == ("begun", "a code", [])
    assert b"a code" not in bytes(str(row.sealed), "utf-8")


def test_it_goes_on_as_soon_as_there_is_room(attempt, salesforce):
    with PROVIDER_CALL_BUDGET.acquire_for_block(PROVIDER_CALLS_MAX):
        row = receive_code(attempt, salesforce)
        redeem_stored_code(row, call=salesforce.call, now=NOON, wait=0.0)
        assert row.state == "begun"
    redeem_stored_code(row, call=salesforce.call, now=NOON, wait=0.0)
    assert (row.state, salesforce.requests[0].form["code"]) == ("granted", "a code")
    assert "code" not in row.open() and PROVIDER_CALL_BUDGET.used == 0


def test_a_tenant_takes_its_share_and_leaves_the_rest_to_others(attempt, salesforce):
    with PROVIDER_CALL_BUDGET.acquire_for_block(PROVIDER_CALLS_MAX_OF_TENANT, attempt.tenant_id):
        assert receive_code(attempt, salesforce).state == "begun"
    with PROVIDER_CALL_BUDGET.acquire_for_block(PROVIDER_CALLS_MAX_OF_TENANT, "another"):
        assert receive_code(attempt, salesforce).state == "granted"


def test_an_attempt_that_waits_takes_no_other_code(attempt, salesforce):
    with PROVIDER_CALL_BUDGET.acquire_for_block(PROVIDER_CALLS_MAX):
        receive_code(attempt, salesforce)
    with pytest.raises(AuthorizationRefused, match="reused"):
        receive_code(attempt, salesforce, code="another code")
    assert receive_code(attempt, salesforce).state == "granted"


def test_two_tabs_that_wait_exchange_the_code_once(attempt, salesforce):
    with PROVIDER_CALL_BUDGET.acquire_for_block(PROVIDER_CALLS_MAX):
        row = receive_code(attempt, salesforce)
    again = Authorization.unscoped.get(pk=row.pk)
    for tab in (row, again):
        redeem_stored_code(tab, call=salesforce.call, now=NOON, wait=0.0)
    assert (row.state, again.state, len(salesforce.requests)) == ("granted", "granted", 1)


def test_an_attempt_that_waited_too_long_ends(attempt, salesforce):
    with PROVIDER_CALL_BUDGET.acquire_for_block(PROVIDER_CALLS_MAX):
        row = receive_code(attempt, salesforce)
    redeem_stored_code(row, call=salesforce.call, now=NOON + 11 * MINUTE, wait=0.0)
    assert (row.state, row.reason, row.sealed, salesforce.requests) == ("failed", "late", None, [])


def test_the_sweep_ends_an_attempt_whose_page_was_closed(attempt, salesforce):
    with PROVIDER_CALL_BUDGET.acquire_for_block(PROVIDER_CALLS_MAX):
        row = receive_code(attempt, salesforce)
    end_abandoned_authorizations(now=NOON + 11 * MINUTE)
    row.refresh_from_db()
    assert (row.state, row.sealed) == ("failed", None)


# --- an attempt that ends during its exchange; sealed values that do not open ---


def end_during_exchange(answer):
    """Return a system that answers the exchange after the sweep has ended the attempt."""

    def respond(request):
        Authorization.unscoped.update(expires_at=NOON)
        end_abandoned_authorizations(now=NOON)
        return Response(200, json.dumps(answer).encode())

    return FakeHttp(respond)


def test_tokens_of_an_attempt_that_ended_during_the_exchange_are_revoked(attempt):
    with pytest.raises(AuthorizationRefused, match="reused"):
        receive_code(attempt, end_during_exchange(GRANTED))
    revocation = Revocation.unscoped.get()
    assert revocation.open()["secret"]["access_token"] == GRANTED["access_token"]
    assert (revocation.account, Authorization.unscoped.get().reason) == (ORG, "interrupted")


def test_rejected_tokens_of_an_attempt_that_ended_meanwhile_are_revoked_too(attempt):
    Authorization.unscoped.update(environment="sandbox")
    with pytest.raises(AuthorizationRefused, match="reused"):
        receive_code(attempt, end_during_exchange(GRANTED))
    assert Revocation.unscoped.get().open()["secret"]["access_token"] == GRANTED["access_token"]


def test_a_verifier_that_does_not_open_ends_the_attempt_with_what_to_do(attempt, salesforce):
    Authorization.unscoped.update(sealed=seal({"verifier": "v"}, "another row"))
    row = receive_code(attempt, salesforce)
    assert (row.state, row.reason, salesforce.requests) == ("failed", "unreadable_here", [])


def test_so_does_a_client_secret_that_does_not_open(attempt, salesforce):
    ConnectorApp.objects.update(sealed=seal({}, "another row"))
    row = receive_code(attempt, salesforce)
    assert (row.state, row.reason, salesforce.requests) == ("failed", "unreadable_here", [])


def test_a_code_that_waits_for_room_is_not_sealed_beside_what_does_not_open(attempt, salesforce):
    Authorization.unscoped.update(sealed=seal({"verifier": "v"}, "another row"))
    with PROVIDER_CALL_BUDGET.acquire_for_block(PROVIDER_CALLS_MAX):
        row = receive_code(attempt, salesforce)
    assert (row.state, row.reason) == ("failed", "unreadable_here")


def test_no_redirect_happens_while_our_client_secret_does_not_open(attempt):
    ConnectorApp.objects.update(sealed=seal({}, "another row"))
    with pytest.raises(AuthorizationRefused, match="unreadable_here"):
        begin_authorization(
            attempt.tenant,
            attempt.connector,
            BrowserIdentity("b", guest="g"),
            redirect_uri="r",
            return_to="/",
            random=lambda count: b"r" * count,
            now=NOON,
        )


def test_an_exchange_waits_for_room_for_a_short_time(attempt, salesforce):
    PROVIDER_CALL_BUDGET.acquire(PROVIDER_CALLS_MAX)
    threading.Timer(0.1, PROVIDER_CALL_BUDGET.release, [PROVIDER_CALLS_MAX]).start()
    assert receive_code(attempt, salesforce, wait=5.0).state == "granted"


def test_few_threads_wait_for_room_at_a_time():
    started_at = time.monotonic()
    with (
        PROVIDER_CALL_BUDGET.acquire_for_block(PROVIDER_CALLS_MAX),
        WAITING_BUDGET.acquire_for_block(WAITING_THREADS_MAX),
        pytest.raises(BudgetExhausted),
    ):
        provider_slot(1, timeout=30.0).__enter__()
    assert time.monotonic() - started_at < 5


@pytest.mark.corrections(item="3.8")
def test_threads_of_one_tenant_leave_room_to_wait_for_others():
    with PROVIDER_CALL_BUDGET.acquire_for_block(PROVIDER_CALLS_MAX), ExitStack() as waiting:
        for _ in range(PROVIDER_CALLS_MAX_OF_TENANT):
            waiting.enter_context(WAITING_BUDGET.acquire_for_block(1, 1))
        started_at = time.monotonic()
        with pytest.raises(BudgetExhausted):
            provider_slot(1, timeout=30.0).__enter__()
        assert time.monotonic() - started_at < 5
        threading.Timer(0.1, PROVIDER_CALL_BUDGET.release, [1]).start()
        with provider_slot(2, timeout=30.0):
            assert PROVIDER_CALL_BUDGET.used_by[2] == 1
        PROVIDER_CALL_BUDGET.acquire(1)


def test_calls_inside_one_another_take_one_place():
    with provider_slot(1), provider_slot(1):
        assert PROVIDER_CALL_BUDGET.used == 1
    assert PROVIDER_CALL_BUDGET.used == 0


def test_the_names_of_an_exchange_are_looked_up_on_its_tenants_account(attempt, salesforce):
    asking = []

    def call(request):
        asking.append(lookup_tenant.get())
        return salesforce.call(request)

    receive_code(attempt, FakeHttp(call))
    assert asking == [attempt.tenant_id]


# --- pages ---


def test_a_callback_at_a_busy_hub_waits_at_an_address_without_the_code(browser):
    address = browser.allow(browser.get_consent_url("slack"))
    with PROVIDER_CALL_BUDGET.acquire_for_block(PROVIDER_CALLS_MAX):
        page = browser.follow_callback(address)
        text = page.content.decode()
    assert "Waiting to finish with Slack" in text and 'http-equiv="refresh"' in text
    assert "code=" not in page.request["PATH_INFO"] + page.request["QUERY_STRING"]
    again = browser.client.get(page.request["PATH_INFO"])
    assert "Acme Teas" in again.content.decode()
    browser.submit(again)
    assert Connection.unscoped.get().state == "healthy"


def test_a_confirmation_that_finds_no_room_says_so_and_works_again(browser):
    page = browser.connect_account("slack")
    with PROVIDER_CALL_BUDGET.acquire_for_block(PROVIDER_CALLS_MAX):
        refused = browser.submit(page)
    assert (
        get_problem_code(refused) == "busy" and "press the button again" in refused.content.decode()
    )
    browser.submit(page)
    assert Connection.unscoped.get().state == "healthy"
