"""A reconnect revokes the older grant, if that leaves the new one valid."""

import pytest

from connectors.http import Response
from hub import egress
from hub.audit import SYSTEM, ActorContext, AuditRow
from hub.connections.actions.disconnection import disconnect_account
from hub.connections.credentials.revocation_schedule import revoke_superseded_grant
from hub.connections.credentials.revoke import REVOCATION_ATTEMPTS_MAX, attempt_revocation
from hub.connections.models import Connection, Credential, Revocation
from hub.crypto.sealed import seal
from hub.db.clock import clock
from hub.notices.models import Notice
from tests.factories import NOON
from tests.fakes import FakeHttp

pytestmark = pytest.mark.django_db

ACME = "00D000000000001EAA"


def connect_account(browser, connector, **fields):
    browser.submit(browser.connect_account(connector, **fields))
    return Connection.unscoped.get()


def secret_of(row):
    return Credential.unscoped.get(connection=row).open(row)


def list_valid_tokens(desk, system, kind):
    listed = desk.get("/_control/tokens").json()["tokens"]
    return {
        row["token"]
        for row in listed
        if (row["system"], row["kind"], row["state"]) == (system, kind, "alive")
    }


def fail_call(request):
    raise AssertionError(request.url)


def test_the_older_of_two_grants_is_ended_after_the_new_one_is_stored(browser, outside):
    row = connect_account(browser, "salesforce")
    old = secret_of(row)
    connect_account(browser, "salesforce", connection=str(row.public_id))
    new, (waiting,) = secret_of(row), Revocation.unscoped.all()
    assert new["refresh_token"] != old["refresh_token"]
    assert waiting.open()["secret"] == old and old["refresh_token"] in list_valid_tokens(
        outside, "salesforce", "refresh"
    )
    assert attempt_revocation(waiting, call=egress.send_request, clock=clock)
    valid_tokens = list_valid_tokens(outside, "salesforce", "refresh")
    assert new["refresh_token"] in valid_tokens and old["refresh_token"] not in valid_tokens
    assert new["access_token"] in list_valid_tokens(outside, "salesforce", "access")


def test_so_it_is_where_the_same_account_is_connected_once_more(browser, outside):
    old = secret_of(connect_account(browser, "salesforce"))
    connect_account(browser, "salesforce")
    assert Revocation.unscoped.get().open()["secret"] == old


def test_the_other_approvals_of_an_organisation_are_left_alone(browser, outside):
    """Five approvals live at most: without this, connecting again and again would end somebody
    else's.
    """
    first = list_valid_tokens(outside, "salesforce", "refresh")
    for _ in range(7):
        connect_account(browser, "salesforce")
        for row in Revocation.unscoped.all():
            attempt_revocation(row, call=egress.send_request, clock=clock)
    assert first < list_valid_tokens(outside, "salesforce", "refresh")


@pytest.mark.parametrize("connector", ["slack", "salesforce"])
def test_the_same_token_again_is_not_ended(make, connector):
    row = make.connection(connector=connector, account="A1")
    same = {"access_token": "new", "refresh_token": "the same"}
    revoke_superseded_grant(
        row, {"access_token": "old", "refresh_token": "the same"}, same, settings={}, now=NOON
    )
    assert not Revocation.unscoped.exists()


@pytest.mark.parametrize("connector", ["slack", "pipedrive"])
def test_a_grant_that_would_end_the_new_one_with_it_is_not_ended(make, connector):
    """Slack has one bot token for each install; Pipedrive takes a revoked refresh token as an
    uninstall.
    """
    row = make.connection(connector=connector, account="A1", secret={"access_token": "new"})
    revoke_superseded_grant(
        row, {"access_token": "old"}, {"access_token": "new"}, settings={}, now=NOON
    )
    assert not Revocation.unscoped.exists()


def test_slack_goes_on_after_it_was_connected_again(browser, outside):
    row = connect_account(browser, "slack")
    connect_account(browser, "slack", connection=str(row.public_id))
    assert not Revocation.unscoped.exists()
    assert secret_of(row)["access_token"] in list_valid_tokens(outside, "slack", "bot")


# --- a revocation that is still waiting when the account comes back ---


@pytest.mark.parametrize("connector", ["slack", "pipedrive"])
def test_what_was_disconnected_and_lives_again_is_not_ended_late(make, connector):
    make.app(connector, {"client_id": "id", "client_secret": "a client secret"})
    row = make.connection(connector=connector, account="A1", secret={"access_token": "old"})
    disconnect_account(row, ActorContext(SYSTEM), now=NOON)
    row.mark_healthy(now=NOON)
    assert attempt_revocation(Revocation.unscoped.get(), call=fail_call, clock=lambda: NOON)
    assert not Revocation.unscoped.exists() and not Notice.unscoped.exists()
    audit_row = AuditRow.objects.get(verb="connection.revoke")
    assert (audit_row.reason, audit_row.after["revoked"]) == ("needed_again", False)


def test_a_token_that_was_given_once_more_meanwhile_is_not_ended(make):
    row = make.connection(
        connector="salesforce", account=ACME, secret={"access_token": "a", "refresh_token": "r1"}
    )
    revoke_superseded_grant(
        row,
        {"access_token": "b", "refresh_token": "r0"},
        {"access_token": "a"},
        settings={},
        now=NOON,
    )
    again = seal({"access_token": "c", "refresh_token": "r0"}, Credential.binding(row))
    Credential.unscoped.update(sealed=again)
    assert attempt_revocation(Revocation.unscoped.get(), call=fail_call, clock=lambda: NOON)
    assert AuditRow.objects.get(verb="connection.revoke").reason == "needed_again"


def test_a_failed_revocation_sends_no_notice_as_removing_the_app_would_end_the_new_grant(make):
    make.app("salesforce", {"client_id": "id", "client_secret": "a client secret"})
    row = make.connection(connector="salesforce", account=ACME)
    revoke_superseded_grant(
        row,
        {"access_token": "old", "refresh_token": "r0"},
        {"access_token": "new"},
        settings={},
        now=NOON,
    )
    Revocation.unscoped.update(attempt_count=REVOCATION_ATTEMPTS_MAX - 1)
    assert attempt_revocation(
        Revocation.unscoped.get(), call=FakeHttp(Response(503)).call, clock=lambda: NOON
    )
    assert not Notice.unscoped.exists() and not Revocation.unscoped.exists()
    row.refresh_from_db()
    assert row.state == "healthy"
