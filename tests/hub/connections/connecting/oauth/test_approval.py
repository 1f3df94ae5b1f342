"""Where an administrator is asked first, nobody comes back: the pages say so, remember it, and lead
on.
"""

from datetime import timedelta

import pytest

from hub.connections.credentials.abandoned_authorizations import end_abandoned_authorizations
from hub.connections.models import Authorization
from hub.db.clock import clock
from tests.hub.connections.browsers import (
    count_connections,
    get_newest_authorization,
    get_problem_code,
)

pytestmark = pytest.mark.django_db

HOME, WIZARD = "/t/acme/", "/t/acme/connect/slack/"
WAITING = "Waiting for an administrator of your Slack"


def text(browser, url):
    return browser.client.get(url).content.decode()


def request_approval(browser, outside, approval="needed", **fields):
    """Send the request to the admin of the account; the person does not come back."""
    outside.world(slack=[{"team": "T0000ACME", "approval": approval}])
    consent = browser.get_consent_url("slack", **fields)
    page = outside.post(consent.removeprefix(outside.url), data={"account": "T0000ACME"})
    assert "Your request was sent" in page.text


def test_the_page_before_says_that_the_system_does_not_redirect_back(browser):
    assert "does not send you back" in text(browser, WIZARD)
    assert "does not send you back" in browser.begin("slack").content.decode()
    assert "does not send you back" not in text(browser, "/t/acme/connect/salesforce/")


def test_who_comes_back_finds_what_waits_what_to_send_and_a_button(browser, outside):
    request_approval(browser, outside, name="Our team")
    assert "Our team" in text(browser, HOME) and f'href="{WIZARD}?waiting=' in text(browser, HOME)
    page = text(browser, WIZARD)
    assert WAITING in page and "under Apps, Requests" in page and "Try again at Slack" in page
    assert 'value="Our team"' in page


def test_it_still_waits_when_the_attempt_has_ended(browser, outside):
    request_approval(browser, outside)
    end_abandoned_authorizations(now=clock() + timedelta(minutes=11))
    assert get_newest_authorization().reason == "unfinished" and WAITING in text(browser, WIZARD)


def test_an_approval_is_not_awaited_after_a_month(browser, make, acme):
    make.authorization(acme, now=clock() - timedelta(days=31))
    assert WAITING not in text(browser, WIZARD)


def test_the_approved_one_is_connected_and_nothing_waits(browser, outside):
    request_approval(browser, outside)
    outside.world(slack=[{"team": "T0000ACME", "approval": ""}])
    browser.submit(browser.connect_account("slack"))
    assert count_connections() == 1 and WAITING not in text(browser, WIZARD)
    assert "Not connected yet" not in text(browser, HOME)


def test_a_connection_that_waits_to_be_authorized_again_leads_there(browser, outside, make, acme):
    row = make.connection(acme, "slack", account="T0000ACME")
    request_approval(browser, outside, connection=str(row.public_id))
    again = f"/t/acme/connections/{row.public_id}/reconnect/"
    assert f'href="{again}"' in text(browser, HOME)
    assert WAITING in text(browser, again) and WAITING not in text(browser, WIZARD)


def test_each_of_several_workspaces_is_waited_for_by_its_name(browser, outside):
    for name in ("Sales", "Support", "Sales"):
        request_approval(browser, outside, name=name)
    home = text(browser, HOME)
    assert [
        home.count(words) for words in ("Not connected yet", ">Sales</h2>", ">Support</h2>")
    ] == [2, 1, 1]
    outside.world(slack=[{"team": "T0000ACME", "approval": ""}])
    browser.submit(browser.connect_account("slack", name="Support"))
    assert text(browser, HOME).count("Not connected yet") == 1 and 'value="Sales"' in text(
        browser, WIZARD
    )


def test_the_one_that_was_chosen_is_tried_again(browser, outside):
    for name in ("Sales", "Support"):
        request_approval(browser, outside, name=name)
    older = Authorization.unscoped.get(name="Sales")
    assert f'href="{WIZARD}?waiting={older.public_id}"' in text(browser, HOME)
    assert 'value="Sales"' in text(browser, f"{WIZARD}?waiting={older.public_id}")
    for nobodys in ("", "nonsense"):
        assert 'value="Support"' in text(browser, f"{WIZARD}?waiting={nobodys}")


def test_what_is_given_up_is_forgotten(browser, outside):
    request_approval(browser, outside)
    end_abandoned_authorizations(now=clock() + timedelta(minutes=11))
    browser.client.post(f"/t/acme/connect/waiting/{get_newest_authorization().public_id}/forget")
    assert get_newest_authorization().state == "cancelled" and WAITING not in text(browser, WIZARD)


def test_another_tenant_sees_and_forgets_nothing_of_it(browser, outside, open_browser, make):
    request_approval(browser, outside)
    other = open_browser(make.tenant("globex"))
    assert WAITING not in text(other, "/t/globex/connect/slack/")
    assert (
        other.client.post(
            f"/t/globex/connect/waiting/{get_newest_authorization().public_id}/forget"
        ).status_code
        == 404
    )
    assert get_newest_authorization().state == "begun"


def test_a_system_that_sends_everybody_back_has_no_administrator_to_wait_for(browser):
    browser.get_consent_url("salesforce")
    page = text(browser, "/t/acme/connect/salesforce/")
    assert (
        "Started, but not finished" in page
        and "administrator of your Salesforce approves" not in page
    )


def test_a_guest_finds_it_by_the_link(guest, link, outside):
    guest.opens(link)
    page = guest.client.get("/connect/link/").content.decode()
    assert WAITING in page and "under Apps, Requests" in page
    assert WAITING not in guest.client.get(f"/connect/link/{link.token}/").content.decode()


def test_what_guests_of_a_link_began_is_none_of_the_tenants_attempts(browser, guest, link, outside):
    guest.opens(link)
    assert Authorization.unscoped.get().link == link and WAITING not in text(browser, WIZARD)


def test_an_administrators_refusal_names_the_decision(browser, outside):
    outside.world(slack=[{"team": "T0000ACME", "approval": "refused"}])
    page = browser.connect_account("slack")
    shown = page.context["problem"]
    assert (
        get_problem_code(page) == "not_let_in"
        and "Access was not allowed" not in page.content.decode()
    )
    assert "only an administrator can change this" in shown.cause
    assert (
        shown.responsible_text == "An administrator of your Slack can fix it."
        and "Restricted Apps" in shown.text
    )
