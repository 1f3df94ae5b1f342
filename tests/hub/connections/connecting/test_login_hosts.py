"""A login host of the customer's own: chosen at each way in, kept, used for all that is asked, and
nothing else is.
"""

import pytest
from django.urls import reverse

from connectors.schema import LOGIN_HOST
from hub import egress
from hub.audit import SYSTEM, ActorContext, AuditRow
from hub.connections.actions.disconnection import disconnect_account
from hub.connections.credentials.connector_context import build_credential
from hub.connections.credentials.refresh import refresh_access_token
from hub.connections.credentials.revoke import attempt_revocation
from hub.connections.models import (
    Authorization,
    Connection,
    ConnectLink,
    ConnectorApp,
    Credential,
    Revocation,
)
from hub.db.clock import clock
from tests.connectors.hostile_hosts import HOSTILE_HOSTS
from tests.hub.connections.browsers import stored, under_way
from tests.hub.connections.refreshing import fail_on_sleep

pytestmark = pytest.mark.django_db

ORG, UAT_ORG = "00D000000000001EAA", "00D000000000003EAA"
ACME, UAT = "acme.my.salesforce.com", "acme--uat.sandbox.my.salesforce.com"
OWN = {"environment": "login_host", "login_host": ACME}
WIZARD = "/t/acme/connect/salesforce/"
TYPED = [
    host for host in HOSTILE_HOSTS if host.strip() not in ("", ACME)
]  # forms take white space away


@pytest.fixture(autouse=True)
def own_hosts(outside):
    """An organisation of Acme's and a sandbox of it, which let people sign in at their own hosts
    only.
    """
    app = {
        "client_id": "hub.salesforce",
        "client_secret": "salesforce-secret",
        "login_host_only": True,
    }
    uat = {"org": UAT_ORG, "name": "Acme UAT", "sandbox": True, "login_host": UAT}
    outside.world(salesforce=[{"org": ORG, "login_host": ACME} | app, uat | app])
    row, own = (
        ConnectorApp.objects.get(connector_key="salesforce"),
        f"{outside.url}/salesforce/{LOGIN_HOST}",
    )
    row.urls |= {"domain_login": own, "domain_token": f"{own}/services/oauth2/token"}
    row.save()
    return outside


def connected(browser, **said):
    browser.says(browser.connects("salesforce", **OWN | said))
    return Connection.unscoped.get()


def hosts_asked(desk):
    """Where tokens were asked for and revoked, in their order."""
    ends = ("oauth2/token", "oauth2/revoke")
    lines = [
        line
        for line in desk.ledger()
        if line["system"] == "salesforce" and line["path"].endswith(ends)
    ]
    return [line["path"].split("/")[2] for line in lines]


def refreshed(row):
    Credential.unscoped.get().request_refresh(now=clock())
    row = Connection.unscoped.select_related("credential").get(pk=row.pk)
    return refresh_access_token(
        row, call=egress.send_request, now=clock(), random=lambda: 0.5, sleep=fail_on_sleep
    )


def refusals(answer):
    return answer.status_code, [error["pointer"] for error in answer.json()["errors"]]


# --- the wizard ---


def test_the_wizard_offers_the_common_logins_and_a_login_host(browser):
    page = browser.client.get(WIZARD).content.decode()
    assert [
        f'name="environment" value="{key}"' in page
        for key in ("production", "sandbox", "login_host")
    ] == [True] * 3
    assert 'name="login_host" value=""' in page and "Our own login address (My Domain)" in page


def test_slack_has_no_login_hosts(browser):
    assert b'name="login_host"' not in browser.client.get("/t/acme/connect/slack/").content
    assert browser.begin("slack", **OWN).status_code == 422
    assert not Authorization.unscoped.exists()


@pytest.mark.parametrize(
    ("host", "environment", "org"), [(ACME, "production", ORG), (UAT, "sandbox", UAT_ORG)]
)
def test_an_organisation_is_connected_at_its_own_host_and_nowhere_else(
    browser, own_hosts, host, environment, org
):
    row = connected(browser, login_host=host)
    assert (row.account, row.state) == (org, "healthy")
    assert (row.settings["environment"], row.settings["login_host"]) == (environment, host)
    assert hosts_asked(own_hosts) == [host]


def test_a_host_is_read_without_case_and_without_blanks_around_it(browser):
    browser.sent_to("salesforce", environment="login_host", login_host="  ACME.My.Salesforce.com ")
    assert under_way().login_host == ACME


def test_a_host_that_is_typed_counts_where_its_choice_is_chosen(browser):
    assert "/salesforce/login/" in browser.sent_to(
        "salesforce", environment="production", login_host=ACME
    )
    assert under_way().login_host == ""


def test_the_wizard_sends_nobody_to_another_host(browser):
    for host in HOSTILE_HOSTS:
        page = browser.begin("salesforce", environment="login_host", login_host=host)
        assert (host, page.status_code, "url" in page.context) == (host, 422, False)
        assert b'aria-invalid="true"' in page.content and b'id="login_host-error"' in page.content
    assert not Authorization.unscoped.exists()


