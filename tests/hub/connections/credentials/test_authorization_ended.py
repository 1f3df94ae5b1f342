"""A passed test does not resolve an authorization that has ended."""

import pytest

from connectors.http import Response
from hub.connections.credentials import account_probe
from hub.connections.models import Connection
from tests.factories import MINUTE, NOON
from tests.fakes import FakeHttp
from tests.hub.connections.token_refresh import (
    DUE,
    ENDED,
    RENEWED,
    SESSION_ENDED,
    connection,
    run_refresh,
    scheduled,
)

pytestmark = pytest.mark.django_db
__all__ = ["connection", "scheduled"]  # the fixtures

ORGANIZATION = Response(200, b'{"done":true,"records":[{"Id":"00D000000000001AAA","Name":"Acme"}]}')


def perform_test(row, answer=ORGANIZATION, at=DUE + MINUTE):
    row = Connection.unscoped.select_related("credential").get(pk=row.pk)
    finding = account_probe.probe_and_update_state(row, call=FakeHttp(answer).call, now=at)
    row.refresh_from_db()
    return finding.passed, row.state, row.reason


def test_an_ended_grant_stays_ended_and_sends_no_notice_of_recovery(scheduled):
    run_refresh(scheduled, FakeHttp(ENDED), at=DUE)
    assert perform_test(scheduled) == (True, "needs_reconnect", "invalid_grant")
    assert [notice.kind for notice in scheduled.notices.all()] == ["needs_reconnect"]


def test_a_failed_refresh_is_healed_by_a_refresh_only(scheduled):
    scheduled.mark_degraded("refresh_failing", now=NOON)
    assert perform_test(scheduled) == (True, "degraded", "refresh_failing")
    assert run_refresh(scheduled, FakeHttp(RENEWED), at=DUE)
    scheduled.refresh_from_db()
    assert scheduled.state == "healthy"


def test_a_token_that_was_refused_and_is_taken_again_is_mended_by_a_test(connection):
    connection.mark_needs_reconnect(
        "refused_after_refresh", now=NOON
    )  # by a release before this one
    assert perform_test(connection, SESSION_ENDED)[1:] == (
        "needs_reconnect",
        "refused_after_refresh",
    )
    assert perform_test(connection) == (True, "healthy", "")


def test_so_is_what_no_refresh_was_asked_about(connection):
    connection.mark_needs_reconnect("token_revoked", now=NOON)
    assert perform_test(connection) == (True, "healthy", "")
