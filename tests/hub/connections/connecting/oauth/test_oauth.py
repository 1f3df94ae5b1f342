"""A person lets us in: they are sent away, come back, confirm the account, and the connection
works.
"""

from datetime import timedelta

import pytest

from hub.audit import AuditRow
from hub.connections.credentials.abandoned_authorizations import end_abandoned_authorizations
from hub.connections.models import Authorization, Connection, Credential, Lane, Revocation
from hub.connections.tasks import run_revocation
from hub.db.clock import clock
from hub.prune.batches import RetentionCutoffs, prune_batches
from tests.factories import MINUTE
from tests.hub.connections.browsers import (
    ACME,
    count_connections,
    get_newest_authorization,
    get_problem_code,
    query_of,
)
from tests.tenants.door import PASSWORD

pytestmark = pytest.mark.django_db
both = pytest.mark.parametrize("connector", ["slack", "salesforce"])


def text(page):
    return page.content.decode()


@both
def test_an_account_is_connected_after_it_was_confirmed(browser, acme, connector):
    page = browser.connect_account(connector)
    assert "Acme Teas" in text(page) and count_connections() == 0
    answer = browser.submit(page)
    row = Connection.objects.of(acme).get()
    assert answer["Location"] == f"/t/acme/connections/{row.public_id}/connected/"
    assert (row.state, row.account, row.connected_by) == ("healthy", ACME[connector], browser.user)
    assert row.credential.open(row)["access_token"]
    assert (
        get_newest_authorization().state == "confirmed"
        and get_newest_authorization().sealed is None
    )


def test_the_audit_tells_who_connected_what(browser):
    browser.submit(browser.connect_account("slack"))
    row = AuditRow.objects.get(verb="connection.connect")
    assert (row.actor_label, row.after["account"]) == (browser.user.email, "T0000ACME")


def test_what_was_granted_and_what_is_missing_is_said_and_kept(browser, outside):
    outside.world(slack=[{"team": "T0000ACME", "scopes": "chat:write"}])
    page = browser.follow_callback(
        browser.allow(browser.get_consent_url("slack"), ticked=["users:read"])
    )
    assert [entry.key for entry in page.context["missing"]] == [
        "chat:write.public",
        "channels:read",
    ]
    assert page.context["missing_advice"].text
    browser.submit(page)
    assert Connection.unscoped.get().missing_permissions == ["chat:write.public", "channels:read"]


def test_a_reported_token_lifetime_is_stored(browser, outside):
    outside.world(
        slack=[{"team": "T0000ACME", "refresh_token": "xoxe-1-acme", "expires_in": 43200}]
    )
    browser.submit(browser.connect_account("slack"))
    left = Credential.unscoped.get().expires_at - clock()
    assert 43100 < left.total_seconds() <= 43200


def test_salesforce_is_asked_with_proof_and_slack_without(browser):
    assert query_of(browser.get_consent_url("salesforce"))["code_challenge_method"] == "S256"
    assert "code_challenge" not in query_of(browser.get_consent_url("slack"))


def test_the_page_goes_on_by_itself_and_has_a_link(browser):
    page = text(browser.begin("slack"))
    assert 'http-equiv="refresh"' in page and "Continue to Slack" in page


def test_the_address_is_sent_to_the_connector_only(browser):
    answer = browser.client.get(browser.allow(browser.get_consent_url("slack")))
    assert (answer.status_code, answer["Referrer-Policy"]) == (302, "no-referrer")
    assert "code=" not in answer["Location"] and "no-store" in answer["Cache-Control"]


def test_no_page_is_shown_at_an_address_that_holds_a_code(browser):
    answer = browser.client.get("/connect/slack/callback?state=nobodys&code=a-code")
    assert (answer.status_code, answer["Referrer-Policy"]) == (302, "no-referrer")
    assert answer["Location"] == "/connect/slack/refused/state_unknown/"


def test_pages_with_a_form_let_the_browser_say_where_it_comes_from(browser):
    """Otherwise it sends `Origin: null`, and the form is refused as forged."""
    page = browser.connect_account("slack")
    assert page["Referrer-Policy"] == "same-origin" and "no-referrer" not in text(page)


@pytest.mark.parametrize(
    "address", ["/connect/slack/refused/nothing/", "/connect/webhook/refused/late/"]
)
def test_what_is_no_problem_has_no_page(browser, address):
    assert browser.client.get(address).status_code == 404


def test_a_second_click_leads_to_the_same_connection(browser):
    page = browser.connect_account("slack")
    first, second = browser.submit(page), browser.submit(page)
    assert first["Location"] == second["Location"] and count_connections() == 1


def test_cancel_connects_nothing_and_gives_the_token_back(browser, outside):
    answer = browser.submit(browser.connect_account("salesforce"), "cancel")
    assert answer["Location"] == "/t/acme/" and count_connections() == 0
    row = Revocation.unscoped.get()
    run_revocation(f"revoke:{row.pk}")
    assert outside.ledger()[-1]["path"].endswith("/services/oauth2/revoke")
    assert not Revocation.unscoped.exists()


