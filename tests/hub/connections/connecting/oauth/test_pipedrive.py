"""Pipedrive is let in like the others, though its answer names no company and its permissions are
not asked for.
"""

from datetime import timedelta

import pytest

from hub.connections.models import Connection, Credential
from hub.connections.status.expiry_forecast import list_expiring_connections
from hub.db.clock import clock
from tests.factories import MINUTE
from tests.hub.connections.browsers import count_connections, get_problem_code, query_of

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


def test_a_company_is_connected_after_it_was_confirmed(browser, acme):
    page = browser.connect_account("pipedrive")
    assert "Acme (Ann Archer)" in page.content.decode() and count_connections() == 0
    browser.submit(page)
    row = Connection.objects.of(acme).get()
    assert (row.state, row.account, row.account_name) == ("healthy", "701", "Acme (Ann Archer)")
    assert row.missing_permissions == []


def test_the_hour_that_its_token_lives_is_kept(browser):
    browser.submit(browser.connect_account("pipedrive"))
    left = Credential.unscoped.get().expires_at - clock()
    assert 3500 < left.total_seconds() <= 3600


def test_an_unused_authorization_ends_after_60_days_and_staff_see_it_a_week_before(browser, acme):
    browser.submit(browser.connect_account("pipedrive"))
    ends = Credential.unscoped.get().grant_expires_at
    assert ends - clock() == pytest.approx(60 * DAY, abs=MINUTE)
    Credential.unscoped.update(refresh_due_at=None, expires_at=None)  # somebody paused it
    assert not list_expiring_connections(Connection.objects.of(acme), now=ends - 8 * DAY)
    assert [
        entry.reason
        for entry in list_expiring_connections(Connection.objects.of(acme), now=ends - 7 * DAY)
    ] == ["unused"]


def test_nothing_is_asked_that_the_registration_says(browser):
    query = query_of(browser.get_consent_url("pipedrive"))
    assert not {"scope", "code_challenge"} & set(query)


def test_what_the_registration_lacks_is_shown(browser, outside):
    outside.world(pipedrive=[{"company": "701", "scopes": "base,deals:full"}])
    page = browser.connect_account("pipedrive")
    assert [entry.key for entry in page.context["missing"]] == [
        "contacts:full",
        "leads:full",
        "activities:full",
    ]


def test_a_person_says_no(browser):
    page = browser.follow_callback(browser.deny(browser.get_consent_url("pipedrive")))
    assert get_problem_code(page) == "denied" and count_connections() == 0


def test_a_company_whose_account_is_not_open_is_not_connected(browser, outside):
    outside.world(pipedrive=[{"company": "701", "closed": True}])
    page = browser.connect_account("pipedrive")
    assert get_problem_code(page) == "account_closed" and count_connections() == 0


def test_a_company_that_is_closed_before_it_was_confirmed_is_not_connected(browser, outside):
    page = browser.connect_account("pipedrive")
    outside.world(pipedrive=[{"company": "701", "closed": True}])
    assert get_problem_code(browser.submit(page)) == "account_closed" and count_connections() == 0


def test_an_answer_that_names_another_host_is_not_believed(browser, outside):
    outside.fault("pipedrive", path="oauth/token", changes={"api_domain": "https://evil.example"})
    page = browser.connect_account("pipedrive")
    assert get_problem_code(page) == "host_refused" and count_connections() == 0