def test_what_was_typed_stays_on_the_page_that_refuses_it(browser):
    page = browser.begin(
        "salesforce",
        environment="login_host",
        login_host="https://acme.my.salesforce.com/",
        name="CRM",
    )
    html = page.content.decode()
    assert 'value="https://acme.my.salesforce.com/"' in html and 'name="name" value="CRM"' in html
    assert 'value="login_host"' in html and "such as acme.my.salesforce.com" in html


def test_the_confirm_page_says_the_login_host(browser):
    assert ACME in browser.connects("salesforce", **OWN).content.decode()


def test_an_attempt_that_was_not_finished_offers_its_host_again(browser):
    browser.begin("salesforce", **OWN)
    page = browser.client.get(WIZARD)
    assert (
        page.context["chosen"] == "login_host"
        and f'name="login_host" value="{ACME}"' in page.content.decode()
    )


def test_login_hosts_that_no_host_pattern_allows_are_not_offered(browser):
    app = ConnectorApp.objects.get(connector_key="salesforce")
    app.urls |= {"domain_login": f"https://{LOGIN_HOST}.evil.example"}
    app.save()
    assert b'name="login_host"' not in browser.client.get(WIZARD).content
    assert browser.begin("salesforce", **OWN).status_code == 422
    assert not Authorization.unscoped.exists()


def test_an_instance_elsewhere_is_refused_as_ever(browser, own_hosts):
    own_hosts.fault(
        "salesforce",
        changes={"instance_url": "https://evil.example"},
        path="/services/oauth2/token",
    )
    browser.connects("salesforce", **OWN)
    assert (Authorization.unscoped.get().reason, stored()) == ("host_refused", 0)


# --- what is asked of the account afterwards ---


def test_it_is_refreshed_and_revoked_at_its_host(browser, own_hosts):
    row = connected(browser)
    assert refreshed(row)
    row.refresh_from_db()
    assert row.settings["login_host"] == ACME
    disconnect_account(row, ActorContext(SYSTEM, unrestricted=True), now=clock())
    assert attempt_revocation(Revocation.unscoped.get(), call=egress.send_request, clock=clock)
    assert hosts_asked(own_hosts) == [ACME, ACME, ACME]


def test_a_hostile_host_in_the_settings_is_never_asked(browser, own_hosts):
    row = connected(browser)
    row.settings |= {"login_host": "evil.example"}
    row.save(update_fields=["settings"])
    assert not refreshed(
        row
    )  # this organisation signs nobody in at the common login, which is asked instead
    assert set(hosts_asked(own_hosts)) == {ACME, "login"}


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
    row = connected(browser)
    page = browser.client.get(f"/t/acme/connections/{row.public_id}/reconnect/").content.decode()
    assert f'name="login_host" value="{ACME}"' in page and page.count(" checked") == 1
    again = {"connection": str(row.public_id)}
    browser.says(browser.comes_back(browser.allow(browser.sent_to("salesforce", **again))))
    assert Connection.unscoped.get().settings["login_host"] == ACME
    assert refreshed(row)
    assert hosts_asked(own_hosts) == [ACME, ACME, ACME]


def test_connecting_again_changes_the_host_and_the_next_refresh_goes_there(browser, own_hosts):
    row = connected(browser)
    moved = "acme-teas.my.salesforce.com"
    own_hosts.world(salesforce=[{"org": ORG, "login_host": moved}])
    again = OWN | {"connection": str(row.public_id), "login_host": moved}
    browser.says(browser.connects("salesforce", **again))
    assert Connection.unscoped.get().settings["login_host"] == moved
    assert refreshed(row)
    assert hosts_asked(own_hosts) == [ACME, moved, moved]


def test_connecting_again_at_the_common_login_forgets_the_host(browser, own_hosts):
    row = connected(browser)
    own_hosts.world(salesforce=[{"org": ORG, "login_host_only": False}])
    browser.says(
        browser.connects("salesforce", connection=str(row.public_id), environment="production")
    )
    row.refresh_from_db()
    assert row.settings["login_host"] == "" and refreshed(row)
    assert hosts_asked(own_hosts) == [ACME, "login", "login"]


def test_the_page_of_the_connection_and_the_audit_show_the_host(browser):
    row = connected(browser)
    assert AuditRow.objects.get(verb="connection.connect").after["login_host"] == ACME
    assert ACME in browser.client.get(f"/t/acme/connections/{row.public_id}/").content.decode()


# --- links ---


def test_a_guest_chooses_the_host_at_the_link(guest, make, acme):
    link = make.connect_link(acme, "salesforce")
    assert b'name="login_host"' in guest.client.get(f"/connect/link/{link.token}/").content
    away = guest.client.post(f"/connect/link/{link.token}/", OWN).context["url"]
    guest.says(guest.comes_back(guest.allow(away)))
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
    link = make.connect_link(acme, "salesforce", connection=connected(browser))
    page = guest.client.get(f"/connect/link/{link.token}/")
    assert page.context["chosen"] == "login_host" and f'value="{ACME}"' in page.content.decode()