def test_what_is_abandoned_is_given_back_by_the_sweep(browser):
    browser.connect_account("salesforce")
    end_abandoned_authorizations(now=clock() + 11 * MINUTE)
    assert (
        get_newest_authorization().state,
        get_newest_authorization().reason,
        get_newest_authorization().sealed,
    ) == ("failed", "late", None)
    assert Revocation.unscoped.count() == 1


def test_a_token_that_a_connection_lives_on_is_not_given_back(browser, make):
    make.connection(make.tenant("other"), "slack", account="T0000ACME")
    browser.submit(browser.connect_account("slack"), "cancel")
    assert not Revocation.unscoped.exists()


def test_a_reconnect_keeps_id_history_and_what_waits(browser, make, acme):
    row = make.connection(acme, "slack", account="T0000ACME")
    delivery = make.delivery(row)
    row.mark_needs_reconnect("token_revoked", now=clock())
    page = browser.connect_account("slack", connection=str(row.public_id))
    assert page.context["plan"].kind == "reconnect"
    browser.submit(page)
    row.refresh_from_db()
    lane = Lane.unscoped.get(connection=row)
    assert (row.state, count_connections(), lane.hold_reason) == ("healthy", 1, "") and lane.due_at
    assert row.deliveries.get() == delivery
    assert row.credential.open(row)["access_token"] == "xoxb-acme-1"


def test_another_account_is_refused_and_the_old_one_goes_on(make, acme, open_browser):
    row = make.connection(acme, "slack", account="T0000ACME")
    browser = open_browser(acme, "admin")
    page = browser.connect_account("slack", place=1, connection=str(row.public_id))
    assert get_problem_code(page) == "wrong_account"
    assert get_problem_code(browser.submit(page, "replace")) == "wrong_account"
    row.refresh_from_db()
    assert (
        row.account == "T0000ACME" and row.credential.open(row)["access_token"] == "xoxb-test-token"
    )


def test_an_owner_may_replace_the_account_by_saying_so_and_who_they_are(browser, make, acme):
    row = make.connection(acme, "slack", account="T0000OLD1", account_name="Old")
    page = browser.connect_account("slack", connection=str(row.public_id))
    assert page.context["plan"].kind == "replace" and "identities" in text(page)
    assert browser.submit(page).status_code == 409
    asked = browser.submit(page, "replace")
    row.refresh_from_db()
    assert asked.url.startswith("/accounts/reauthenticate/") and row.account == "T0000OLD1"
    browser.client.post(asked.url, {"password": PASSWORD, "next": page.request["PATH_INFO"]})
    row.refresh_from_db()
    assert (row.account, row.account_name) == ("T0000ACME", "Acme")
    assert AuditRow.objects.get(verb="connection.replace").before["account"] == "T0000OLD1"
    assert Revocation.unscoped.get().account == "T0000OLD1"


def test_an_account_that_is_connected_here_is_renewed(browser, make, acme):
    make.connection(acme, "slack", account="T0000ACME")
    page = browser.connect_account("slack")
    assert page.context["plan"].kind == "renew"
    browser.submit(page)
    assert count_connections() == 1


def test_an_account_that_is_connected_elsewhere_is_said_without_saying_where(browser, make):
    make.connection(make.tenant("victim", name="Victim Ltd"), "slack", account="T0000ACME")
    page = browser.connect_account("slack")
    assert page.context["elsewhere"].code == "elsewhere" and "ictim" not in text(page)
    browser.submit(page)
    assert count_connections() == 2


def test_a_tenant_without_the_right_sees_nothing(make, acme, open_browser):
    stranger, member = open_browser(make.tenant("other")), open_browser(acme, "member")
    assert stranger.begin("slack", tenant=acme).status_code == 404
    assert member.begin("slack").status_code == 403
    assert not Authorization.unscoped.exists()


def test_another_tenants_connection_is_not_reconnected(browser, make):
    row = make.connection(make.tenant("other"), "slack", account="T0000ACME")
    assert browser.begin("slack", connection=str(row.public_id)).status_code == 404


@pytest.mark.parametrize("connector", ["webhook", "splunk", "app", "nothing"])
def test_what_is_connected_by_a_form_has_no_such_address(browser, connector):
    assert browser.begin(connector).status_code == 404
    assert browser.client.get(f"/connect/{connector}/callback?state=1").status_code == 404


def test_pages_ask_the_database_a_fixed_number_of_times(browser, django_assert_num_queries):
    page = browser.connect_account("slack")
    with django_assert_num_queries(7):
        browser.client.get(page.request["PATH_INFO"])


def test_what_became_of_attempts_goes_with_the_rows(browser):
    browser.get_consent_url("slack")
    Authorization.unscoped.update(state="failed", created_at=clock() - timedelta(days=91))
    list(prune_batches(RetentionCutoffs.at(clock())))
    assert not Authorization.unscoped.exists()
