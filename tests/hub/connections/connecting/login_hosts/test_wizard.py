"""A login host of the customer's own, chosen in the wizard and used from then on."""

import pytest

from connectors.schema import LOGIN_HOST
from hub.connections.models import Authorization, ConnectorApp
from tests.connectors.hostile_hosts import HOSTILE_HOSTS
from tests.hub.connections.browsers import count_connections, get_newest_authorization
from tests.hub.connections.connecting.login_hosts.organisations import (
    ACME,
    ORG,
    OWN,
    UAT,
    UAT_ORG,
    connect_organisation,
    list_called_hosts,
)

pytestmark = pytest.mark.django_db
WIZARD = "/t/acme/connect/salesforce/"


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
    row = connect_organisation(browser, login_host=host)
    assert (row.account, row.state) == (org, "healthy")
    assert (row.settings["environment"], row.settings["login_host"]) == (environment, host)
    assert list_called_hosts(own_hosts) == [host]


def test_a_host_is_read_without_case_and_without_blanks_around_it(browser):
    browser.get_consent_url(
        "salesforce", environment="login_host", login_host="  ACME.My.Salesforce.com "
    )
    assert get_newest_authorization().login_host == ACME


def test_a_host_that_is_typed_counts_where_its_choice_is_chosen(browser):
    assert "/salesforce/login/" in browser.get_consent_url(
        "salesforce", environment="production", login_host=ACME
    )
    assert get_newest_authorization().login_host == ""


def test_the_wizard_redirects_to_no_other_host(browser):
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
    assert ACME in browser.connect_account("salesforce", **OWN).content.decode()


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
    browser.connect_account("salesforce", **OWN)
    assert (Authorization.unscoped.get().reason, count_connections()) == ("host_refused", 0)
