"""Pipedrive's marketplace: people who install there come without a state, and an uninstall comes by
DELETE.
"""

import base64
import json

import pytest

from hub.audit import AuditRow
from hub.connections.models import Connection, Credential, CredentialEvent
from hub.connections.tasks import run_refresh as hear_refresh
from hub.queue import WakeUp
from tests.hub.connections.browsers import (
    CLIENTS,
    count_connections,
    get_newest_authorization,
    get_problem_code,
    query_of,
)

pytestmark = pytest.mark.django_db

CALLBACK = "/connect/pipedrive/callback"
TOLD = {
    "client_id": "hub.pipedrive",
    "company_id": 701,
    "user_id": 31,
    "timestamp": "2026-11-27T12:00:00Z",
}


@pytest.fixture
def connected(browser):
    browser.submit(browser.connect_account("pipedrive"))
    WakeUp.objects.all().delete()
    return Connection.unscoped.get()


def basic(secret=CLIENTS["pipedrive"]["client_secret"]):
    return "Basic " + base64.b64encode(f"hub.pipedrive:{secret}".encode()).decode()


def post_uninstall(client, body=TOLD, authorization=None, at=CALLBACK):
    client.handler.enforce_csrf_checks = True
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"Authorization": basic() if authorization is None else authorization}
    return client.delete(at, raw, content_type="application/json", headers=headers).status_code


def test_an_uninstall_there_asks_whether_the_authorization_lives(client, outside, connected):
    outside.post(
        "/_control/tokens", json={"system": "pipedrive", "account": "701", "do": "uninstall"}
    )
    assert post_uninstall(client) == 204
    assert WakeUp.objects.filter(name=f"refresh:{connected.pk}").exists()
    hear_refresh(f"refresh:{connected.pk}")
    connected.refresh_from_db()
    assert (connected.state, connected.reason) == ("needs_reconnect", "invalid_grant")
    kinds = CredentialEvent.unscoped.order_by("id").values_list("kind", flat=True)
    assert list(kinds) == ["issued", "uninstalled", "ended"]
    assert AuditRow.objects.get(verb="connection.uninstall").tenant_reference == "acme"


def test_an_authorization_that_lives_all_the_same_stays(client, outside, connected):
    """Another user of that company removed it for themselves."""
    assert post_uninstall(client) == 204
    hear_refresh(f"refresh:{connected.pk}")
    connected.refresh_from_db()
    assert connected.state == "healthy"


@pytest.mark.parametrize(
    "authorization", ["", "Basic", basic("a guess"), basic() + "x", "Bearer x", "Basic \xff"]
)
def test_who_does_not_know_our_secret_tells_us_nothing(client, connected, authorization):
    before = Credential.unscoped.get().refresh_due_at
    assert post_uninstall(client, authorization=authorization) == 401
    assert Credential.unscoped.get().refresh_due_at == before
    assert not AuditRow.objects.filter(verb="connection.uninstall").exists()


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"null", b"{}", b"\xff", b"[" * 100_000, b'{"company_id":']
)
def test_a_call_that_cannot_be_read_is_refused(client, connected, body):
    assert post_uninstall(client, body) == 400


def test_a_company_without_a_connection_changes_nothing(client, connected):
    assert post_uninstall(client, TOLD | {"company_id": 999}) == 204
    assert not WakeUp.objects.exists()


@pytest.mark.parametrize("system", ["slack", "salesforce"])
def test_systems_that_tell_of_no_uninstall_are_not_believed(client, outside, system):
    assert post_uninstall(client, at=f"/connect/{system}/callback") == 401


def test_who_installs_at_the_marketplace_is_led_to_the_connect_button(browser):
    came = query_of(browser.allow(browser.get_consent_url("pipedrive")))
    page = browser.client.get(CALLBACK, {"code": came["code"]}, follow=True)
    assert get_problem_code(page) == "begun_at_marketplace" and count_connections() == 0
    assert "press Connect" in page.content.decode() and get_newest_authorization().state == "begun"


def test_no_other_system_has_such_a_way(browser):
    page = browser.client.get("/connect/slack/callback", {"code": "a code"}, follow=True)
    assert get_problem_code(page) == "state_missing"
