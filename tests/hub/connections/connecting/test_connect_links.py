"""Somebody without an account connects one system for one tenant, by a link that works once."""

from datetime import timedelta

import pytest
from django.test import Client

from hub.audit import AuditRow
from hub.connections.models import Authorization, Connection, ConnectLink, Revocation
from hub.db.clock import clock
from tests.hub.connections.browsers import Guest, count_connections, get_problem_code, query_of

pytestmark = pytest.mark.django_db

LINKS = "/t/acme/links/"


def state(link):
    return ConnectLink.unscoped.get(pk=link.pk).state(clock())


# --- the way of a guest ---


def test_a_guest_connects_by_oauth(guest, link, acme):
    page = guest.connect_account(link)
    assert b"Acme Teas" in page.content and state(link) == "opened"
    answer = guest.submit(page)
    assert answer.headers["Location"] == "/connect/link/done/"
    connection = Connection.unscoped.get()
    assert (connection.tenant, connection.connector_key, connection.connected_by) == (
        acme,
        "slack",
        None,
    )
    assert state(link) == "used" and ConnectLink.unscoped.get().connection == connection
    assert connection.name in guest.client.get("/connect/link/done/").content.decode()


def test_the_page_says_what_is_asked_and_by_whom(guest, link):
    page = guest.client.get(f"/connect/link/{link.token}/").content.decode()
    assert "Acme Teas asks you" in page and "chat:write" in page


def test_looking_uses_nothing_up(guest, link):
    url = f"/connect/link/{link.token}/"
    for bot in (Client(), Client()):
        assert (bot.get(url).status_code, bot.head(url).status_code) == (200, 200)
        assert not bot.session.keys()
    assert state(link) == "pending"
    assert guest.opens(link).status_code == 200


def test_an_attempt_that_was_refused_is_tried_again_in_the_same_browser(guest, link):
    page = guest.follow_callback(guest.deny(guest.opens(link).context["url"]))
    assert get_problem_code(page) == "not_let_in" and b"/connect/link/start" in page.content
    away = guest.client.post("/connect/link/start")
    assert guest.submit(guest.follow_callback(guest.allow(away.context["url"]))).status_code == 302
    assert count_connections() == 1


def test_who_cancels_is_back_at_the_link(guest, link):
    answer = guest.submit(guest.connect_account(link), do="cancel")
    assert answer.headers["Location"] == "/connect/link/"
    assert guest.client.get("/connect/link/").status_code == 200 and state(link) == "opened"


def test_a_guest_connects_an_account_again(make, guest, outside, acme):
    before = make.connection(acme, "slack", account="T0000ACME", name="Our Slack")
    before.transition_to("needs_reconnect", reason="token_revoked")
    page = guest.connect_account(make.connect_link(acme, "slack", connection=before))
    guest.submit(page)
    before.refresh_from_db()
    assert (count_connections(), before.state) == (1, "healthy")


def test_a_guest_does_not_put_another_account_in_its_place(make, guest, outside, acme):
    before = make.connection(acme, "slack", account="T0000ELSE")
    page = guest.connect_account(make.connect_link(acme, "slack", connection=before))
    guest.submit(page, do="replace")
    before.refresh_from_db()
    assert before.account == "T0000ELSE" and count_connections() == 1


def test_a_guest_fills_in_what_a_webhook_needs(make, guest, outside, acme):
    link = make.connect_link(acme)
    assert guest.opens(link).headers["Location"] == "/connect/link/fill-in/"
    page = guest.client.post("/connect/link/fill-in/", {"url": f"{outside.url}/webhook/sink"})
    assert b"whsec_" in page.content and state(link) == "used"
    assert Connection.unscoped.get().tenant == acme
    assert guest.client.get("/connect/link/fill-in/").status_code == 404


def test_what_does_not_pass_its_test_is_not_kept(make, guest, outside, acme):
    link = make.connect_link(acme)
    guest.opens(link)
    page = guest.client.post("/connect/link/fill-in/", {"url": "https://10.0.0.1/"})
    assert page.status_code in (200, 422) and count_connections() == 0 and state(link) == "opened"


def test_who_did_it_stands_in_the_audit(guest, link):
    guest.submit(guest.connect_account(link))
    row = AuditRow.objects.get(verb="connection.connect")
    assert (row.actor_kind, row.actor_id) == ("guest", f"link {link.public_id}")


def test_a_guest_allows_what_may_be_left_out(guest, link):
    assert "users:read.email" in guest.client.get(f"/connect/link/{link.token}/").content.decode()
    data = {"optional": ["users:read"]}
    asked = query_of(guest.client.post(f"/connect/link/{link.token}/", data).context["url"])[
        "scope"
    ].split(",")
    assert "users:read" in asked and "users:read.email" not in asked


# --- attacks ---


def test_a_link_that_was_used(guest, link):
    guest.submit(guest.connect_account(link))
    for browser in (guest, Guest()):
        assert browser.opens(link).status_code == 404
    assert guest.client.post("/connect/link/start").status_code == 404
    assert count_connections() == 1


def test_a_link_that_is_a_day_old(make, guest, outside, acme):
    link = make.connect_link(acme, "slack", now=clock() - timedelta(hours=24))
    assert guest.client.get(f"/connect/link/{link.token}/").status_code == 404
    assert guest.opens(link).status_code == 404


