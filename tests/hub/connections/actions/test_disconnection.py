"""A disconnect ends the authorization here and there; history stays, a reconnect is possible."""

import json

import pytest
from django.db import transaction
from django.db.models import F

from connectors.http import Response
from connectors.schema import Account
from hub.audit import Actor, ActorContext, AuditRow
from hub.connections.actions.disconnection import cancel_waiting_deliveries, disconnect_account
from hub.connections.connecting.reconnect import reconnect_account
from hub.connections.credentials.account_probe import ProbeResult
from hub.connections.credentials.revoke import REVOCATION_ATTEMPTS_MAX, attempt_revocation
from hub.connections.models import Connection, Credential, Lane, Revocation
from hub.connections.tasks import run_revocation as hear_revoke
from hub.db.clock import clock
from hub.db.state_machine import InvalidTransition
from hub.notices.models import Notice
from hub.operations.models import Operation
from hub.operations.operation_runner import run_batch
from tests.factories import MINUTE, NOON
from tests.fakes import FakeHttp
from tests.hub.connections.browsers import count_connections
from tests.hub.connections.token_refresh import RENEWED, connection, reject_and_refresh

pytestmark = pytest.mark.django_db
__all__ = ["connection"]  # the fixture

DOWN, ENDED = Response(503), Response(200, b'{"ok":true,"revoked":true}')


@pytest.fixture
def slack(make):
    make.app("slack", {"client_id": "id", "client_secret": "a client secret"})
    return make.connection(connector="slack", account="T1")


@pytest.fixture
def actor(make):
    return ActorContext(Actor.of_user(make.user("robin@example.com")), is_unrestricted=False)


def test_the_credential_is_wiped_and_the_history_stays(make, slack, actor):
    delivery = make.delivery(slack)
    disconnect_account(slack, actor, reason="we move", now=NOON)
    slack.refresh_from_db()
    assert (slack.state, slack.reason, slack.is_disconnected) == ("disabled", "disconnected", True)
    assert Credential.unscoped.get().open(slack) == {}
    assert Lane.unscoped.get().hold_reason == "disconnected" and slack.deliveries.get() == delivery
    assert AuditRow.objects.get().verb == "connection.disconnect"


def test_nothing_is_refreshed_any_more_and_the_life_line_ends(slack, actor):
    Credential.unscoped.update(
        refresh_due_at=NOON, token_lifetimes={"": {"given": NOON.isoformat()}}
    )
    disconnect_account(slack, actor, now=NOON)
    credential = Credential.unscoped.get()
    assert (credential.refresh_due_at, credential.token_lifetimes, credential.grant_expires_at) == (
        None,
        {},
        None,
    )
    assert slack.credential_events.get().kind == "revoked"


def test_the_token_is_ended_where_it_came_from(slack, actor):
    disconnect_account(slack, actor, now=NOON)
    http = FakeHttp(ENDED)
    assert attempt_revocation(Revocation.unscoped.get(), call=http.call, clock=lambda: NOON)
    assert (http.requests[0].url, http.requests[0].bearer) == (
        "https://slack.com/api/auth.revoke",
        "xoxb-test-token",
    )
    assert not Revocation.unscoped.exists()
    assert AuditRow.objects.get(verb="connection.revoke").after["revoked"] is True


ROTATED = json.loads(RENEWED.body) | {"refresh_token": "5Aeprotated"}


def disconnect(row, actor):
    disconnect_account(row, actor, now=NOON)


def reconnect_same_account(row, actor):
    reconnect(row, "00D000000000001AAA")


def replace_account(row, actor):
    reconnect(row, "00D000000000002AAA")


def reconnect(row, account):
    row = Connection.unscoped.get(pk=row.pk)
    how = {"replaces": row.account != account, "random": lambda: 0.5, "now": NOON}
    reconnect_account(
        row, {}, {"access_token": "00Dby a person"}, ProbeResult(Account(account)), **how
    )


@pytest.mark.parametrize("ends", [disconnect, reconnect_same_account, replace_account])
def test_what_a_refresh_brings_after_a_person_ended_the_authorization_is_ended_too(
    connection, actor, ends
):
    def meanwhile(request):
        ends(connection, actor)
        return Response(200, json.dumps(ROTATED).encode())

    assert not reject_and_refresh(connection, FakeHttp(meanwhile))
    late = Revocation.unscoped.latest("pk")
    assert (late.open()["secret"]["refresh_token"], late.account) == (
        "5Aeprotated",
        "00D000000000001AAA",
    )
    assert "5Aeprotated" not in str(Credential.unscoped.get().open(connection))
    assert attempt_revocation(late, call=FakeHttp(Response(200)).call, clock=lambda: NOON)
    assert AuditRow.objects.get(verb="connection.revoke").after["revoked"] is True


def test_what_another_refresh_was_faster_with_lives_on(connection):
    def meanwhile(request):
        Credential.unscoped.update(version=F("version") + 1)
        return Response(200, json.dumps(ROTATED).encode())

    assert not reject_and_refresh(connection, FakeHttp(meanwhile))
    assert not Revocation.unscoped.exists()


