"""Production or sandbox: a person says which, and all that is asked of that account is asked at its
own login.
"""

from urllib.parse import urlsplit

import pytest

from connectors.registry import CONNECTORS
from hub import egress
from hub.audit import SYSTEM, ActorContext
from hub.connections.actions.disconnection import disconnect_account
from hub.connections.connecting.reconnect import reconnect_account
from hub.connections.credentials.account_probe import ProbeResult
from hub.connections.credentials.app_check import check_connector_app
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
from tests.hub.connections.browsers import (
    count_connections,
    get_newest_authorization,
    get_problem_code,
)
from tests.hub.connections.token_refresh import fail_on_sleep
from tests.markup import normalize_markup

pytestmark = pytest.mark.django_db

PRODUCTION, UAT = "00D000000000001EAA", "00D000000000003EAA"
WIZARD = "/t/acme/connect/salesforce/"


@pytest.fixture(autouse=True)
def uat(outside):
    """A sandbox of Acme's beside the organisations that there are; it is the last that the page
    offers.
    """
    app = {"client_id": "hub.salesforce", "client_secret": "salesforce-secret"}
    outside.world(salesforce=[{"org": UAT, "name": "Acme UAT", "sandbox": True, **app}])
    return outside


def connect_sandbox_account(browser, **fields):
    browser.submit(browser.connect_account("salesforce", -1, environment="sandbox", **fields))
    return Connection.unscoped.get()


def list_called_paths(desk):
    """The hosts of the login whose OAuth endpoints were called, in their order."""
    return [
        tuple(line["path"].split("/")[2:])
        for line in desk.ledger()
        if line["system"] == "salesforce"
        and line["path"].endswith(("oauth2/token", "oauth2/revoke"))
    ]


def test_the_wizard_asks_which_and_means_production(browser):
    page = normalize_markup(browser.client.get(WIZARD).content.decode())
    assert "Which Salesforce is it?" in page and "You sign in at test.salesforce.com" in page
    assert 'value="production" aria-describedby="environment-production-help" checked' in page
    assert "/salesforce/login/" in browser.get_consent_url("salesforce")
    assert get_newest_authorization().environment == "production"


def test_slack_asks_nothing_of_the_kind(browser):
    assert b'name="environment"' not in browser.client.get("/t/acme/connect/slack/").content
    browser.get_consent_url("slack", environment="sandbox")
    assert get_newest_authorization().environment == ""


def test_a_sandbox_is_connected_at_its_own_login(browser, outside):
    row = connect_sandbox_account(browser)
    assert (row.account, row.settings["environment"], row.state) == (UAT, "sandbox", "healthy")
    assert list_called_paths(outside) == [("test", "services", "oauth2", "token")]
    assert b"Sandbox" in browser.client.get(f"/t/acme/connections/{row.public_id}/").content


def test_the_confirm_page_says_which_kind_it_is(browser):
    page = browser.connect_account("salesforce", -1, environment="sandbox")
    assert page.context["environment"].label == "Sandbox" and b"Kind of account" in page.content


def test_a_sandbox_is_refreshed_and_revoked_at_its_own_login(browser, outside):
    row = connect_sandbox_account(browser)
    Credential.unscoped.get().request_refresh(now=clock())
    assert refresh_access_token(
        row, call=egress.send_request, now=clock(), random=lambda: 0.5, sleep=fail_on_sleep
    )
    disconnect_account(row, ActorContext(SYSTEM, is_unrestricted=True), now=clock())
    assert attempt_revocation(Revocation.unscoped.get(), call=egress.send_request, clock=clock)
    assert [place[0] for place in list_called_paths(outside)] == ["test", "test", "test"]


def test_connecting_again_means_the_same_kind(browser):
    row = connect_sandbox_account(browser)
    response = browser.client.get(f"/t/acme/connections/{row.public_id}/reconnect/")
    page = normalize_markup(response.content.decode())
    assert 'value="sandbox" aria-describedby="environment-sandbox-help" checked' in page
    assert "/salesforce/test/" in browser.get_consent_url(
        "salesforce", connection=str(row.public_id)
    )


def test_settings_that_staff_fill_in_leave_the_kind_as_it_is(browser):
    row = connect_sandbox_account(browser)
    data, probe_result = {"instance_url": ""}, ProbeResult(None, "later", "throttled")
    reconnect_account(
        row, data, {"access_token": "x"}, probe_result, random=lambda: 0.5, now=clock()
    )
    assert Connection.unscoped.get().settings["environment"] == "sandbox"


@pytest.fixture
def custom_domain(uat):
    """Who chose a sandbox signs in to production all the same, by that organisation's own
    address.
    """
    app = ConnectorApp.objects.get(connector_key="salesforce")
    own = f"{uat.url}/salesforce/{PRODUCTION}"
    app.urls |= {"sandbox_login": own, "sandbox_token": f"{own}/services/oauth2/token"}
    app.save()


def test_another_kind_than_was_chosen_is_not_connected_and_the_page_offers_the_other(
    browser, custom_domain
):
    page = browser.connect_account("salesforce", environment="sandbox")
    assert get_problem_code(page) == "other_environment" and count_connections() == 0
    assert page.context["chosen"] == "production" and b'name="environment"' in page.content
    assert Authorization.unscoped.get().sealed is None
    assert Revocation.unscoped.get().open()["secret"]["access_token"]


def test_a_login_that_took_no_password_is_followed_by_the_choice(browser, uat):
    consent = browser.get_consent_url("salesforce")
    assert (
        "check your username and password"
        in uat.post(consent.removeprefix(uat.url), data={"account": UAT}).text
    )
    page = browser.client.get(f"/connect/confirm/{get_newest_authorization().public_id}/")
    assert get_problem_code(page) == "unfinished" and b"of the other kind" in page.content
    assert b'name="environment" value="sandbox"' in page.content.replace(
        b'id="environment-sandbox" ', b""
    )


