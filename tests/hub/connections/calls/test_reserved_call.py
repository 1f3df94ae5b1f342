"""Refreshes and tests spend quotas, or say when they may go."""

from datetime import timedelta

import pytest

from connectors.http import Request, Response
from connectors.salesforce.errors import ORG
from hub.connections.connecting.connect import draft_connection
from hub.connections.credentials import account_probe
from hub.connections.credentials.provider_call import call_provider
from hub.connections.models import QuotaQueue, digest_scopes
from hub.connections.quotas.scopes import list_spent_quotas
from hub.egress import ResponseNotReceived
from hub.throttle.feedback import pause_scope
from hub.throttle.models import InFlightLease, QuotaState
from tests.factories import MINUTE, NOON
from tests.fakes import FakeHttp
from tests.hub.connections.token_refresh import RENEWED, connection, lane, reject_and_refresh
from tests.hub.outgoing.pump.test_loop import pump

pytestmark = pytest.mark.django_db
__all__ = ["connection"]  # the fixture

TOKEN = "salesforce|app||token"
SLACK_OK = Response(
    200, b'{"ok":true,"team_id":"T1","team":"Acme","user_id":"U1","url":"https://acme.slack.com/"}'
)
SLACK_429 = Response(429, headers={"retry-after": "30"}, at=NOON)


def test_a_refresh_spends_and_rings_later_where_the_quota_rests(connection):
    pause_scope(TOKEN, until=NOON + MINUTE, now=NOON)
    http = FakeHttp(RENEWED)
    assert not reject_and_refresh(connection, http)
    connection.refresh_from_db()
    assert (http.requests, connection.credential.refresh_lease_until) == ([], NOON + MINUTE)
    assert reject_and_refresh(connection, http, at=NOON + MINUTE + timedelta(seconds=1))
    assert QuotaState.objects.get(key=TOKEN).free_at > NOON + MINUTE
    assert not QuotaState.objects.get(key=TOKEN).is_probing


def test_a_429_of_the_token_endpoint_pauses_it(connection):
    reject_and_refresh(connection, FakeHttp(Response(429, headers={"retry-after": "90"}, at=NOON)))
    assert lane(connection).hold_reason in ("", "refreshing")
    assert QuotaState.objects.get(key=TOKEN).paused_until == NOON + 1.5 * MINUTE


def test_a_call_that_was_on_its_way_before_a_429_reopens_nothing(connection):
    def meanwhile(request):
        pause_scope(TOKEN, until=NOON + MINUTE, now=NOON)
        return RENEWED

    assert reject_and_refresh(connection, FakeHttp(meanwhile))
    row = QuotaState.objects.get(key=TOKEN)
    assert (row.paused_until, row.is_probing) == (NOON + MINUTE, True)


def test_a_probe_that_comes_through_lets_go_what_waits_for_that_quota(connection):
    pause_scope(TOKEN, until=NOON - MINUTE, now=NOON - 2 * MINUTE)
    waiting = QuotaQueue.unscoped.create(
        connection=connection,
        digest=digest_scopes([TOKEN]),
        scopes=[TOKEN],
        closed=[TOKEN],
        opens_at=NOON + 5 * MINUTE,
    )
    assert reject_and_refresh(connection, FakeHttp(RENEWED))
    waiting.refresh_from_db()
    assert waiting.opens_at == NOON


def test_a_probe_that_hears_no_answer_leaves_it_to_the_next(connection):
    pause_scope(TOKEN, until=NOON - MINUTE, now=NOON - 2 * MINUTE)
    reject_and_refresh(connection, FakeHttp(ResponseNotReceived("timed_out")))
    assert QuotaState.objects.get(key=TOKEN).is_probing
    assert reject_and_refresh(connection, FakeHttp(RENEWED), at=NOON + MINUTE)
    assert not QuotaState.objects.get(key=TOKEN).is_probing


def test_a_test_by_a_person_says_when_it_can_be_made(make):
    row, http = make.connection(connector="slack", account="T1"), FakeHttp([SLACK_429, SLACK_OK])
    account_probe.probe_and_update_state(row, call=http.call, now=NOON)
    probe_result = account_probe.probe_and_update_state(row, call=http.call, now=NOON)
    assert (probe_result.reason, probe_result.detail) == (
        "throttled",
        "a quota is used up; the next call is possible at 2026-11-25 12:00:30 UTC",
    )
    assert len(http.requests) == 1
    assert account_probe.probe_and_update_state(row, call=http.call, now=NOON + MINUTE).passed


@pytest.mark.parametrize("answer", [SLACK_OK, SLACK_429])
def test_two_newcomers_do_not_wait_for_each_other(make, answer):
    document = {"access_token": "v1u:acme"}
    http = FakeHttp(answer)
    for tenant in ("acme", "globex"):
        account_probe.probe_credential(
            draft_connection(make.tenant(tenant), "pipedrive", "Ours", {}),
            document,
            call=http.call,
            now=NOON,
        )
    assert len(http.requests) == 2


def test_a_test_of_our_application_takes_room_only_while_it_lasts(make):
    row = make.connection(connector="app", secret={"signing_secret": "whsec_" + "A" * 44})
    during = []
    account_probe.probe_and_update_state(
        row,
        call=lambda request: during.append(InFlightLease.objects.get().count) or Response(200),
        now=NOON,
    )
    assert (during, InFlightLease.objects.count()) == ([1], 0)


def test_a_rate_per_host_and_one_for_our_own_address_hold_over_all_tenants(make, settings):
    settings.HUB_HOST_RATE, settings.HUB_ADDRESS_RATE = (1, 60.0), (1000, 1.0)
    deliveries, http = [make.delivery() for _ in range(3)], FakeHttp()
    pump(http)
    assert len(http.requests) == 1
    assert [delivery.state for delivery in map(reload, deliveries)].count("waiting") == 2
    keys = [
        spent.key
        for spent in list_spent_quotas(
            deliveries[0].connection, Request("GET", "https://u:p@Example.com:8443/x")
        )
    ]
    assert keys == ["|host||example.com:8443", "|address||"]


def test_a_budget_that_a_blocking_call_reports_is_recorded(make):
    connection = make.connection(connector="salesforce", account="00D1")
    answer = Response(200, b"{}", {"sforce-limit-info": "api-usage=3990/4000"})
    request = Request("GET", "https://acme.my.salesforce.com/services", spends=((ORG, 1),))
    call_provider(
        connection,
        lambda: request,
        Response.text,
        call=FakeHttp(answer).call,
        now=NOON,
        secrets=(),
    )
    assert QuotaState.objects.get(connector_key="salesforce").reported_limit == 4000


def reload(row):
    row.refresh_from_db()
    return row
