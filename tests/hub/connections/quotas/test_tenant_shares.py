"""Tenants have shares of a token endpoint's quota, and invalid callbacks cost little."""

import json
from datetime import timedelta

import pytest

from connectors.http import Response
from hub.connections.calls.reserved_call import QuotaExhausted, reserve_for_block
from hub.connections.connecting.connect import draft_connection
from hub.connections.connecting.oauth.callback import receive_callback
from hub.connections.connecting.oauth.code_exchange import REFUSED_CODES_MAX
from hub.connections.connecting.oauth.session import (
    AuthorizationRefused,
    BrowserIdentity,
    digest_browser_value,
)
from hub.connections.credentials.connector_context import build_credential
from hub.connections.models import Authorization
from hub.crypto.sealed import seal
from hub.throttle.definitions import TENANT_SHARE, quota_definition
from hub.throttle.models import QuotaState
from tests.factories import MINUTE, NOON
from tests.fakes import FakeHttp
from tests.hub.connections.provider import ORG

pytestmark = pytest.mark.django_db

JUNK = Response(400, b'{"error":"invalid_grant","error_description":"invalid authorization code"}')
APP_LIMIT = 300  # calls of Salesforce's token endpoint in a minute


@pytest.fixture
def salesforce(make):
    return make.app("salesforce", {"client_id": "id", "client_secret": "a client secret"})


def can_call_token_endpoint(tenant, now):
    """Whether a call of the token endpoint may go."""
    row = draft_connection(tenant, "salesforce", "x", {})
    client = {"client_id": "id", "client_secret": "a client secret"}
    credential = build_credential(row, None, {"refresh_token": "5Aep"})
    try:
        with reserve_for_block(row, row.connector.refresh_request(client, credential), now=now):
            return True
    except QuotaExhausted:
        return False


def test_one_tenant_leaves_the_others_a_part(make):
    hostile, other = make.tenant(), make.tenant()
    went = {hostile: 0, other: 0}
    for tick in range(300):  # half a minute
        for tenant in (hostile, hostile, other):
            went[tenant] += can_call_token_endpoint(tenant, NOON + tick * timedelta(seconds=0.1))
    assert went[hostile] <= TENANT_SHARE * APP_LIMIT / 2 + 5
    assert went[other] >= (1 - TENANT_SHARE) * APP_LIMIT / 2 - 5


def test_a_share_is_shown_with_its_limit(make):
    assert can_call_token_endpoint(make.tenant(), NOON)
    share = QuotaState.objects.get(kind="tenant")
    assert (quota_definition(share).limit, share.name) == (TENANT_SHARE * APP_LIMIT, "token")


def receive_code(make, tenant, http, *, code="junk", state=None):
    """Somebody of this tenant, whose attempt was begun just now, comes back with this code."""
    row = make.authorization(
        tenant,
        "salesforce",
        now=NOON,
        browser=digest_browser_value("b"),
        guest="g",
        redirect_uri="r",
    )
    sealed = seal({"verifier": "v" * 64}, row.binding)
    Authorization.unscoped.filter(pk=row.pk).update(
        digest=digest_browser_value(f"s{row.pk}"), sealed=sealed
    )
    data = {"state": [state or f"s{row.pk}"], "code": [code]}
    where = {"connector": row.connector, "redirect_uri": "r", "call": http.call, "now": NOON}
    return receive_callback(data, identity=BrowserIdentity("b", guest="g"), **where)


def test_a_tenant_whose_codes_are_refused_reaches_the_token_endpoint_a_few_times_only(
    make, salesforce
):
    tenant, http = make.tenant(), FakeHttp(JUNK)
    QuotaState.objects.all().delete()
    reasons = []
    for _ in range(REFUSED_CODES_MAX + 5):
        reasons.append(receive_code(make, tenant, http).reason)
        QuotaState.objects.update(free_at=None)  # as if they came slowly enough for the quota
    assert reasons == ["code_refused"] * REFUSED_CODES_MAX + ["throttled"] * 5
    assert len(http.requests) == REFUSED_CODES_MAX


@pytest.mark.parametrize("reason", ["code_refused", "request_refused"])
def test_codes_of_other_attempts_count_too(make, salesforce, reason):
    tenant, http = make.tenant(), FakeHttp([])
    for _ in range(REFUSED_CODES_MAX):
        make.authorization(tenant, "salesforce", now=NOON, state="failed", reason=reason)
    assert receive_code(make, tenant, http).reason == "throttled"


def test_the_codes_of_another_tenant_are_exchanged_all_the_same(make, salesforce):
    hostile, other = make.tenant(), make.tenant()
    for _ in range(REFUSED_CODES_MAX):
        make.authorization(hostile, "salesforce", now=NOON, state="failed", reason="code_refused")
    granted = {"access_token": "00D!1", "instance_url": "https://a.my.salesforce.com"}
    granted["id"] = f"https://login.salesforce.com/id/{ORG}/005000000000001AAA"
    row = receive_code(make, other, FakeHttp(Response(200, json.dumps(granted).encode())))
    assert row.state == "granted"


def test_refused_codes_are_forgotten_after_a_while(make, salesforce):
    tenant = make.tenant()
    for _ in range(REFUSED_CODES_MAX):
        make.authorization(
            tenant, "salesforce", now=NOON - 11 * MINUTE, state="failed", reason="code_refused"
        )
    assert receive_code(make, tenant, FakeHttp(JUNK)).reason == "code_refused"


@pytest.mark.parametrize("state", ["not ours", "s" * 200])
def test_a_state_that_is_not_ours_costs_nothing(make, salesforce, state):
    http = FakeHttp(JUNK)
    with pytest.raises(AuthorizationRefused):
        receive_code(make, make.tenant(), http, state=state)
    assert http.requests == [] and not QuotaState.objects.exists()
