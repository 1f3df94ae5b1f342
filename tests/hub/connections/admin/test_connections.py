"""Staff connect, test, pause and mend connections; what they fill in is tested first and never
shown again.
"""

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from connectors.http import Response
from hub import egress
from hub.audit import AuditRow
from hub.connections.models import Connection, Credential, Lane
from hub.egress import RequestNotSent
from hub.queue import WakeUp
from tests.factories import WHSEC
from tests.fakes import FakeHttp

pytestmark = pytest.mark.django_db

CANARY = "xoxb-canary-7d1f-never-shown"
SLACK_OK = Response(
    200, b'{"ok":true,"team_id":"T1","team":"Acme","user_id":"U1","url":"https://acme.slack.com/"}'
)
SLACK_NO = Response(200, b'{"ok":false,"error":"token_revoked"}')
ADD = reverse("admin:connections_connection_add")


@pytest.fixture
def world():
    """What the other systems answer to the admin; the way to the network is put back afterwards."""
    page = admin.site.get_model_admin(Connection)

    def answers(script):
        http = FakeHttp(script)
        page.call = http.call
        return http

    yield answers
    page.call = egress.send_request


@pytest.fixture
def acme(make):
    return make.tenant("acme")


def connect_slack(client, tenant, **fields):
    filled = {"tenant": tenant.pk, "name": "Slack", "access_token": CANARY, "reason": ""} | fields
    return client.post(f"{ADD}?connector=slack", filled, follow=True)


def run_row_action(client, connection, verb, **fields):
    url = reverse("admin:connections_connection_verb", args=[connection.pk, verb])
    return client.post(url, fields, follow=True)


def text(answer):
    return answer.content.decode()


def test_the_systems_are_offered_first(superuser):
    assert "Splunk" in text(superuser.get(ADD))


def test_what_passes_the_test_is_kept_sealed_with_the_account_that_answered(superuser, world, acme):
    http = world(SLACK_OK)
    connect_slack(superuser, acme)
    row = Connection.objects.of(acme).get()
    assert (row.state, row.account, row.account_name, row.connected_by.email) == (
        "healthy",
        "T1",
        "Acme",
        "robin@example.com",
    )
    assert row.credential.open(row)["access_token"] == CANARY
    assert http.requests[0].bearer == CANARY
    assert Lane.unscoped.get(connection=row).in_flight == row.connector.in_flight
    assert WakeUp.objects.filter(name="drain").exists()


def test_what_fails_the_test_is_not_kept_and_says_why(superuser, world, acme):
    world(SLACK_NO)
    page = text(connect_slack(superuser, acme))
    assert "The test failed" in page
    assert "token revoked" in page
    assert not Connection.unscoped.exists()


def test_staff_may_keep_it_all_the_same_and_say_why(superuser, world, acme):
    world(RequestNotSent("connect_failed", "slack.com"))
    assert "Enter the reason" in text(connect_slack(superuser, acme, anyway="on"))
    connect_slack(superuser, acme, anyway="on", reason="their firewall opens tonight")
    row = Connection.objects.of(acme).get()
    assert (row.state, row.reason) == ("degraded", "connect_failed")
    assert AuditRow.objects.get(verb="connection.connect").reason == "their firewall opens tonight"


def test_the_same_account_is_not_connected_twice(superuser, world, acme):
    world(SLACK_OK)
    connect_slack(superuser, acme)
    page = text(connect_slack(superuser, acme, name="Again"))
    assert "Slack T1 is connected for Acme as “Slack”" in page
    assert Connection.unscoped.count() == 1


@pytest.mark.parametrize(
    "url", ["http://example.com/", "https://127.0.0.1/", "https://user:pw@example.com/"]
)
def test_an_address_that_may_not_be_called_is_refused_with_a_sentence(superuser, world, acme, url):
    http = world(Response(204))
    page = text(
        superuser.post(f"{ADD}?connector=webhook", {"tenant": acme.pk, "name": "Hook", "url": url})
    )
    assert "ddress" in page
    assert (http.requests, Connection.unscoped.count()) == ([], 0)


def test_a_signing_secret_is_made_where_none_is_given_and_shown_once(superuser, world, acme):
    world(Response(204))
    filled = {"tenant": acme.pk, "name": "Hook", "url": "https://example.com/hook"}
    answer = superuser.post(f"{ADD}?connector=webhook", filled)
    row = Connection.objects.of(acme).get()
    secret = row.credential.open(row)["signing_secret"]
    assert secret in text(answer)
    assert "no-store" in answer.headers["Cache-Control"]
    assert secret not in text(
        superuser.get(reverse("admin:connections_connection_change", args=[row.pk]))
    )


