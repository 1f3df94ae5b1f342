"""What people meet on their way: the doors, second factors, links, what is confirmed, and each way
to fail.
"""

import secrets
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from hub.connections.connecting.oauth.session import digest_browser_value
from hub.connections.connecting.troubleshooting import PROBLEMS
from hub.connections.models import Authorization, ConnectLink
from hub.connections.views.oauth_begin import BROWSER_SESSION_KEY
from hub.db.clock import clock
from hub.outgoing.models import Delivery
from tenants.models import Tenant
from tests.hub.outgoing.operating import planned
from tests.journeys.axe import LOOKS, assert_accessible, wrong_as_it_is
from tests.journeys.chromium import window
from tests.tenants.door import come_as_guest, sign_in, with_totp

pytestmark = [pytest.mark.desk, pytest.mark.django_db]

HERE = "the browser of the test"
looks = pytest.mark.parametrize("look", LOOKS)


@pytest.fixture
def acme(make):
    make.app("slack", {"client_id": "hub.slack", "client_secret": "secret"})
    return make.tenant("acme", name="Acme Teas")


@pytest.fixture
def ann(make, acme):
    return make.membership(acme, make.user(name="Ann Example"), role="owner").user


@pytest.fixture
def signed_in(client, ann):
    """Just now, so that nothing asks again who it is."""
    sign_in(client, ann.email)
    session = client.session
    session[BROWSER_SESSION_KEY] = HERE
    session.save()
    return client


@pytest.fixture
def came_back(make, acme, ann):
    """An attempt of Ann's, as it stands after she came back: the address of its page."""

    def came_back(connector="slack", state="granted", **fields):
        now = clock()
        row = Authorization.unscoped.create(
            tenant=acme,
            connector_key=connector,
            name=connector,
            user=ann,
            browser=digest_browser_value(HERE),
            state=state,
            digest=secrets.token_hex(32),
            redirect_uri="https://hub.test/",
            return_to="/t/acme/",
            created_at=now,
            expires_at=now + timedelta(minutes=10),
            **fields,
        )
        return f"/connect/confirm/{row.public_id}/"

    return came_back


# --- connecting ---


def test_every_way_to_fail_can_be_read(browser, signed_in, came_back):
    """Their pages differ by their words alone."""
    half = list(PROBLEMS)[::2]
    of_nobody = [f"/connect/slack/refused/{code}/" for code in PROBLEMS if code not in half]
    of_an_attempt = [
        came_back("salesforce", "failed", reason=code, detail="what Salesforce said")
        for code in half
    ]
    assert_accessible(browser, signed_in, *of_nobody, *of_an_attempt, looks=["dark and narrow"])


@looks
def test_a_login_host_that_is_refused_can_be_read_and_corrected(
    browser, signed_in, make, acme, look
):
    make.app("salesforce", {"client_id": "hub.salesforce", "client_secret": "secret"})
    scheme, width = LOOKS[look]
    with window(
        browser, signed_in, color_scheme=scheme, viewport={"width": width, "height": 900}
    ) as page:
        page.goto("/t/acme/connect/salesforce/")
        assert wrong_as_it_is(page, width) == []
        page.get_by_label("Our own login address (My Domain)").check()
        page.get_by_label("Login host", exact=True).fill("https://acme.my.salesforce.com/")
        page.get_by_role("button", name="Authorize at Salesforce").click()
        expect(page.get_by_label("Login host", exact=True)).to_have_value(
            "https://acme.my.salesforce.com/"
        )
        assert wrong_as_it_is(page, width) == []


def test_a_way_to_fail_can_be_read_in_each_look(browser, signed_in, make, acme, came_back):
    row = make.connection(acme, "slack", account_name="Acme")
    pages = [
        came_back(state="failed", reason="wrong_account", connection=row),
        came_back(state="begun"),
    ]
    assert_accessible(browser, signed_in, "/connect/slack/refused/not_approved/", *pages)


def test_what_is_confirmed_can_be_read(browser, signed_in, make, acme, came_back):
    connection = make.connection(acme, "slack", account="T1", account_name="Acme")
    make.connection(make.tenant("globex"), "slack", account="T3")
    pages = [
        came_back(
            account="T2",
            account_name="Two",
            permissions=["chat:write", "chat:write.public", "channels:read"],
        ),
        came_back(
            account="T3",
            account_name="A name that is longer than most names of a workspace are",
            permissions=[],
        ),
        came_back(account="T1", account_name="Acme"),
        came_back(account="T2", account_name="Two", connection=connection),
        came_back("salesforce", account="00D000000000001EAA", environment="sandbox"),
    ]
    assert_accessible(browser, signed_in, *pages)


def test_what_was_begun_and_not_finished_can_be_read(browser, signed_in, came_back):
    came_back(account="T2", account_name="Two", permissions=["chat:write"])
    assert_accessible(
        browser, signed_in, "/t/acme/", "/t/acme/catalogue/", "/t/acme/connect/slack/"
    )


