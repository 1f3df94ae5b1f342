"""From the mail of an invitation to an order that arrives, in a real browser before real
processes.
"""

import pytest

pytestmark = [pytest.mark.desk, pytest.mark.timeout(180), pytest.mark.xdist_group("running_hub")]

JOURNEYS = {
    "Slack": ("slack", True),
    "Salesforce": ("salesforce", True),
    "Pipedrive": ("pipedrive", True),
    "Splunk": ("splunk", True),
    "a webhook": ("webhook", True),
    "Slack without scripts": ("slack", False),
    "Splunk without scripts": ("splunk", False),
}
SCRIPTS = pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])


def name_of(connector, scripts):
    return f"{connector}-{'quick' if scripts else 'plain'}"


@pytest.mark.parametrize(("connector", "scripts"), JOURNEYS.values(), ids=JOURNEYS)
def test_from_the_invitation_to_an_order_that_arrives(
    running_hub, open_browser, connector, scripts
):
    reference = name_of(connector, scripts)
    company = running_hub.invites(reference, reference.title())
    olga = open_browser(company, java_script_enabled=scripts).signs_up().connects(connector)
    assert olga.clicks <= 6
    olga.assert_state("healthy")
    if connector == "slack":
        olga.names_the_channel()
    running_hub.order(company, f"{reference}-1")
    running_hub.assert_received(f"{reference}-1", connector, company)


@SCRIPTS
def test_what_waits_arrives_after_the_link_of_the_mail_was_followed(
    running_hub, open_browser, scripts
):
    reference = name_of("again", scripts)
    company = running_hub.invites(reference, reference.title())
    open_browser(company).signs_up().connects("salesforce")
    running_hub.revokes("salesforce", company)
    running_hub.order(company, f"{reference}-1")
    olga = open_browser(company, java_script_enabled=scripts)
    olga.goes(olga.link("must be authorized again"))
    olga.signs_in()
    olga.is_asked_to_connect_again("Salesforce")
    running_hub.order(company, f"{reference}-2")
    olga.reconnects("salesforce")
    olga.assert_state("healthy")
    for number in (1, 2):
        running_hub.assert_received(f"{reference}-{number}", "salesforce", company)


@SCRIPTS
def test_who_was_interrupted_goes_on_where_it_stopped(running_hub, open_browser, scripts):
    reference = name_of("interrupted", scripts)
    company = running_hub.invites(reference, reference.title())
    olga = open_browser(company, java_script_enabled=scripts).signs_up()
    olga.begins("salesforce")
    olga.goes(f"{olga.home}catalogue/")
    olga.follow("Continue with Salesforce")
    olga.leaves_for("salesforce")
    olga.allows()
    olga.page.wait_for_url("**/connect/confirm/*/")
    olga.goes(olga.home)
    olga.follow("Continue with Salesforce")
    olga.press("Connect")
    olga.follow("Go to the connection")
    olga.is_at_the_connection()
    olga.assert_state("healthy")
    running_hub.order(company, f"{reference}-1")
    running_hub.assert_received(f"{reference}-1", "salesforce", company)


def test_who_gives_up_on_the_way_leaves_nothing_behind(running_hub, open_browser):
    company = running_hub.invites("given-up", "Given Up")
    olga = open_browser(company).signs_up()
    olga.begins("slack")
    olga.goes(olga.home)
    olga.press("Cancel this attempt Slack")
    assert "Nothing is connected yet" in olga.reads() and "Continue" not in olga.reads()
    assert running_hub.states(company) == {}


def test_an_authorize_link_that_is_opened_in_another_browser_stores_nothing(
    running_hub, open_browser
):
    company = running_hub.invites("victim", "Victim")
    olga, stranger = (
        open_browser(company).signs_up(),
        open_browser(running_hub.invites("stranger", "Stranger")).signs_up(),
    )
    stranger.begins("slack")
    olga.goes(stranger.page.url)
    olga.press("Allow in Victim")
    olga.assert_told("This was started in another browser", "You can fix it yourself.")
    for person in (olga, stranger):
        person.goes(person.home)
        assert "Nothing is connected yet" in person.reads()
