"""A login host of the customer's own is used for every later request, and kept on reconnect."""

import pytest

from hub import egress
from hub.audit import SYSTEM, ActorContext, AuditRow
from hub.connections.actions.disconnection import disconnect_account
from hub.connections.credentials.connector_context import build_credential
from hub.connections.credentials.refresh import refresh_access_token
from hub.connections.credentials.revoke import attempt_revocation
from hub.connections.models import Connection, ConnectorApp, Credential, Revocation
from hub.db.clock import clock
from tests.connectors.hostile_hosts import HOSTILE_HOSTS
from tests.hub.connections.connecting.login_hosts.organisations import (
    ACME,
    ORG,
    OWN,
    connect_organisation,
    list_called_hosts,
)
from tests.hub.connections.token_refresh import fail_on_sleep

pytestmark = pytest.mark.django_db


def refresh_token(row):
    Credential.unscoped.get().request_refresh(now=clock())
    row = Connection.unscoped.select_related("credential").get(pk=row.pk)
    return refresh_access_token(
        row, call=egress.send_request, now=clock(), random=lambda: 0.5, sleep=fail_on_sleep
    )


def test_it_is_refreshed_and_revoked_at_its_host(browser, own_hosts):
    row = connect_organisation(browser)
    assert refresh_token(row)
    row.refresh_from_db()
    assert row.settings["login_host"] == ACME
    disconnect_account(row, ActorContext(SYSTEM, is_unrestricted=True), now=clock())
    assert attempt_revocation(Revocation.unscoped.get(), call=egress.send_request, clock=clock)
    assert list_called_hosts(own_hosts) == [ACME, ACME, ACME]


def test_a_hostile_host_in_the_settings_is_never_asked(browser, own_hosts):
    row = connect_organisation(browser)
    row.settings |= {"login_host": "evil.example"}
    row.save(update_fields=["settings"])
    assert not refresh_token(
        row
    )  # this organisation signs nobody in at the common login, which is asked instead
    assert set(list_called_hosts(own_hosts)) == {ACME, "login"}


@pytest.mark.parametrize("host", HOSTILE_HOSTS)
def test_a_hostile_host_in_the_settings_is_no_base_url(own_hosts, host):
    app = ConnectorApp.objects.get(connector_key="salesforce")
    row = Connection(
        connector_key="salesforce", settings={"environment": "production", "login_host": host}
    )
    urls = build_credential(row, app, {}).urls
    assert (urls["login"], urls["token"]) == (app.urls["login"], app.urls["token"])


# --- connecting again ---


def test_connecting_again_offers_and_keeps_the_host(browser, own_hosts):
    row = connect_organisation(browser)
    page = browser.client.get(f"/t/acme/connections/{row.public_id}/reconnect/").content.decode()
    assert f'name="login_host" value="{ACME}"' in page and page.count(" checked") == 1
    again = {"connection": str(row.public_id)}
    browser.submit(
        browser.follow_callback(browser.allow(browser.get_consent_url("salesforce", **again)))
    )
    assert Connection.unscoped.get().settings["login_host"] == ACME
    assert refresh_token(row)
    assert list_called_hosts(own_hosts) == [ACME, ACME, ACME]


def test_connecting_again_changes_the_host_and_the_next_refresh_goes_there(browser, own_hosts):
    row = connect_organisation(browser)
    moved = "acme-teas.my.salesforce.com"
    own_hosts.world(salesforce=[{"org": ORG, "login_host": moved}])
    again = OWN | {"connection": str(row.public_id), "login_host": moved}
    browser.submit(browser.connect_account("salesforce", **again))
    assert Connection.unscoped.get().settings["login_host"] == moved
    assert refresh_token(row)
    assert list_called_hosts(own_hosts) == [ACME, moved, moved]


def test_connecting_again_at_the_common_login_forgets_the_host(browser, own_hosts):
    row = connect_organisation(browser)
    own_hosts.world(salesforce=[{"org": ORG, "login_host_only": False}])
    browser.submit(
        browser.connect_account(
            "salesforce", connection=str(row.public_id), environment="production"
        )
    )
    row.refresh_from_db()
    assert row.settings["login_host"] == "" and refresh_token(row)
    assert list_called_hosts(own_hosts) == [ACME, "login", "login"]


def test_the_page_of_the_connection_and_the_audit_show_the_host(browser):
    row = connect_organisation(browser)
    assert AuditRow.objects.get(verb="connection.connect").after["login_host"] == ACME
    assert ACME in browser.client.get(f"/t/acme/connections/{row.public_id}/").content.decode()
