"""A test of a stored credential changes the state only while that credential is stored."""

from datetime import timedelta

import pytest
from django.utils import translation

from connectors.http import Response
from hub.audit import Actor, ActorContext
from hub.connections.actions import connection_actions
from hub.connections.credentials.liveness import check_liveness
from hub.connections.credentials.probe_checklist import describe_failed_probe
from hub.connections.credentials.provider_call import PROVIDER_CALL_BUDGET, PROVIDER_CALLS_MAX
from hub.connections.credentials.signing_secrets import rewrite_credential
from hub.connections.models import Connection, Lane
from tests.factories import NOON
from tests.fakes import FakeHttp

pytestmark = pytest.mark.django_db

HAND = ActorContext(Actor("user", "1", "olga@example.com"), request_id="r-1")
PASSED = Response(
    200, b'{"ok":true,"team_id":"T1","team":"Acme","user_id":"U1","url":"https://acme.slack.com/"}'
)
REVOKED = Response(200, b'{"ok":false,"error":"token_revoked"}')


@pytest.fixture
def slack(make):
    """A connection whose liveness check is due."""
    row = make.connection(connector="slack", account="T1", check_at=NOON)
    Lane.unscoped.update(virtual_time=NOON - timedelta(hours=9))
    return Connection.unscoped.get(pk=row.pk)


def change_during_test(change, answer):
    def respond(request):
        change(Connection.unscoped.get())
        return answer

    return FakeHttp(respond).call


def perform_test(connection, call):
    return connection_actions.perform_connection_test(connection, HAND, call=call, now=NOON)


def perform_check(connection, call):
    return check_liveness(connection, call=call, now=NOON, random=lambda: 0.5)


def replace_credential(connection):
    rewrite_credential(connection, lambda document: {"access_token": "xoxb-new"}, now=NOON)


both = pytest.mark.parametrize("perform", [perform_test, perform_check])


@both
def test_the_refusal_of_a_replaced_token_does_not_stop_the_new_one(slack, perform):
    result = perform(slack, change_during_test(replace_credential, REVOKED))
    assert result.kind == "reconnect"
    assert Connection.unscoped.get().state == "healthy"


@both
def test_the_success_of_a_replaced_token_does_not_heal_the_new_one(slack, perform):
    slack.mark_degraded("calls_failing", "500", now=NOON)
    assert perform(slack, change_during_test(replace_credential, PASSED)).passed
    assert Connection.unscoped.get().state == "degraded"


@both
def test_a_passing_test_does_not_prove_the_webhooks_of_a_silent_connection(slack, perform):
    slack.mark_silent("source_silent", now=NOON)
    assert perform(slack, FakeHttp(PASSED).call).passed
    assert Connection.unscoped.get().state == "silent"


@both
def test_a_state_that_changed_during_the_test_is_no_error(slack, perform):
    slack.mark_degraded("silent", "", now=NOON)
    result = perform(
        slack,
        change_during_test(lambda row: row.pause("stocktaking", until=None, now=NOON), PASSED),
    )
    assert result.passed and Connection.unscoped.get().state == "paused"


def test_a_refused_token_stops_a_connection_that_was_degraded_during_the_test(slack):
    perform_test(
        slack,
        change_during_test(lambda row: row.mark_degraded("calls_failing", "", now=NOON), REVOKED),
    )
    assert Connection.unscoped.get().state == "needs_reconnect"


def test_that_there_is_no_room_is_stored_in_english_and_shown_in_the_readers_language(slack):
    room = PROVIDER_CALL_BUDGET.acquire_for_block(PROVIDER_CALLS_MAX)
    with translation.override("de"), room:
        result = perform_test(slack, FakeHttp(PASSED).call)
        assert result.detail.startswith("Too many external systems are being called")
        assert describe_failed_probe(result).startswith("Gerade werden zu viele")
