"""People without an account here, in a real browser: from the link that they were given to an order
that arrives.
"""

import pytest
from playwright.sync_api import expect

pytestmark = [pytest.mark.desk, pytest.mark.timeout(180), pytest.mark.xdist_group("running_hub")]

SCRIPTS = pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])


def name_of(connector, scripts):
    return f"guest-{connector}-{'quick' if scripts else 'plain'}"


@SCRIPTS
def test_by_a_connect_link_one_system_is_authorized_and_an_order_arrives(
    running_hub, open_browser, scripts
):
    company = running_hub.knows(name_of("salesforce", scripts))
    gwen = open_browser(company, java_script_enabled=scripts)
    gwen.goes(running_hub.connect_link(company, "salesforce"))
    gwen.press("Connect Salesforce")
    gwen.page.wait_for_url(f"{running_hub.sandbox}/**")
    gwen.allows()
    gwen.press("Connect")
    assert_arrival(gwen, running_hub, company, "salesforce")


@SCRIPTS
def test_by_a_connect_link_one_system_is_filled_in_and_an_order_arrives(
    running_hub, open_browser, scripts
):
    company = running_hub.knows(name_of("splunk", scripts))
    gwen = open_browser(company, java_script_enabled=scripts)
    gwen.goes(running_hub.connect_link(company, "splunk"))
    gwen.press("Connect Splunk")
    gwen.writes("splunk")
    assert_arrival(gwen, running_hub, company, "splunk")


def assert_arrival(gwen, running_hub, company, connector):
    """And the link is used up."""
    expect(gwen.page.get_by_role("heading", name="Thank you")).to_be_visible()
    assert gwen.clicks <= 6
    assert running_hub.states(company) == {connector: "healthy"}
    running_hub.order(company, f"{company.reference}-1")
    running_hub.assert_received(f"{company.reference}-1", connector, company)
    gwen.goes(gwen.home)
    assert "/accounts/login/" in gwen.page.url


def test_a_connect_link_is_of_one_browser_once(running_hub, open_browser):
    company = running_hub.knows("guest-once")
    link = running_hub.connect_link(company, "splunk")
    gwen, other = open_browser(company), open_browser(company)
    gwen.goes(link)
    other.goes(link)
    gwen.press("Connect Splunk")
    other.press("Connect Splunk")
    expect(other.page.get_by_role("heading")).to_have_text("This link is open in another browser")
    assert running_hub.states(company) == {}


@SCRIPTS
def test_by_a_portal_link_a_system_is_connected_and_an_order_arrives(
    running_hub, open_browser, scripts
):
    company = running_hub.knows(name_of("portal", scripts))
    gwen = open_browser(company, java_script_enabled=scripts)
    gwen.goes(running_hub.portal_link(company))
    gwen.press(f"Continue to {company.name}")
    gwen.page.wait_for_url(gwen.home)
    gwen.connects("slack").assert_state("healthy")
    assert gwen.clicks <= 7
    gwen.names_the_channel()
    running_hub.order(company, f"{company.reference}-1")
    running_hub.assert_received(f"{company.reference}-1", "slack", company)


def test_a_portal_link_works_once(running_hub, open_browser):
    company = running_hub.knows("guest-portal-once")
    link = running_hub.portal_link(company)
    gwen, other = open_browser(company), open_browser(company)
    gwen.goes(link)
    gwen.press(f"Continue to {company.name}")
    gwen.page.wait_for_url(gwen.home)
    other.goes(link)
    expect(other.page.get_by_role("heading")).to_have_text("This link is no longer valid")