def test_no_page_shows_a_secret(superuser, world, make):
    row = make.connection(
        connector="slack", secret={"access_token": CANARY, "refresh_token": CANARY}
    )
    app = make.app("salesforce", {"client_id": "an id", "client_secret": CANARY})
    world(SLACK_NO)
    pages = [
        superuser.get(reverse("admin:connections_connection_changelist")),
        superuser.get(reverse("admin:connections_connection_change", args=[row.pk])),
        superuser.get(reverse("admin:connections_connection_verb", args=[row.pk, "credential"])),
        superuser.get(reverse("admin:connections_connection_history", args=[row.pk])),
        superuser.get(reverse("admin:connections_connectorapp_change", args=[app.pk])),
        superuser.get(reverse("admin:hub_auditrow_changelist")),
        run_row_action(superuser, row, "test"),
        run_row_action(superuser, row, "credential", access_token=CANARY, reason=""),
        connect_slack(superuser, make.tenant()),
    ]
    assert all(page.status_code == 200 for page in pages)
    assert not any(CANARY in text(page) for page in pages)
    assert CANARY not in str(list(AuditRow.objects.values()))


def test_an_empty_secret_keeps_what_is_stored_and_a_new_one_replaces_it(superuser, world, make):
    row = make.connection(
        connector="slack", account="T1", state="needs_reconnect", reason="token_revoked"
    )
    http = world(SLACK_OK)
    run_row_action(superuser, row, "credential", reason="")
    run_row_action(superuser, row, "credential", access_token="xoxb-new", reason="")
    row.refresh_from_db()
    assert [request.bearer for request in http.requests] == ["xoxb-test-token", "xoxb-new"]
    assert (row.state, Credential.unscoped.get().open(row)["access_token"]) == (
        "healthy",
        "xoxb-new",
    )


def test_another_account_is_not_taken_for_the_same(superuser, world, make):
    row = make.connection(connector="slack", account="T2")
    world(SLACK_OK)
    assert "This is the account T1" in text(
        run_row_action(superuser, row, "credential", access_token="xoxb-new", reason="")
    )
    assert Credential.unscoped.get().open(row)["access_token"] == "xoxb-test-token"


def test_an_optional_secret_can_be_forgotten(superuser, world, make):
    row = make.connection(
        secret={"signing_secret": WHSEC, "headers": '{"X-Team": "a"}'}, account=""
    )
    world(Response(204))
    run_row_action(
        superuser, row, "credential", url="https://example.com/hook", forget_headers="on", reason=""
    )
    assert Credential.unscoped.get().open(row) == {"signing_secret": WHSEC}


def test_a_test_heals_what_works_and_reports_what_does_not(superuser, world, make):
    row = make.connection(connector="slack", state="degraded", reason="connect_failed")
    world([SLACK_OK, SLACK_NO])
    assert "The test passed: Acme" in text(run_row_action(superuser, row, "test"))
    row.refresh_from_db()
    assert row.state == "healthy"
    assert "The test failed" in text(run_row_action(superuser, row, "test"))
    row.refresh_from_db()
    assert row.state == "needs_reconnect"


def test_pause_and_resume_move_the_connection_and_are_audited(superuser, make):
    row = make.connection()
    run_row_action(superuser, row, "pause", reason="they move servers", length="4")
    row.refresh_from_db()
    assert (row.state, row.detail, row.paused_until is None, row.lane.hold_reason) == (
        "paused",
        "they move servers",
        False,
        "paused",
    )
    run_row_action(superuser, row, "resume")
    row.refresh_from_db()
    assert (row.state, Lane.unscoped.get(connection=row).hold_reason) == ("healthy", "")
    acts = (
        AuditRow.objects.exclude(verb="connection.look")
        .order_by("id")
        .values_list("verb", "reason", "tenant_reference")
    )
    assert list(acts) == [
        ("connection.pause", "they move servers", row.tenant.reference),
        ("connection.resume", "", row.tenant.reference),
    ]


def test_what_is_not_possible_now_is_declined_in_words(superuser, make):
    row = make.connection()
    assert "not possible in the current state" in text(run_row_action(superuser, row, "resume"))
    assert not AuditRow.objects.exclude(verb="connection.look").exists()


def test_a_verb_without_the_token_of_the_form_is_refused(make):
    client, row = Client(enforce_csrf_checks=True), make.connection()
    client.force_login(make.staff(is_superuser=True))
    assert (
        client.post(
            reverse("admin:connections_connection_verb", args=[row.pk, "disable"])
        ).status_code
        == 403
    )


def test_staff_disconnect_and_the_connection_is_not_enabled_without_a_credential(superuser, make):
    row = make.connection(connector="splunk")
    make.delivery(row, action="send_event", body={"event": "'x'"})
    run_row_action(superuser, row, "disconnect", what_waits="cancel", reason="they left")
    row.refresh_from_db()
    assert (
        row.is_disconnected
        and AuditRow.objects.get(verb="connection.disconnect").reason == "they left"
    )
    run_row_action(superuser, row, "enable")
    row.refresh_from_db()
    assert row.is_disconnected


def test_staff_give_a_reason_before_they_disconnect(superuser, make):
    row = make.connection()
    page = run_row_action(superuser, row, "disconnect", what_waits="hold", reason="")
    assert "This field is required." in page.content.decode()
    row.refresh_from_db()
    assert not row.is_disconnected


def test_a_disconnected_connection_comes_back_with_a_credential_that_passes(superuser, make, world):
    row = make.connection(connector="slack", account="T1")
    run_row_action(superuser, row, "disconnect", what_waits="hold", reason="a mistake")
    world(SLACK_OK)
    run_row_action(superuser, row, "credential", access_token=CANARY, reason="")
    row.refresh_from_db()
    assert row.state == "healthy"
