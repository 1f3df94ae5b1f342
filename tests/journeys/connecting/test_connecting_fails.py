"""Each way in which connecting fails, in a real browser: a page says the cause, and who can fix
it.
"""

import re

import pytest
from playwright.sync_api import expect

pytestmark = [pytest.mark.desk, pytest.mark.timeout(180), pytest.mark.xdist_group("running_hub")]

YOU = "You can fix it yourself."
ADMIN = "An administrator of your {} can fix it."
US = "The operator of Integration Hub can fix it."
WAIT = "You do not need to do anything. The problem resolves itself."


@pytest.mark.parametrize("connector", ["salesforce", "pipedrive"])
def test_a_person_who_declines(olga, connector):
    olga.begins(connector)
    olga.press("Cancel")
    olga.assert_told("Access was not allowed", YOU)


def test_a_person_who_declines_at_slack(olga):
    """Slack says the same where an administrator has refused."""
    olga.begins("slack")
    olga.press("Cancel")
    olga.assert_told("Slack denied access", ADMIN.format("Slack"))


APPROVALS = {
    "blocked there": "blocked",
    "not installed there": "not_installed",
    "not approved for this person": "not_approved",
    "refused without a reason": "generic",
}


@pytest.mark.parametrize("approval", APPROVALS.values(), ids=APPROVALS)
def test_an_app_that_an_organisation_does_not_let_in(olga, running_hub, company, approval):
    running_hub.approves("salesforce", company, approval)
    olga.begins("salesforce")
    olga.allows()
    running_hub.approves("salesforce", company, "")
    olga.assert_told("An administrator must approve the app first", ADMIN.format("Salesforce"))
    expect(olga.page.get_by_label("A message that you can send them")).to_have_value(
        re.compile("Please allow the app")
    )


def test_an_app_that_an_administrator_of_slack_must_approve(olga, running_hub, company):
    """Slack sends nobody back: the page before says so, and later it has what to send, and the way
    on.
    """
    olga.goes(f"{olga.home}connect/slack/")
    assert "does not send you back" in olga.reads()
    running_hub.approves("slack", company, "needed")
    olga.leaves_for("slack")
    olga.press(f"Request to install in {company.name}")
    expect(olga.page.get_by_role("heading", name="Your request was sent")).to_be_visible()
    running_hub.approves("slack", company, "")
    olga.assert_not_connected("slack")
    olga.goes(olga.home)
    olga.follow("Continue with Slack")
    expect(
        olga.page.get_by_role("heading", name="Waiting for an administrator of your Slack")
    ).to_be_visible()
    expect(olga.page.get_by_label("A message that you can send them")).to_have_value(
        re.compile("Please approve it")
    )
    olga.leaves_for("slack")
    olga.allows()
    expect(olga.page.get_by_role("button", name="Connect", exact=True)).to_be_visible()
    olga.press("Cancel")


def test_an_app_that_an_administrator_of_slack_refused(olga, running_hub, company):
    running_hub.approves("slack", company, "refused")
    olga.begins("slack")
    olga.allows()
    running_hub.approves("slack", company, "")
    olga.assert_told("Slack denied access", ADMIN.format("Slack"))
    assert "only an administrator can change this" in olga.reads()
    expect(olga.page.get_by_label("A message that you can send them")).to_have_value(
        re.compile("Restricted Apps")
    )


ON_THE_WAY_BACK = {
    "without its state": (
        "slack",
        {"state": None},
        "This address does not belong to an attempt that you started",
        YOU,
    ),
    "with a strange state": (
        "slack",
        {"state": "x" * 43},
        "This connection was not started here",
        YOU,
    ),
    "from another issuer": (
        "salesforce",
        {"iss": "https://evil.example"},
        "The response came from another sender",
        US,
    ),
    "with the code of another": (
        "slack",
        {"code": "foreign"},
        "The authorization code has expired",
        YOU,
    ),
    "without a code": ("pipedrive", {"code": None}, "Pipedrive sent an unexpected response", US),
    "with a permission refused": (
        "slack",
        {"error": "invalid_scope"},
        "A permission was refused",
        US,
    ),
    "with a word of tomorrow": ("slack", {"error": "a_word_of_tomorrow"}, "Slack refused", US),
}


@pytest.mark.parametrize(
    ("connector", "consent", "title", "who"), ON_THE_WAY_BACK.values(), ids=ON_THE_WAY_BACK
)
def test_what_comes_back_is_wrong(olga, running_hub, connector, consent, title, who):
    running_hub.fault(connector, consent=consent)
    olga.begins(connector)
    olga.allows()
    olga.assert_told(title, who)