def test_a_link_that_was_taken_back(guest, link, browser):
    browser.client.post(f"{LINKS}{link.public_id}/revoke")
    assert guest.opens(link).status_code == 404 and state(link) == "revoked"


@pytest.mark.parametrize("column", ["revoked_at", "expires_at", "used_at"])
def test_a_link_that_ends_on_the_way(guest, link, column):
    page = guest.connect_account(link)
    ConnectLink.unscoped.update(**{column: clock()})
    assert get_problem_code(guest.submit(page)) == "link_ended"
    assert count_connections() == 0 and Revocation.unscoped.count() == 1


def test_a_link_that_ends_while_a_form_is_filled_in(make, guest, outside, acme):
    guest.opens(make.connect_link(acme))
    ConnectLink.unscoped.update(revoked_at=clock())
    assert (
        guest.client.post(
            "/connect/link/fill-in/", {"url": f"{outside.url}/webhook/sink"}
        ).status_code
        == 404
    )
    assert count_connections() == 0


def test_a_link_that_is_opened_in_two_browsers(guest, link):
    guest.opens(link)
    second = Guest()
    assert b"another browser" in second.opens(link).content
    assert second.client.post("/connect/link/start").status_code == 404


def test_the_address_of_consent_opened_in_another_browser(guest, link, make, acme):
    consent = guest.opens(link).context["url"]
    victim = Guest()
    victim.opens(make.connect_link(acme, "slack"))
    assert get_problem_code(victim.follow_callback(victim.allow(consent))) == "other_browser"
    assert count_connections() == 0


def test_the_confirm_page_in_another_browser(guest, link, make, acme):
    page = guest.connect_account(link)
    second = Guest()
    second.opens(make.connect_link(acme, "slack"))
    assert second.submit(page).status_code == 404 and count_connections() == 0


def test_a_person_who_signs_in_meanwhile_is_another_person(guest, link, make, acme):
    page = guest.connect_account(link)
    guest.client.force_login(make.membership(acme, make.user(), role="owner").user)
    assert guest.submit(page).status_code == 404 and count_connections() == 0


def test_the_link_of_one_system_begins_no_other(guest, link):
    guest.opens(link)
    assert guest.client.post("/t/acme/connect/salesforce/authorize").status_code == 302
    assert guest.client.get("/connect/link/fill-in/").status_code == 404
    assert set(Authorization.unscoped.values_list("connector_key", flat=True)) == {"slack"}


@pytest.mark.parametrize("same", [True, False])
def test_a_planted_session_grants_nothing(make, guest, link, acme, same):
    attacker = Guest()
    attacker.opens(link if same else make.connect_link(acme, "slack"))
    guest.client.cookies["sessionid"] = attacker.client.cookies["sessionid"].value
    assert guest.opens(link).status_code == 200
    assert guest.client.cookies["sessionid"].value != attacker.client.cookies["sessionid"].value
    assert attacker.client.post("/connect/link/start").status_code == 404


def test_who_is_signed_in_stays_who_they_are(browser, link):
    page = browser.client.post(f"/connect/link/{link.token}/")
    assert browser.user.email in page.content.decode() and state(link) == "pending"
    assert browser.client.get(LINKS).status_code == 200


def test_a_guest_has_no_other_page(guest, link):
    guest.opens(link)
    for url in ("/admin/", "/t/", "/t/acme/", LINKS, "/accounts/email/"):
        answer = guest.client.get(url)
        assert answer.status_code == 302 and "login" in answer.headers["Location"], url


def test_a_visitor_of_the_portal_is_not_that_guest(make, guest, link):
    """Our own application may call a person whatever it likes."""
    page = guest.connect_account(link)
    another = make.portal_link(link.tenant, reference=f"link:{link.public_id}")
    guest.client.post(f"/enter/{another.token}/")
    assert guest.submit(page).status_code == 404


def test_an_unknown_token(guest, db):
    for token in ("x" * 43, "ü", "a" * 10_000):
        assert guest.client.post(f"/connect/link/{token}/").status_code == 404


def test_the_token_is_kept_nowhere(guest, link, caplog):
    caplog.set_level("DEBUG")
    guest.submit(guest.connect_account(link))
    kept = [ConnectLink, Authorization, AuditRow]
    rows = str([list(model._base_manager.values()) for model in kept]) + str(
        dict(guest.client.session)
    )
    assert link.token not in rows + caplog.text


def test_the_address_is_not_disclosed(guest, link):
    page = guest.client.get(f"/connect/link/{link.token}/")
    away = guest.opens(link)
    assert (page.headers["Referrer-Policy"], away.headers["Referrer-Policy"]) == (
        "strict-origin",
        "no-referrer",
    )
    assert (
        "no-store" in page.headers["Cache-Control"] and "no-store" in away.headers["Cache-Control"]
    )


def test_the_button_works_with_the_check_of_forms(link):
    client, url = Client(enforce_csrf_checks=True), f"/connect/link/{link.token}/"
    assert client.post(url).status_code == 403
    client.get(url)
    data = {"csrfmiddlewaretoken": client.cookies["csrftoken"].value}
    assert client.post(url, data, headers={"Origin": "https://hub.test"}).status_code == 200
