"""States, browsers and people that do not belong together: nothing is stored."""

from datetime import timedelta

import pytest

from connectors.registry import CONNECTORS
from hub.connections.models import Authorization, Revocation
from hub.db.clock import clock
from tests.hub.connections.authorize_attacks.attempts import call_back_with
from tests.hub.connections.browsers import (
    CLIENTS,
    Browser,
    get_newest_authorization,
    get_problem_code,
    query_of,
)

pytestmark = pytest.mark.django_db


def test_no_system_is_left_out():
    assert set(CLIENTS) == {
        connector.key for connector in CONNECTORS.values() if connector.needs_oauth
    }


@pytest.mark.parametrize("state", [None, "", "x" * 43, "x" * 1_000_000, "\x00", "ü"], ids=str)
def test_an_unknown_state(browser, state, system):
    page = call_back_with(browser, system, state=state and state[:100_000])
    assert page.status_code == 400 and get_problem_code(page) in (
        "state_missing",
        "state_unknown",
        "begun_at_marketplace",
    )


def test_two_states_are_none(browser, system):
    came = query_of(browser.allow(browser.get_consent_url(system)))
    page = browser.client.get(
        f"/connect/{system}/callback",
        {"state": [came["state"], "x"], "code": came["code"]},
        follow=True,
    )
    assert get_problem_code(page) == "state_missing"


def test_a_state_that_was_used(browser, system):
    back = browser.allow(browser.get_consent_url(system))
    browser.follow_callback(back)
    page = browser.follow_callback(back)
    assert get_problem_code(page) == "reused"


def test_a_state_that_is_ten_minutes_and_a_second_old(browser, system):
    back = browser.allow(browser.get_consent_url(system))
    Authorization.unscoped.update(expires_at=clock() - timedelta(seconds=1))
    assert get_problem_code(browser.follow_callback(back)) == "late"
    assert get_newest_authorization().reason == "late"


def test_a_confirmation_that_comes_late(browser):
    page = browser.connect_account("salesforce")
    Authorization.unscoped.update(expires_at=clock() - timedelta(seconds=1))
    assert get_problem_code(browser.submit(page)) == "late"
    assert Revocation.unscoped.count() == 1


def test_the_address_of_consent_opened_in_another_browser(browser, open_browser, make, system):
    """A victim finishes what an attacker began: their account must not land at the attacker's
    tenant.
    """
    victim = open_browser(make.tenant("victim"))
    page = victim.follow_callback(victim.allow(browser.get_consent_url(system)))
    assert get_problem_code(page) == "other_browser" and page.context["problem"].text


def test_the_same_person_in_another_browser(browser, acme, system):
    elsewhere = Browser(browser.user, acme)
    elsewhere.get_consent_url(system)
    page = elsewhere.follow_callback(browser.allow(browser.get_consent_url(system)))
    assert get_problem_code(page) == "other_browser"


def test_another_person_in_the_same_browser(browser, open_browser, acme, system):
    back = browser.allow(browser.get_consent_url(system))
    kept = browser.client.session["connecting"]
    browser.client.force_login(open_browser(acme).user)
    session = browser.client.session
    session["connecting"] = kept
    session.save()
    assert get_problem_code(browser.follow_callback(back)) == "other_user"


def test_a_browser_without_any_session(browser, system):
    back = browser.allow(browser.get_consent_url(system))
    browser.client.logout()
    assert get_problem_code(browser.follow_callback(back)) == "other_browser"


def test_a_person_who_lost_the_permission_meanwhile(browser, system):
    page = browser.connect_account(system)
    browser.user.memberships.update(role="member")
    assert browser.submit(page).status_code == 403
    browser.user.memberships.all().delete()
    assert browser.submit(page).status_code == 404


def test_a_tenant_that_the_person_belongs_to_beside_is_not_the_one(browser, make, system):
    """The tenant is that of the beginning, whatever else is open in the browser."""
    make.membership(make.tenant("beside"), browser.user, role="owner")
    page = browser.connect_account(system)
    assert page.context["row"].tenant.reference == "acme"