def test_a_consent_page_that_is_down_leaves_nothing_behind(olga, running_hub):
    running_hub.fault("slack", path="authorize", status=503)
    olga.begins("slack")
    olga.assert_not_connected("slack")


def test_a_sandbox_that_signs_in_at_production(olga, running_hub, company):
    """Salesforce sends nobody back."""
    running_hub.control("POST", "world", salesforce=[{"org": company.org, "sandbox": True}])
    olga.begins("salesforce")
    olga.press(f"Log in to {company.name} (sandbox)")
    running_hub.control("POST", "world", salesforce=[{"org": company.org, "sandbox": False}])
    assert "check your username and password" in olga.page.content()
    olga.assert_not_connected("salesforce")


def test_a_permission_that_was_not_given_is_said_before_anything_is_kept(olga, running_hub):
    sparing = running_hub.invites(
        "sparing", "Sparing"
    )  # Slack adds up what a workspace has ever allowed
    olga.begins("slack")
    olga.page.get_by_text("Grant less than was asked").click()
    olga.page.get_by_label("channels:read").uncheck()
    olga.allows(sparing)
    olga.assert_told("Missing permissions", ADMIN.format("Slack"))
    assert "channels:read" in olga.reads()
    olga.press("Cancel")
    olga.assert_not_connected("slack")


def test_a_token_that_is_revoked_before_it_is_confirmed(olga, running_hub, company):
    olga.begins("slack")
    olga.allows()
    running_hub.revokes("slack", company)
    olga.press("Connect")
    olga.assert_told("Slack rejects its own token", ADMIN.format("Slack"))


def test_a_system_that_is_down_at_the_confirmation_is_confirmed_later(olga, running_hub, rival):
    olga.begins("pipedrive")
    olga.allows()
    running_hub.fault("pipedrive", status=503)
    olga.press("Connect")
    olga.assert_told("Pipedrive does not respond", WAIT)
    olga.press("Connect")
    olga.follow("Go to the connection")
    olga.is_at_the_connection()
    olga.assert_state("healthy")


# --- an account that is another one than was meant ---


@pytest.fixture(scope="module")
def connected(open_lasting_browser, running_hub):
    """A company with Slack connected, whose page it is at."""
    return (
        open_lasting_browser(running_hub.invites("steady", "Steady")).signs_up().connects("slack")
    )


def test_another_account_on_reconnect_is_replaced_only_where_an_owner_says_so(connected, rival):
    connected.opens("Slack")
    connected.follow("Authorize again")
    connected.leaves_for("slack")
    connected.allows(rival)
    connected.assert_told("This is another account", YOU)
    expect(connected.page.get_by_role("button", name="Replace the account")).to_be_visible()
    connected.press("Cancel")


def test_an_account_that_is_connected_already_is_authorized_again(connected):
    connected.goes(f"{connected.home}connect/slack/")
    assert "Connected already" in connected.reads()
    connected.leaves_for("slack")
    connected.allows()
    assert "already uses this account" in connected.reads()
    connected.press("Connect again")
    connected.is_at_the_connection()


def test_an_account_that_another_tenant_has_is_said(olga, connected):
    olga.begins("slack")
    olga.allows(connected.company)
    olga.assert_told("This account is also connected elsewhere", ADMIN.format("Slack"))
    olga.press("Cancel")


def test_an_attempt_is_used_once(olga, running_hub):
    olga.begins("slack")
    with olga.page.expect_request("**/connect/slack/callback?*") as came_back:
        olga.allows()
    olga.press("Cancel")
    olga.goes(came_back.value.url)
    olga.assert_told("This attempt was already used", YOU)


# --- filled in ---


def test_a_token_that_splunk_does_not_know(olga):
    olga.goes(f"{olga.home}connect/splunk/")
    olga.fills_in("splunk", Token="00000000-0000-4000-8000-000000000000")
    olga.assert_told("Splunk does not accept the credential", ADMIN.format("Splunk"))
    assert "Nothing has been saved." in olga.reads()


def test_an_address_without_a_server(olga, running_hub):
    olga.goes(f"{olga.home}connect/splunk/")
    running_hub.fault("splunk", status=0, times=0)
    olga.fills_in("splunk")
    olga.assert_told("Splunk does not respond", WAIT)