def test_a_link_says_the_host_and_asks_the_guest_no_more(guest, make, acme):
    link = make.connect_link(acme, "salesforce", login_host=UAT)
    page = guest.client.get(f"/connect/link/{link.token}/").content.decode()
    assert f"Login host: <strong>{UAT}</strong>" in page and 'name="login_host"' not in page
    away = guest.client.post(f"/connect/link/{link.token}/", OWN).context["url"]
    assert f"/salesforce/{UAT}/" in away
    guest.says(guest.comes_back(guest.allow(away)))
    assert Connection.unscoped.get().settings["login_host"] == UAT


def test_a_link_whose_host_is_allowed_no_more_sends_nobody_away(guest, make, acme):
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
    row = connected(browser)
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
    page, said = (
        reverse("admin:connections_connectlink_add"),
        {"tenant": acme.pk, "connector": "salesforce"},
    )
    wrong = client.post(page, said | {"login_host": "evil.example"})
    assert (
        wrong.context["form"].errors.keys() == {"login_host"} and not ConnectLink.unscoped.exists()
    )
    client.post(page, said | {"login_host": ACME})
    assert ConnectLink.unscoped.get().login_host == ACME


# --- REST ---


def test_a_program_names_the_host_in_a_link(api, acme):
    made = api.of(acme).post(
        "/api/v1/connect-links", {"connector": "salesforce", "login_host": UAT}, "json"
    )
    assert (made.status_code, made.json()["environment"], made.json()["login_host"]) == (
        201,
        "sandbox",
        UAT,
    )
    assert ConnectLink.unscoped.get().login_host == UAT


def test_a_program_makes_no_link_to_another_host(api, acme):
    client = api.of(acme)
    for host in TYPED:
        answer = client.post(
            "/api/v1/connect-links", {"connector": "salesforce", "login_host": host}, "json"
        )
        assert (host, *refusals(answer)) == (host, 400, ["/login_host"])
    assert not ConnectLink.unscoped.exists()


@pytest.mark.parametrize(
    "wanted",
    [
        ("slack", ACME, ""),
        ("webhook", ACME, ""),
        ("salesforce", ACME, "sandbox"),
        ("salesforce", UAT, "production"),
    ],
)
def test_a_host_that_does_not_fit_the_rest_is_refused(api, acme, wanted):
    said = {
        key: value
        for key, value in zip(("connector", "login_host", "environment"), wanted, strict=True)
        if value
    }
    assert refusals(api.of(acme).post("/api/v1/connect-links", said, "json")) == (
        400,
        ["/login_host"],
    )
    assert not ConnectLink.unscoped.exists()


def test_a_program_reads_which_host_is_used_and_which_systems_have_any(browser, api, acme):
    row, client = connected(browser), api.of(acme)
    assert (
        client.get(f"/api/v1/connections/{row.public_id}").json()["settings"]["login_host"] == ACME
    )
    known = {
        entry["key"]: entry["login_host"]
        for entry in client.get("/api/v1/connectors").json()["items"]
    }
    assert known["salesforce"]["example"] == ACME and known["slack"] is None


# --- staff ---


def test_staff_see_where_people_sign_in_and_change_it_for_a_desk(client, make, own_hosts):
    client.force_login(make.staff(is_superuser=True))
    app = ConnectorApp.objects.get(connector_key="salesforce")
    page = reverse("admin:connections_connectorapp_change", args=[app.pk])
    assert (
        f"{own_hosts.url}/salesforce/{ACME}/services/oauth2/authorize"
        in client.get(page).content.decode()
    )
    said = {"client_id": "hub.salesforce", "hosts": own_hosts.url}
    fixed = client.post(page, said | {"url_domain_login": own_hosts.url})
    assert list(fixed.context["form"].errors) == ["url_domain_login"]
    client.post(page, said | {"url_domain_login": f"{own_hosts.url}/{LOGIN_HOST}"})
    assert ConnectorApp.objects.get(pk=app.pk).urls == {
        "domain_login": f"{own_hosts.url}/{LOGIN_HOST}"
    }


def test_staff_store_no_other_host_without_a_test_either(browser, client, make):
    row = connected(browser)
    client.force_login(make.staff(is_superuser=True))
    said = {"environment": "production", "anyway": "on", "reason": "trust me"}
    for host in TYPED:
        client.post(
            reverse("admin:connections_connection_verb", args=[row.pk, "credential"]),
            said | {"login_host": host},
        )
    assert Connection.unscoped.get().settings["login_host"] == ACME
    client.post(
        reverse("admin:connections_connection_verb", args=[row.pk, "credential"]),
        said | {"login_host": ""},
    )
    assert Connection.unscoped.get().settings["login_host"] == ""
