"""A disconnect revokes the tokens, and says so if it cannot confirm that."""

import os

import pytest

from connectors.http import Response
from hub.audit import Actor, ActorContext, AuditRow
from hub.connections.actions.disconnection import disconnect_account
from hub.connections.credentials.revoke import REVOCATION_ATTEMPTS_MAX, attempt_revocation
from hub.connections.models import Connection, CredentialEvent, Revocation
from hub.connections.tasks import run_revocation as hear_revoke
from hub.db.clock import clock
from hub.notices.models import Notice
from hub.processes import pool_pipe
from hub.throttle.models import QuotaState
from tests.factories import MINUTE, NOON
from tests.fakes import FakeHttp
from tests.hub.incoming.registration.slow_system import (
    SlowSystem,
    run_revocation_once,
    run_to_the_end,
)
from tests.sandbox.oauth_requests import call_slack, request_slack_token

pytestmark = pytest.mark.django_db

ROTATING = {"team": "T0000ACME", "refresh_token": "xoxe-1-acme", "expires_in": 43200}
SOMEBODY = ActorContext(Actor("user", "1", "Robin"), is_unrestricted=False)
EXPIRED = Response(200, b'{"ok":false,"error":"token_expired"}')
RENEWED = Response(
    200,
    b'{"ok":true,"access_token":"xoxe.xoxb-1-new","refresh_token":"xoxe-1-new","expires_in":43200,'
    b'"token_type":"bot","team":{"id":"T1","name":"Acme"},"is_enterprise_install":false}',
)
ENDED = Response(200, b'{"ok":true}')


@pytest.fixture
def rotating(make):
    make.app("slack", {"client_id": "id", "client_secret": "a client secret"})
    secret = {"access_token": "xoxe.xoxb-1-old", "refresh_token": "xoxe-1-old"}
    row = make.connection(connector="slack", account="T1", secret=secret)
    disconnect_account(row, SOMEBODY, now=NOON)
    return row


def attempt_revocation_once(http, at=NOON):
    return attempt_revocation(Revocation.unscoped.get(), call=http.call, clock=lambda: at)


def revoke_until_over():
    """The bell, rung until it is over: a second call of apps.uninstall within a minute is one too
    many.
    """
    while row := Revocation.unscoped.first():
        Revocation.unscoped.update(due_at=clock())
        QuotaState.objects.all().delete()
        hear_revoke(f"revoke:{row.pk}")
        assert row.attempt_count < 3


def read_audited_result():
    return AuditRow.objects.get(verb="connection.revoke").after["revoked"]


def list_event_kinds(row):
    return [event.kind for event in CredentialEvent.unscoped.filter(connection=row).order_by("id")][
        1:
    ]


@pytest.mark.parametrize("expired", [False, True])
def test_nothing_of_slack_lives_on_after_a_disconnect_that_says_so(browser, outside, expired):
    outside.world(slack=[ROTATING])
    browser.submit(browser.connect_account("slack"))
    row = Connection.unscoped.get()
    kept = row.credential.open(row)
    if expired:
        outside.post(
            "/_control/tokens", json={"system": "slack", "account": "T0000ACME", "do": "expire"}
        )
    disconnect_account(row, SOMEBODY, now=clock())
    revoke_until_over()
    assert read_audited_result() is True
    assert not request_slack_token(
        outside, grant_type="refresh_token", refresh_token=kept["refresh_token"]
    )["ok"]
    assert not call_slack(outside, kept["access_token"])["ok"]


def test_the_pool_hears_before_each_call_of_a_revocation_that_its_task_works(
    browser, outside, monkeypatch
):
    """Three slow calls in silence would make it seem hung."""
    outside.world(slack=[ROTATING])
    browser.submit(browser.connect_account("slack"))
    outside.post(
        "/_control/tokens", json={"system": "slack", "account": "T0000ACME", "do": "expire"}
    )
    disconnect_account(Connection.unscoped.get(), SOMEBODY, now=clock())
    pipe = pool_pipe.open_pipe()
    monkeypatch.setenv(pool_pipe.DESCRIPTORS_ENV, pipe.name)
    hear_revoke(f"revoke:{Revocation.unscoped.get().pk}")
    signs = len(os.read(pipe.heartbeat_descriptor, 100))
    pipe.close()
    assert signs >= 3  # of the bell, of apps.uninstall, and of the refresh


def test_an_access_token_that_has_expired_is_renewed_first(rotating):
    http = FakeHttp([EXPIRED, RENEWED, ENDED])
    assert not attempt_revocation_once(http)
    assert attempt_revocation_once(http, at=NOON + 2 * MINUTE)
    assert [request.bearer for request in http.requests] == [
        "xoxe.xoxb-1-old",
        "",
        "xoxe.xoxb-1-new",
    ]
    assert read_audited_result() is True and list_event_kinds(rotating) == ["given_back"]


def test_tokens_that_came_meanwhile_are_kept_for_the_next_try(rotating):
    assert not attempt_revocation_once(FakeHttp([EXPIRED, RENEWED]))
    assert Revocation.unscoped.get().open()["secret"]["refresh_token"] == "xoxe-1-new"
    http = FakeHttp(ENDED)
    assert (
        attempt_revocation_once(http, at=NOON + 2 * MINUTE)
        and http.requests[0].bearer == "xoxe.xoxb-1-new"
    )


def test_a_refresh_token_that_no_longer_works_needs_no_end(rotating):
    assert attempt_revocation_once(
        FakeHttp([EXPIRED, Response(200, b'{"ok":false,"error":"invalid_refresh_token"}')])
    )
    assert read_audited_result() is True


@pytest.mark.parametrize(
    "answers",
    [
        [Response(200, b'{"ok":false,"error":"client_id_token_mismatch"}')],
        [EXPIRED, Response(200, b'{"ok":false,"error":"bad_client_secret"}')],
        [EXPIRED, Response(200, RENEWED.body.replace(b'"T1"', b'"T2"'))],
    ],
)
def test_what_may_live_on_is_called_not_revoked(rotating, answers):
    Revocation.unscoped.update(attempt_count=REVOCATION_ATTEMPTS_MAX - 1)
    assert attempt_revocation_once(FakeHttp(answers))
    assert read_audited_result() is False and list_event_kinds(rotating) == ["not_given_back"]
    assert "Remove our app there" in Notice.unscoped.get(kind="not_revoked").sentence


@pytest.mark.corrections(item="2.8")
@pytest.mark.parametrize("last", [ENDED, EXPIRED])
def test_an_expired_token_is_refreshed_once_also_if_each_call_uses_up_a_time_slice(rotating, last):
    slow = SlowSystem(FakeHttp([EXPIRED, RENEWED, last]).call, 61)  # the quota: one a minute
    run_to_the_end(run_revocation_once, slow)
    assert len(slow.requests) == len(slow.slices) == 3
    if last is ENDED:
        assert read_audited_result() is True and not Revocation.unscoped.exists()
    else:
        assert Revocation.unscoped.get().attempt_count == 1
