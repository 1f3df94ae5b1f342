"""States, browsers and people that do not belong together: nothing is stored."""

from datetime import timedelta

import pytest

from connectors.registry import CONNECTORS
from hub.connections.models import Authorization, Revocation
from hub.db.clock import clock
from tests.hub.connections.authorize_attacks.attempts import back_with
from tests.hub.connections.browsers import CLIENTS, Browser, problem, query_of, under_way

pytestmark = pytest.mark.django_db


def test_no_system_is_left_out():
    assert set(CLIENTS) == {
        connector.key for connector in CONNECTORS.values() if connector.needs_oauth
    }


@pytest.mark.parametrize("state", [None, "", "x" * 43, "x" * 1_000_000, "\x00", "ü"], ids=str)
def test_a_state_that_nobody_was_given(browser, state, system):
    page = back_with(browser, system, state=state and state[:100_000])
    assert page.status_code == 400 and problem(page) in (
        "state_missing",
        "state_unknown",
        "begun_at_marketplace",
    )


def test_two_states_are_none(browser, system):
    came = query_of(browser.allow(browser.sent_to(system)))
    page = browser.client.get(
        f"/connect/{system}/callback",
        {"state": [came["state"], "x"], "code": came["code"]},
        follow=True,
    )
    assert problem(page) == "state_missing"


def test_a_state_that_was_used(browser, system):
    back = browser.allow(browser.sent_to(system))
    browser.comes_back(back)
    page = browser.comes_back(back)
    assert problem(page) == "reused"


def test_a_state_that_is_ten_minutes_and_a_second_old(browser, system):
    back = browser.allow(browser.sent_to(system))
    Authorization.unscoped.update(expires_at=clock() - timedelta(seconds=1))
    assert problem(browser.comes_back(back)) == "late"
    assert under_way().reason == "late"


def test_a_confirmation_that_comes_late(browser):
    page = browser.connects("salesforce")
    Authorization.unscoped.update(expires_at=clock() - timedelta(seconds=1))
    assert problem(browser.says(page)) == "late"
    assert Revocation.unscoped.count() == 1


def test_the_address_of_consent_opened_in_another_browser(browser, another, make, system):
    """A victim finishes what an attacker began: their account must not land at the attacker's
    tenant.
    """
    victim = another(make.tenant("victim"))
    page = victim.comes_back(victim.allow(browser.sent_to(system)))
    assert problem(page) == "other_browser" and page.context["problem"].text


def test_the_same_person_in_another_browser(browser, acme, system):
    elsewhere = Browser(browser.user, acme)
    elsewhere.sent_to(system)
    page = elsewhere.comes_back(browser.allow(browser.sent_to(system)))
    assert problem(page) == "other_browser"


def test_another_person_in_the_same_browser(browser, another, acme, system):
    back = browser.allow(browser.sent_to(system))
    kept = browser.client.session["connecting"]
    browser.client.force_login(another(acme).user)
    session = browser.client.session
    session["connecting"] = kept
    session.save()
    assert problem(browser.comes_back(back)) == "other_user"


def test_nobody_in_the_browser_at_all(browser, system):
    back = browser.allow(browser.sent_to(system))
    browser.client.logout()
    assert problem(browser.comes_back(back)) == "other_browser"


def test_somebody_who_has_lost_the_right_meanwhile(browser, system):
    page = browser.connects(system)
    browser.user.memberships.update(role="member")
    assert browser.says(page).status_code == 403
    browser.user.memberships.all().delete()
    assert browser.says(page).status_code == 404


def test_a_tenant_that_the_person_belongs_to_beside_is_not_the_one(browser, make, system):
    """The tenant is that of the beginning, whatever else is open in the browser."""
    make.membership(make.tenant("beside"), browser.user, role="owner")
    page = browser.connects(system)
    assert page.context["row"].tenant.reference == "acme"
