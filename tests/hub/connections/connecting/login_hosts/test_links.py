"""Login hosts in connect links: chosen by a guest, or by who makes the link."""

import pytest
from django.urls import reverse

from connectors.schema import LOGIN_HOST
from hub.audit import AuditRow
from hub.connections.models import Authorization, Connection, ConnectLink, ConnectorApp
from tests.connectors.hostile_hosts import HOSTILE_HOSTS
from tests.hub.connections.connecting.login_hosts.organisations import (
    ACME,
    OWN,
    TYPED,
    UAT,
    connect_organisation,
)

pytestmark = pytest.mark.django_db


def test_a_guest_chooses_the_host_at_the_link(guest, make, acme):
    link = make.connect_link(acme, "salesforce")
    assert b'name="login_host"' in guest.client.get(f"/connect/link/{link.token}/").content
    away = guest.client.post(f"/connect/link/{link.token}/", OWN).context["url"]
    guest.submit(guest.follow_callback(guest.allow(away)))
    assert Connection.unscoped.get().settings["login_host"] == ACME


def test_a_guest_is_sent_to_no_other_host(guest, make, acme):
    link = make.connect_link(acme, "salesforce")
    for host in HOSTILE_HOSTS:
        page = guest.client.post(
            f"/connect/link/{link.token}/", {"environment": "login_host", "login_host": host}
        )
        assert (host, page.status_code, "url" in page.context) == (host, 422, False)
    assert not Authorization.unscoped.exists()


def test_a_guest_whose_host_was_refused_goes_on_from_that_page(guest, make, acme):
    link = make.connect_link(acme, "salesforce")
    wrong = guest.client.post(
        f"/connect/link/{link.token}/", {"environment": "login_host", "login_host": "acme"}
    )
    assert reverse("connections:link_start") in wrong.content.decode()
    away = guest.client.post(reverse("connections:link_start"), OWN).context["url"]
    assert f"/salesforce/{ACME}/" in away


def test_a_guest_who_connects_again_is_offered_the_host_that_there_is(browser, guest, make, acme):
    link = make.connect_link(acme, "salesforce", connection=connect_organisation(browser))
    page = guest.client.get(f"/connect/link/{link.token}/")
    assert page.context["chosen"] == "login_host" and f'value="{ACME}"' in page.content.decode()


def test_a_link_says_the_host_and_asks_the_guest_no_more(guest, make, acme):
    link = make.connect_link(acme, "salesforce", login_host=UAT)
    page = guest.client.get(f"/connect/link/{link.token}/").content.decode()
    assert f"Login host: <strong>{UAT}</strong>" in page and 'name="login_host"' not in page
    away = guest.client.post(f"/connect/link/{link.token}/", OWN).context["url"]
    assert f"/salesforce/{UAT}/" in away
    guest.submit(guest.follow_callback(guest.allow(away)))
    assert Connection.unscoped.get().settings["login_host"] == UAT


def test_a_link_whose_host_is_no_longer_allowed_redirects_to_none(guest, make, acme):
    link, app = (
        make.connect_link(acme, "salesforce", login_host=UAT),
        ConnectorApp.objects.get(connector_key="salesforce"),
    )
    app.urls |= {"domain_login": f"https://{LOGIN_HOST}.evil.example"}
    app.save()
    page = guest.client.post(f"/connect/link/{link.token}/", {"environment": "production"})
    assert page.status_code == 422 and b'name="environment"' not in page.content
    assert not Authorization.unscoped.exists()


def test_a_link_of_the_environment_that_a_connection_has_keeps_its_host(browser, make, acme):
    row = connect_organisation(browser)
    assert (
        make.connect_link(acme, "salesforce", connection=row, environment="production").login_host
        == ACME
    )
    assert (
        make.connect_link(acme, "salesforce", connection=row, environment="sandbox").login_host
        == ""
    )
    assert make.connect_link(acme, "salesforce", environment="production").login_host == ""


def test_an_admin_names_the_host_in_a_link(browser, acme):
    browser.client.post("/t/acme/links/", {"connector": "salesforce", "login_host": UAT})
    row = ConnectLink.unscoped.get()
    assert (row.environment, row.login_host) == ("sandbox", UAT)
    assert AuditRow.objects.get(verb="connect_link.create").after["login_host"] == UAT


def test_an_admin_makes_no_link_to_another_host(browser, acme):
    for host in TYPED:
        page = browser.client.post(
            "/t/acme/links/", {"connector": "salesforce", "login_host": host}
        )
        assert (host, list(page.context["form"].errors)) == (host, ["login_host"])
    assert not ConnectLink.unscoped.exists()


def test_staff_name_the_host_in_a_link(client, make, acme):
    client.force_login(make.staff(is_superuser=True))
    page, data = (
        reverse("admin:connections_connectlink_add"),
        {"tenant": acme.pk, "connector": "salesforce"},
    )
    wrong = client.post(page, data | {"login_host": "evil.example"})
    assert (
        wrong.context["form"].errors.keys() == {"login_host"} and not ConnectLink.unscoped.exists()
    )
    client.post(page, data | {"login_host": ACME})
    assert ConnectLink.unscoped.get().login_host == ACME