def test_a_connection_of_the_other_kind_is_not_replaced_by_mistake(browser, open_browser, acme):
    row = connect_sandbox_account(browser)
    data = {"connection": str(row.public_id), "environment": "production"}
    for person in (
        open_browser(acme, "admin"),
        browser,
    ):  # refused, and asked whether it shall be replaced
        page = person.connect_account("salesforce", **data)
        assert get_problem_code(page) == "other_environment"
        assert page.context["chosen"] == "sandbox" and b"Try again" in page.content
    row.refresh_from_db()
    assert (row.account, row.settings["environment"]) == (UAT, "sandbox")


def test_what_no_host_pattern_allows_is_not_offered(browser, make):
    app = ConnectorApp.objects.get(connector_key="salesforce")
    app.urls |= {"sandbox_login": "https://test.salesforce.com.evil.example"}
    app.save()
    assert b'name="environment"' not in browser.client.get(WIZARD).content
    assert (
        get_problem_code(browser.begin("salesforce", environment="sandbox"))
        == "environment_refused"
    )
    assert "/salesforce/login/" in browser.get_consent_url("salesforce")


@pytest.mark.parametrize("said", ["scratch", "PRODUCTION", "x" * 5000])
def test_what_is_no_environment_is_refused(browser, said):
    assert get_problem_code(browser.begin("salesforce", environment=said)) == "environment_refused"
    assert not Authorization.unscoped.exists()


def test_a_guest_chooses_at_the_link(guest, make, acme):
    link = make.connect_link(acme, "salesforce")
    assert b"Which Salesforce is it?" in guest.client.get(f"/connect/link/{link.token}/").content
    away = guest.client.post(f"/connect/link/{link.token}/", {"environment": "sandbox"}).context[
        "url"
    ]
    guest.submit(guest.follow_callback(guest.allow(away, -1)))
    assert Connection.unscoped.get().settings["environment"] == "sandbox"


def test_a_link_says_which_and_asks_the_guest_no_more(guest, make, acme):
    link = make.connect_link(acme, "salesforce", environment="sandbox")
    page = normalize_markup(guest.client.get(f"/connect/link/{link.token}/").content.decode())
    assert "Kind of account: <strong>Sandbox</strong>" in page and 'name="environment"' not in page
    away = guest.client.post(f"/connect/link/{link.token}/", {"environment": "production"}).context[
        "url"
    ]
    assert "/salesforce/test/" in away
    guest.submit(guest.follow_callback(guest.allow(away, -1)))
    assert Connection.unscoped.get().settings["environment"] == "sandbox"


def test_a_program_says_which_in_a_link(api, acme):
    client = api.of(acme)
    data = {"connector": "salesforce", "environment": "sandbox"}
    response = client.post("/api/v1/connect-links", data, "json")
    assert (response.status_code, response.json()["environment"]) == (201, "sandbox")
    assert ConnectLink.unscoped.get().environment == "sandbox"
    assert (
        client.post("/api/v1/connect-links", {"connector": "salesforce"}, "json").json()[
            "environment"
        ]
        == ""
    )


@pytest.mark.parametrize("wanted", [("slack", "sandbox"), ("salesforce", "scratch")])
def test_a_kind_that_a_system_does_not_have_is_refused(api, acme, wanted):
    said = dict(zip(("connector", "environment"), wanted, strict=True))
    answer = api.of(acme).post("/api/v1/connect-links", said, "json")
    assert (answer.status_code, answer.json()["code"]) == (400, "validation-failed")
    assert not ConnectLink.unscoped.exists()


def test_an_environment_without_a_login_page_is_refused(api, browser, acme):
    app = ConnectorApp.objects.get(connector_key="salesforce")
    app.urls |= {"sandbox_login": "https://test.salesforce.com.evil.example"}
    app.save()
    data = {"connector": "salesforce", "environment": "sandbox"}
    assert api.of(acme).post("/api/v1/connect-links", data, "json").status_code == 409
    assert "cannot be connected" in browser.client.post("/t/acme/links/", data).content.decode()
    assert not ConnectLink.unscoped.exists()


def test_an_admin_says_which_in_a_link(browser, acme):
    browser.client.post("/t/acme/links/", {"connector": "salesforce", "environment": "sandbox"})
    assert ConnectLink.unscoped.get().environment == "sandbox"


def test_salesforces_own_logins_are_inside_its_own_patterns():
    code = CONNECTORS["salesforce"]
    logins = [
        urlsplit(code.urls_at(entry.key, code.urls)["login"]).netloc
        for entry in code.allowed_environments(code.urls, ())
    ]
    assert logins == ["login.salesforce.com", "test.salesforce.com"]


def test_staff_see_where_people_sign_in_and_test_both(make, client, uat):
    client.force_login(make.staff(is_superuser=True))
    app = ConnectorApp.objects.get(connector_key="salesforce")
    page = client.get(f"/admin/connections/connectorapp/{app.pk}/change/").content.decode()
    assert f"{uat.url}/salesforce/test/services/oauth2/authorize" in page
    verdict = check_connector_app(
        app,
        CONNECTORS["salesforce"],
        redirect_uri="https://hub.test/",
        call=egress.send_request,
        now=clock(),
    )
    assert (
        verdict.is_recognised
        and verdict.sentence.startswith("Production:")
        and " Sandbox: " in verdict.sentence
    )
    assert [place[0] for place in list_called_paths(uat)] == ["login", "test"]
