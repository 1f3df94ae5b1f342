"""What a program does about a connection by REST: test, pause, resume, disconnect, reconnect
link.
"""

from datetime import timedelta

import pytest
from django.test import Client

from connectors.http import Scope
from hub.audit import AuditRow
from hub.connections.models import Connection, Credential, Lane, Revocation
from hub.connections.quotas.scopes import build_scope_key
from hub.db.clock import clock
from hub.egress import RequestNotSent
from hub.operations.models import Operation
from hub.throttle.feedback import pause_scope
from tests.factories import MINUTE, NOON
from tests.hub.connections.api.rest import BAD_TOKEN, NO_DATA, connection_url, summarize_problem

pytestmark = pytest.mark.django_db


@pytest.fixture
def splunk(make, acme):
    return make.connection(acme, "splunk", account="")


def post(client, connection, verb, body=None):
    return client.post(connection_url(connection, verb), body, format="json")


def state_of(connection):
    return Connection.unscoped.get(pk=connection.pk).state


def get_only_audit_row():
    """The one act that the audit knows of."""
    row = AuditRow.objects.get()
    return row.verb, row.actor_kind, row.tenant_reference


# --- test -----------------------------------------------------------------------------------------


def test_a_test_that_passes_heals_and_is_audited(shop, splunk, set_system_answers):
    splunk.mark_degraded("status_500", now=NOON)
    set_system_answers(NO_DATA)
    answer = post(shop, splunk, "test").json()
    assert (answer["passed"], answer["connection"]["state"]) == (True, "healthy")
    assert {step["state"] for step in answer["steps"]} == {"passed"}
    assert get_only_audit_row() == ("connection.test", "api_key", "acme")


def test_a_test_that_fails_says_at_which_step(shop, splunk, set_system_answers):
    set_system_answers(RequestNotSent("dns_failed"))
    answer = post(shop, splunk, "test").json()
    assert (answer["passed"], answer["reason"]) == (False, "dns_failed")
    assert [step["state"] for step in answer["steps"]][3:] == ["failed", "open", "open"]


def test_a_refused_credential_needs_a_reconnect(shop, splunk, set_system_answers):
    set_system_answers(BAD_TOKEN)
    answer = post(shop, splunk, "test").json()
    assert answer["connection"]["state"] == state_of(splunk) == "needs_reconnect"
    assert answer["connection"]["action"]


def test_a_credential_that_does_not_open_is_reported_and_nothing_is_sent(
    make, shop, splunk, set_system_answers
):
    http = set_system_answers(NO_DATA)
    other = make.connection(connector="splunk")
    Credential.unscoped.filter(connection=splunk).update(sealed=other.credential.sealed)
    assert post(shop, splunk, "test").json()["reason"] == "credential_unreadable"
    assert http.requests == []


def test_a_quota_that_is_spent_fails_the_test_and_nothing_is_sent(shop, splunk, set_system_answers):
    http, now = set_system_answers(NO_DATA), clock()
    pause_scope(build_scope_key(splunk, Scope("connection")), until=now + MINUTE, now=now)
    assert post(shop, splunk, "test").json()["reason"] == "throttled"
    assert http.requests == [] and state_of(splunk) == "healthy"


def test_what_is_disconnected_is_not_tested(shop, splunk, set_system_answers):
    http = set_system_answers(NO_DATA)
    splunk.disable("disconnected", now=NOON)
    assert summarize_problem(post(shop, splunk, "test"))[:2] == (409, "wrong-state")
    assert http.requests == []


# --- pause and resume -----------------------------------------------------------------------------


def test_it_is_paused_with_reason_and_end_and_resumed(shop, splunk):
    until = (clock() + timedelta(hours=4)).isoformat()
    answer = post(shop, splunk, "pause", {"reason": "they move", "until": until}).json()
    assert (answer["state"], answer["detail"], answer["action"]) == (
        "paused",
        "they move",
        "Resume the connection.",
    )
    assert answer["until"] and get_only_audit_row() == ("connection.pause", "api_key", "acme")
    assert Lane.unscoped.get().hold_reason == "paused"
    assert post(shop, splunk, "resume").json()["state"] == "healthy"
    assert Lane.unscoped.get().hold_reason == ""


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/reason"),
        ({"reason": ""}, "/reason"),
        ({"reason": "x" * 301}, "/reason"),
        ({"reason": "x", "until": "2026-11-25T12:00:00"}, "/until"),
        ({"reason": "x", "until": "2001-01-01T00:00:00Z"}, "/until"),
        ({"reason": "x", "until": "2099-01-01T00:00:00Z"}, "/until"),
        ({"reason": "x", "for": "ever"}, "/for"),
    ],
)
def test_a_wrong_pause_is_named(shop, splunk, body, pointer):
    assert summarize_problem(post(shop, splunk, "pause", body)) == (
        400,
        "validation-failed",
        [pointer],
    )
    assert state_of(splunk) == "healthy"