@looks
def test_the_page_that_sends_a_person_away_can_be_read(browser, signed_in, look):
    scheme, width = LOOKS[look]
    with window(
        browser, signed_in, color_scheme=scheme, viewport={"width": width, "height": 900}
    ) as page:
        page.goto("/t/acme/connect/slack/")
        page.get_by_role("button", name="Authorize at Slack").click()
        expect(page.get_by_role("heading", name="Continue to Slack…")).to_be_visible()
        assert wrong_as_it_is(page, width) == [] == page.complaints


# --- links ---


def test_links_can_be_followed(browser, client, make, acme):
    connect, again = make.connect_link(acme, "slack"), make.connect_link(acme, "splunk")
    come_in = make.portal_link(acme, name="Gwen Guest")
    ConnectLink.unscoped.filter(pk=again.pk).update(revoked_at=clock())
    pages = [
        f"/connect/link/{connect.token}/",
        f"/connect/link/{again.token}/",
        "/connect/link/none/",
        "/enter/none/",
    ]
    assert_accessible(browser, client, *pages)
    assert client.get(f"/enter/{come_in.token}/").status_code == 200


def test_who_is_signed_in_can_read_what_a_link_is_for(browser, signed_in, make, acme):
    come_in, connect = make.portal_link(acme, name="Gwen"), make.connect_link(acme, "slack")
    assert_accessible(
        browser, signed_in, f"/enter/{come_in.token}/", f"/connect/link/{connect.token}/"
    )


def test_a_guest_can_read_what_is_not_for_guests_and_that_the_visit_is_over(
    browser, client, make, acme
):
    come_as_guest(client, make.portal_link(acme))
    assert_accessible(browser, client, "/t/acme/members/")
    session = client.session
    session["visiting"] |= {"until": (clock() - timedelta(minutes=1)).isoformat()}
    session.save()
    assert_accessible(browser, client, "/t/acme/")


# --- the doors ---


def test_who_is_outside_can_come_in(browser, client, make, acme):
    invitation = make.invitation(acme)
    pages = [
        "/accounts/signup/",
        "/accounts/password/reset/done/",
        "/accounts/inactive/",
        "/invitations/none/",
    ]
    assert_accessible(browser, client, *pages, f"/invitations/{invitation.token}/", "/no/such/page")


def test_an_account_can_be_looked_after(browser, signed_in, ann, make, acme):
    other = make.membership(acme, make.user(name="Bob Example"))
    make.membership(make.tenant("globex", name="Globex Coffee"), ann)
    make.invitation(acme, "an-address-that-is-longer-than-most@a-company-with-a-long-name.example")
    pages = [
        "/accounts/password/change/",
        "/accounts/email/",
        "/accounts/logout/",
        "/t/",
        "/t/acme/members/",
    ]
    assert_accessible(browser, signed_in, *pages, f"/t/acme/members/{other.public_id}/remove")


def test_a_second_factor_can_be_set_up_and_shown(browser, signed_in, client, ann):
    assert_accessible(browser, signed_in, "/accounts/2fa/", "/accounts/2fa/totp/activate/")
    with_totp(ann)
    codes = "/accounts/2fa/recovery-codes/"
    pages = [
        "/accounts/2fa/",
        "/accounts/2fa/totp/deactivate/",
        f"{codes}generate/",
        "/accounts/2fa/reauthenticate/",
    ]
    assert_accessible(browser, signed_in, *pages, "/accounts/reauthenticate/")
    client.logout()
    sign_in(client, ann.email)
    assert_accessible(browser, client, "/accounts/2fa/authenticate/")


def test_staff_read_what_comes_before_their_first_factor(browser, client, make):
    client.force_login(make.staff())
    assert_accessible(browser, client, "/accounts/2fa/totp/activate/")


def test_the_picture_to_scan_is_black_on_white_in_the_dark_too(browser, signed_in):
    with window(browser, signed_in, color_scheme="dark") as page:
        page.goto("/accounts/2fa/totp/activate/")
        expect(page.locator("img.qr")).to_have_css("background-color", "rgb(255, 255, 255)")


# --- rows of the log ---


def test_what_became_of_an_event_can_be_read(browser, signed_in, make, acme):
    connection = make.connection(acme)
    stopped = []
    for state, reason in [
        ("failed", "exhausted"),
        ("held", "mapping_failed"),
        ("held", "identity_missing"),
    ]:
        row = make.delivery(connection, now=clock())
        detail = "no identity of kind user is known for 7"
        Delivery.unscoped.filter(pk=row.pk).update(state=state, reason=reason, detail=detail)
        stopped.append(row)
    operation = planned("cancel", Tenant.objects.get())
    pages = [f"/t/acme/deliveries/{row.public_id}/" for row in stopped]
    pages += [
        f"/t/acme/events/{stopped[0].event.public_id}/",
        f"/t/acme/operations/{operation.public_id}/",
    ]
    assert_accessible(browser, signed_in, *pages)