def test_a_system_that_is_down_is_asked_again(slack, actor):
    disconnect_account(slack, actor, now=NOON)
    http = FakeHttp([DOWN, ENDED])
    assert not attempt_revocation(Revocation.unscoped.get(), call=http.call, clock=lambda: NOON)
    assert attempt_revocation(
        Revocation.unscoped.get(), call=http.call, clock=lambda: NOON
    )  # not due yet: nothing is done
    assert len(http.requests) == 1
    assert attempt_revocation(
        Revocation.unscoped.get(), call=http.call, clock=lambda: NOON + MINUTE
    )
    assert not Revocation.unscoped.exists()


def test_a_person_gets_a_notice_of_a_failed_revocation(slack, actor):
    disconnect_account(slack, actor, now=NOON)
    Revocation.unscoped.update(attempt_count=REVOCATION_ATTEMPTS_MAX - 1)
    assert attempt_revocation(
        Revocation.unscoped.get(), call=FakeHttp(DOWN).call, clock=lambda: NOON
    )
    assert not Revocation.unscoped.exists()
    assert "Remove our app there" in Notice.unscoped.get().sentence


def test_a_grant_that_another_tenant_lives_on_is_not_ended(make, slack, actor):
    make.connection(connector="slack", account="T1")
    disconnect_account(slack, actor, now=NOON)
    assert not Revocation.unscoped.exists()


def test_a_grant_of_ones_own_is_ended_though_another_tenant_has_the_account(make, actor):
    mine = make.connection(connector="salesforce", account="00D1")
    make.connection(connector="salesforce", account="00D1")
    disconnect_account(mine, actor, now=NOON)
    assert Revocation.unscoped.count() == 1


def test_what_was_filled_in_is_only_forgotten(make, actor):
    row = make.connection(connector="splunk")
    disconnect_account(row, actor, now=NOON)
    assert not Revocation.unscoped.exists() and Credential.unscoped.get().open(row) == {}


@pytest.mark.parametrize("state", ["paused", "needs_reconnect", "disabled", "degraded"])
def test_it_ends_from_every_state(make, actor, state):
    row = make.connection(connector="splunk", state=state)
    disconnect_account(row, actor, now=NOON)
    assert row.is_disconnected


def test_a_second_disconnect_revokes_nothing_again(slack, actor):
    disconnect_account(slack, actor, now=NOON)
    with pytest.raises(InvalidTransition):
        disconnect_account(slack, actor, now=NOON + MINUTE)
    assert Revocation.unscoped.count() == 1


def test_what_waits_is_cancelled_where_a_person_says_so(make, slack, actor):
    deliveries = [make.delivery(slack), make.delivery(slack)]
    disconnect_account(slack, actor, now=NOON)
    assert cancel_waiting_deliveries(slack, actor, now=NOON) == 2
    run_batch(Operation.unscoped.get().pk, now=NOON)
    for delivery in deliveries:
        delivery.refresh_from_db()
        assert delivery.state == "cancelled"


def test_nothing_that_waits_is_no_operation(slack, actor):
    assert cancel_waiting_deliveries(slack, actor, now=NOON) == 0
    assert not Operation.unscoped.exists()


def test_the_same_account_comes_back_with_its_history(browser, make, acme, actor):
    row = make.connection(acme, "slack", account="T0000ACME", name="Our Slack")
    delivery = make.delivery(row)
    disconnect_account(row, actor, now=clock())
    page = browser.connect_account("slack")
    assert page.context["plan"].kind == "revive" and "Our Slack" in page.content.decode()
    browser.submit(page)
    row.refresh_from_db()
    assert (row.state, count_connections(), Lane.unscoped.get().hold_reason) == ("healthy", 1, "")
    assert row.deliveries.get() == delivery
    assert row.credential.open(row)["access_token"] == "xoxb-acme-1"


def test_the_sandbox_ends_the_session(browser, outside, acme, actor):
    browser.submit(browser.connect_account("salesforce"))
    row = Connection.objects.of(acme).get()
    token = row.credential.open(row)["access_token"]
    disconnect_account(row, actor, now=clock())
    hear_revoke(f"revoke:{Revocation.unscoped.get().pk}")
    headers = {"Authorization": f"Bearer {token}"}
    assert outside.get("/services/data/v67.0/limits", headers=headers).status_code == 401


def test_a_second_disconnect_changes_nothing_of_the_first(slack, actor):
    stale = Connection.unscoped.get(pk=slack.pk)
    disconnect_account(slack, actor, reason="we move", now=NOON)
    with pytest.raises(InvalidTransition):
        disconnect_account(stale, actor, reason="again", keeps_events=False, now=NOON)
    slack.refresh_from_db()
    assert (slack.detail, slack.keeps_events, AuditRow.objects.count()) == ("we move", True, 1)


def test_a_disconnected_connection_is_not_resumed_by_who_saw_it_disabled(slack, actor):
    slack.disable("by_hand", now=NOON)
    stale = Connection.unscoped.get(pk=slack.pk)
    disconnect_account(slack, actor, now=NOON)
    with pytest.raises(InvalidTransition), transaction.atomic():
        stale.resume(now=NOON)
    slack.refresh_from_db()
    assert slack.is_disconnected