def test_what_is_paused_is_not_paused_again(shop, splunk):
    post(shop, splunk, "pause", {"reason": "they move"})
    answer = post(shop, splunk, "pause", {"reason": "again"})
    assert summarize_problem(answer)[:2] == (409, "wrong-state")
    assert answer.json()["detail"] == "The connection is paused. Resume the connection."


@pytest.mark.parametrize("state", ["healthy", "degraded", "needs_reconnect"])
def test_what_does_not_stand_still_is_not_resumed(make, shop, acme, state):
    row = make.connection(acme, state=state)
    assert summarize_problem(post(shop, row, "resume"))[:2] == (409, "wrong-state")


def test_what_is_disconnected_is_not_resumed(shop, splunk):
    """There is no credential to resume it with."""
    post(shop, splunk, "disconnect")
    answer = post(shop, splunk, "resume")
    assert summarize_problem(answer)[:2] == (409, "wrong-state")
    assert "Connect the same account again." in answer.json()["detail"]
    assert state_of(splunk) == "disabled"


# --- disconnect -----------------------------------------------------------------------------------


def test_what_waits_is_held_where_nothing_is_said(make, shop, acme):
    slack = make.connection(acme, "slack")
    delivery = make.delivery(slack)
    answer = post(shop, slack, "disconnect").json()
    assert (answer["connection"]["reason"], answer["cancelling"], answer["detail"]) == (
        "disconnected",
        0,
        "",
    )
    assert Credential.unscoped.get().open(slack) == {} and Revocation.unscoped.count() == 1
    delivery.refresh_from_db()
    assert delivery.state == "waiting" and Lane.unscoped.get().hold_reason == "disconnected"
    assert get_only_audit_row() == ("connection.disconnect", "api_key", "acme")


def test_what_waits_is_cancelled_where_that_is_said(make, shop, splunk):
    make.delivery(splunk, action="send_event")
    answer = post(
        shop, splunk, "disconnect", {"what_waits": "cancel", "reason": "they left"}
    ).json()
    assert (answer["cancelling"], answer["connection"]["detail"]) == (1, "they left")
    assert Operation.unscoped.get().state == "running"
    later = make.event(splunk.tenant, type="order.created", id="later").deliveries.get()
    assert (later.state, later.reason) == ("skipped", "disconnected")


def test_more_than_may_be_cancelled_stays_held_and_is_reported(make, shop, splunk, settings):
    settings.HUB_OPERATION_ROWS_PER_HOUR = 0
    make.delivery(splunk, action="send_event")
    answer = post(shop, splunk, "disconnect", {"what_waits": "cancel"}).json()
    assert answer["cancelling"] == 0 and "may be worked on in an hour" in answer["detail"]
    assert answer["connection"]["reason"] == "disconnected"


def test_a_wrong_disconnect_is_named(shop, splunk):
    assert summarize_problem(post(shop, splunk, "disconnect", {"what_waits": "burn"}))[2] == [
        "/what_waits"
    ]
    assert state_of(splunk) == "healthy"


# --- reconnect link -------------------------------------------------------------------------------


def test_a_reconnect_link_is_a_connect_link_of_this_connection(shop, splunk):
    answer = post(shop, splunk, "reconnect-link")
    document = answer.json()
    assert (answer.status_code, document["connection"], document["state"]) == (
        201,
        str(splunk.public_id),
        "pending",
    )
    assert (
        splunk.name
        in Client().get(document["url"].removeprefix("https://hub.test")).content.decode()
    )


def test_a_guest_connects_it_again_by_that_link(shop, make, acme, guest, outside):
    row = make.connection(acme, "slack", account="T0000ACME")
    row.mark_needs_reconnect("token_revoked", now=clock())
    url = post(shop, row, "reconnect-link").json()["url"].removeprefix("https://hub.test")
    guest.submit(guest.follow_callback(guest.allow(guest.client.post(url).context["url"])))
    row.refresh_from_db()
    assert row.state == "healthy" and Client().get(url).status_code == 404


def test_another_account_is_refused_by_that_link(shop, make, acme, guest, outside):
    row = make.connection(acme, "slack", account="T000OTHER")
    url = post(shop, row, "reconnect-link").json()["url"].removeprefix("https://hub.test")
    page = guest.follow_callback(guest.allow(guest.client.post(url).context["url"]))
    guest.submit(page, "replace")
    row.refresh_from_db()
    assert page.context["plan"].kind == "refused" and row.account == "T000OTHER"


def test_the_platforms_own_has_no_page(make, api):
    assert summarize_problem(
        post(api.platform(), make.connection(connector="app"), "reconnect-link")
    )[:2] == (409, "wrong-state")


@pytest.mark.parametrize("verb", ["test", "pause", "resume", "disconnect", "reconnect-link"])
def test_a_key_that_only_reads_does_nothing(api, acme, splunk, verb):
    client = api.of(acme, scopes=["connections:read"])
    assert summarize_problem(post(client, splunk, verb, {"reason": "x"}))[:2] == (
        403,
        "scope-missing",
    )
    assert state_of(splunk) == "healthy"
