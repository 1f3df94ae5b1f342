"""Who was interrupted goes on where it stopped, and who gives it up leaves nothing behind."""

from datetime import timedelta

import pytest

from hub.connections.credentials.abandoned_authorizations import end_abandoned_authorizations
from hub.connections.models import Authorization, Connection, Revocation
from hub.db.clock import clock
from tests.hub.connections.browsers import count_connections, get_newest_authorization
from tests.markup import normalize_markup

pytestmark = pytest.mark.django_db

HOME, CATALOGUE, WIZARD = "/t/acme/", "/t/acme/catalogue/", "/t/acme/connect/salesforce/"
PAGES = (HOME, CATALOGUE)


def text(browser, url):
    return normalize_markup(browser.client.get(url).content.decode())


def has_continue_link(browser, page):
    return f'class="button primary" href="{page}">Continue<' in text(browser, HOME)


def build_resume_url():
    """The first step, with what was said before."""
    return f"{WIZARD}?waiting={get_newest_authorization().public_id}"


@pytest.mark.parametrize("page", PAGES)
def test_who_left_for_the_other_system_and_comes_back_goes_on(browser, page):
    assert "Continue" not in text(browser, page)
    browser.get_consent_url("salesforce", name="Sales", environment="sandbox")
    assert f'href="{build_resume_url()}">Continue<' in text(browser, page)
    form = text(browser, WIZARD)
    assert (
        "Started, but not finished" in form
        and 'value="Sales"' in form
        and "Try again at Salesforce" in form
    )
    assert 'value="sandbox" aria-describedby="environment-sandbox-help" checked' in form


def test_who_has_said_yes_there_goes_on_at_the_question_in_the_same_browser(
    browser, open_browser, acme
):
    browser.connect_account("salesforce")
    assert has_continue_link(browser, f"/connect/confirm/{get_newest_authorization().public_id}/")
    assert "Continue: confirm the account" in text(browser, WIZARD)
    colleague = open_browser(acme, "admin")
    assert has_continue_link(colleague, build_resume_url()) and "Continue: confirm" not in text(
        colleague, WIZARD
    )


def test_it_can_still_go_on_when_the_attempt_has_ended(browser):
    browser.connect_account("salesforce")
    end_abandoned_authorizations(now=clock() + timedelta(minutes=11))
    assert get_newest_authorization().reason == "late" and has_continue_link(
        browser, build_resume_url()
    )


def test_an_attempt_is_not_offered_again_after_a_day(browser, make, acme):
    make.authorization(acme, "salesforce", now=clock() - timedelta(hours=25))
    assert "Continue" not in text(browser, HOME)


@pytest.mark.parametrize("how", ["connected", "denied", "cancelled"])
def test_what_has_an_end_does_not_go_on(browser, how):
    if how == "denied":
        browser.follow_callback(browser.deny(browser.get_consent_url("salesforce")))
    else:
        browser.submit(
            browser.connect_account("salesforce"),
            do={"connected": "confirm", "cancelled": "cancel"}[how],
        )
    assert "Continue" not in text(browser, HOME)


def test_giving_it_up_leaves_nothing_behind(browser):
    browser.connect_account("salesforce")
    answer = browser.client.post(
        f"/t/acme/connect/waiting/{get_newest_authorization().public_id}/forget"
    )
    assert answer.headers["Location"] == HOME
    row = get_newest_authorization()
    assert (row.state, row.sealed, count_connections()) == ("cancelled", None, 0)
    assert Revocation.unscoped.get().open()["secret"]["access_token"]
    assert "Continue" not in text(browser, HOME)


def test_cancel_on_the_way_there_leaves_nothing_behind(browser):
    page = browser.begin("salesforce").content.decode()
    give_up = f"/t/acme/connect/waiting/{get_newest_authorization().public_id}/forget"
    assert f'action="{give_up}"' in page
    browser.client.post(give_up)
    assert get_newest_authorization().state == "cancelled" and "Continue" not in text(browser, HOME)
    assert not Connection.unscoped.exists()


def test_what_is_authorized_again_goes_on_at_its_own_page(browser, make, acme):
    row = make.connection(acme, "salesforce")
    browser.get_consent_url("salesforce", connection=str(row.public_id))
    assert "Not authorized again yet" in text(browser, HOME)
    assert has_continue_link(browser, f"/t/acme/connections/{row.public_id}/reconnect/")


def test_a_member_sees_it_and_has_no_button(browser, open_browser, acme):
    browser.get_consent_url("salesforce")
    member = open_browser(acme, "member")
    for page in PAGES:
        page_text = text(member, page)
        assert "ot finished" in page_text or "Not connected yet" in page_text
        assert "Continue" not in page_text and "Cancel this attempt" not in page_text
    url = f"/t/acme/connect/waiting/{get_newest_authorization().public_id}/forget"
    assert (
        member.client.post(url).status_code == 403 and Authorization.unscoped.get().state == "begun"
    )


@pytest.mark.parametrize("status", [503, 500])
def test_an_outage_while_authorizing_is_what_the_pages_tell_and_not_an_administrator(
    browser, outside, status
):
    address = browser.allow(browser.get_consent_url("slack"))
    outside.fault("slack", status=status)
    browser.follow_callback(address)
    assert (get_newest_authorization().state, get_newest_authorization().reason) == (
        "failed",
        "unavailable",
    )
    for page in (HOME, "/t/acme/connect/slack/"):
        page_text = text(browser, page)
        assert "Slack does not respond" in page_text and "was not completed" not in page_text
        assert "Waiting for an administrator" not in page_text
