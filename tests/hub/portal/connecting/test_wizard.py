"""Connecting in named steps, against the sandbox: tested before it is kept, and nothing is left of
what was not.
"""

import re
from html import unescape

import pytest

from hub.audit import AuditRow
from hub.connections.models import Connection, Credential
from hub.outgoing.models import Delivery, Route
from tests.factories import NOON
from tests.hub.connections.browsers import Browser
from tests.hub.portal.query_counts import load_counting_queries
from tests.markup import normalize_markup

pytestmark = pytest.mark.django_db

FILL = "/t/acme/connect/{}/fill-in/"
TOKEN, NO_TOKEN = "11111111-1111-4111-8111-111111111111", "33333333-3333-4333-8333-333333333333"


@pytest.fixture
def splunk(outside):
    return {
        "name": "Our Splunk",
        "url": f"{outside.url}/splunk/acme",
        "token": TOKEN,
        "use_ack": "",
    }


def count_stored_rows():
    return Connection.unscoped.count(), Credential.unscoped.count()


def test_the_first_step_tells_all_and_asks_nothing(owner, outside):
    text = normalize_markup(owner.get("/t/acme/connect/slack/").content.decode())
    assert (
        "chat:write" in text
        and "Authorize at Slack" in text
        and 'aria-current="step">What it does' in text
    )


def test_a_member_reads_whom_to_ask(member, owner, outside):
    text = member.get("/t/acme/connect/slack/").content.decode()
    assert "Owners and admins of your organisation can connect systems" in text
    assert "person1@example.com" in text or "person2@example.com" in text
    assert member.get(FILL.format("splunk")).status_code == 403


def test_what_passes_the_test_is_connected_and_every_check_is_ticked(admin, splunk):
    page = admin.post(FILL.format("splunk"), splunk, follow=True)
    text = page.content.decode()
    assert "Our Splunk is connected" in text
    assert text.count(">passed:</span>") == 6
    row = Connection.unscoped.get()
    assert (row.state, row.connected_by.email) == ("healthy", page.wsgi_request.user.email)
    assert AuditRow.objects.get().verb == "connection.connect"


def test_what_fails_the_test_is_not_kept_and_says_cause_and_who_and_what_to_send(admin, splunk):
    page = admin.post(FILL.format("splunk"), splunk | {"token": NO_TOKEN})
    text = page.content.decode()
    assert page.status_code == 422 and count_stored_rows() == (0, 0)
    assert "Splunk does not accept the credential" in text
    assert (
        "An administrator of your Splunk can fix it." in text
        and "A message that you can send them" in text
    )
    assert NO_TOKEN not in text


@pytest.mark.parametrize(
    "url", ["https://10.0.0.1:8088", "http://splunk.example.com:8088", "not an address"]
)
def test_an_address_that_may_not_be_called_is_refused_in_the_form(admin, splunk, url):
    page = admin.post(FILL.format("splunk"), splunk | {"url": url})
    assert page.status_code == 200 and count_stored_rows() == (0, 0)
    assert 'aria-invalid="true"' in page.content.decode()


def test_a_signing_secret_that_was_made_is_shown_once(admin, outside):
    data = {
        "name": "Mine",
        "url": f"{outside.url}/webhook/acme/one",
        "signing_secret": "",
        "headers": "",
    }
    page = admin.post(FILL.format("webhook"), data)
    (secret,) = set(re.findall(r"whsec_[A-Za-z0-9+/=]+", page.content.decode()))
    assert "can show it again on the page of the" in page.content.decode()
    row = Connection.unscoped.get()
    assert row.credential.open(row)["signing_secret"] == secret
    assert (
        secret not in admin.get(f"/t/acme/connections/{row.public_id}/connected/").content.decode()
    )


SENDER = {"name": "Shop", "preset": "github", "signing_secret": "a secret of 24 characters"}


def test_a_system_that_only_sends_to_us_is_connected_without_a_test(admin):
    assert admin.get(FILL.format("signed_webhook")).status_code == 200
    page = admin.post(FILL.format("signed_webhook"), SENDER, follow=True).content.decode()
    assert "Shop is connected" in page and "The test passed" not in page
    row = Connection.unscoped.get()
    assert (row.state, row.settings["preset"]) == ("healthy", "github")
    assert "Test now" not in admin.get(f"/t/acme/connections/{row.public_id}/").content.decode()


def test_a_signature_that_is_not_described_is_refused_with_what_is_missing(admin):
    page = admin.post(FILL.format("signed_webhook"), SENDER | {"preset": "custom"})
    assert page.status_code == 422 and count_stored_rows() == (0, 0)
    assert "header: required" in page.content.decode()


# --- what is sent ---


@pytest.fixture
def show_last_step(make, acme, admin):
    """The last step, by a route of this mapping."""

    def show_last_step(body, **route):
        row = make.connection(acme, "slack", name="Team chat")
        make.route(row, body=body, name="Orders", **route)
        page = admin.get(f"/t/acme/connections/{row.public_id}/connected/")
        return unescape(normalize_markup(page.content.decode()))

    return show_last_step


SAYS = {"channel": "'C0123456789'", "text": "join(' ', ['New order', data.number])"}


def test_a_sample_of_the_newest_event_shows_what_would_be_sent(show_last_step, make, acme):
    make.event(acme, "order.created", {"number": "A-1"}, id="order-1")
    text = show_last_step(SAYS)
    assert '"text": "New order A-1"' in text and "A similar event would be sent like this:" in text
    assert not Delivery.unscoped.exists()


def test_a_sample_shows_nothing_that_looks_like_a_secret(show_last_step, make, acme):
    make.event(acme, "order.created", {"number": "Bearer abcdefghijklmnop123456"})
    text = show_last_step(SAYS)
    assert "New order Bearer ***" in text and "abcdefghijklmnop" not in text


def test_a_sample_of_a_route_that_is_broken_says_so(show_last_step, make, acme, admin):
    make.event(acme, "order.created", {"number": "A-1"})
    show_last_step(SAYS)
    Route.unscoped.update(action="of_another_release")
    row = Connection.unscoped.get()
    text = admin.get(f"/t/acme/connections/{row.public_id}/connected/").content.decode()
    assert "A similar event would be held:" in text and "no such action" in text


def test_a_sample_that_the_filter_rejects_is_named(show_last_step, make, acme):
    make.event(acme, "order.created", {"number": "A-1"})
    text = show_last_step(SAYS, filter="data.number == 'A-2'")
    assert "would not be sent: The route's filter excluded this event." in text


def test_a_sample_that_lacks_an_identity_says_what_must_be_said(show_last_step, make, acme):
    make.event(acme, "order.created", {"number": "A-1"})
    text = show_last_step(SAYS | {"channel": "identity('channel', 'orders')"})
    assert (
        "A similar event would be held: The matching record in the other system has not been "
        "selected." in text
    )
    assert "Which channel in Slack matches “orders”?" in text


def test_where_no_event_came_it_says_what_it_will_be_made_of(show_last_step):
    text = show_last_step(SAYS)
    assert (
        "no such event was accepted recently" in text
        and "join(' ', ['New order', data.number])" in text
    )


def test_another_tenants_event_is_no_sample(show_last_step, make, globex):
    make.event(globex, "order.created", {"number": "theirs"})
    assert "no such event was accepted recently" in show_last_step(SAYS)


def test_an_endpoint_without_events_leads_to_their_choice(admin, make, acme):
    row = make.connection(acme)
    text = admin.get(f"/t/acme/connections/{row.public_id}/connected/").content.decode()
    assert (
        "Choose the events to send" in text and f"/t/acme/endpoints/{row.public_id}/events" in text
    )


@pytest.mark.corrections(item="2.4")
def test_what_only_receives_shows_its_url_on_the_last_step(admin, acme):
    form = {"preset": "github", "signing_secret": "a secret of 24 characters", "name": "CI"}
    page = admin.post(FILL.format("signed_webhook"), form, follow=True).content.decode()
    assert "https://hub.test/hooks/signed_webhook/" in page
    assert "No route takes its events yet" in page


@pytest.mark.parametrize("count", [1, 60])
def test_many_routes_and_events_cost_the_last_step_no_more_queries(admin, make, acme, count):
    row = make.connection(acme, "slack")
    for _ in range(count):
        make.route(row, body=SAYS)
        make.event(acme, "order.created", {"number": "A-1"})
    assert (
        load_counting_queries(lambda: admin.get(f"/t/acme/connections/{row.public_id}/connected/"))[
            1
        ]
        == 10
    )


def test_the_done_page_tells_what_is_sent_from_now_on(admin, splunk, make, acme):
    make.route(tenant=acme, connector="splunk", action="send_event", name="Orders to the index")
    assert (
        "Orders to the index"
        in admin.post(FILL.format("splunk"), splunk, follow=True).content.decode()
    )


@pytest.fixture
def browser(make, acme, outside):
    return Browser(make.membership(acme, make.user(), role="admin").user, acme)


def step(page):
    """The one that the page says one is at."""
    return re.search(r'aria-current="step">([^<]+)<', normalize_markup(page.content.decode()))[1]


def test_who_signs_in_there_connects_in_four_named_steps_and_six_clicks(browser):
    """Catalogue, Connect, Authorize, Allow, Confirm, Go to the connection."""
    pages = [browser.client.get("/t/acme/connect/slack/"), browser.begin("slack")]
    confirm = browser.connect_account("slack", name="Team chat")
    pages += [confirm, browser.client.get(browser.submit(confirm).headers["Location"])]
    assert [step(page) for page in pages] == [
        "What it does",
        "Authorize",
        "Confirm",
        "What is sent",
    ]
    text = pages[-1].content.decode()
    assert "Team chat is connected" in text and text.count(">passed:</span>") == 6


def test_who_connects_again_goes_no_steps(browser, make, acme):
    row = make.connection(acme, "slack", account="T0000ACME")
    again = browser.connect_account("slack", connection=str(row.public_id))
    assert 'aria-current="step"' not in again.content.decode()
    assert browser.submit(again).headers["Location"] == f"/t/acme/connections/{row.public_id}/"


def test_the_last_step_is_there_as_long_as_what_it_says_holds(admin, make, acme):
    row = make.connection(acme)
    url = f"/t/acme/connections/{row.public_id}/"
    assert admin.get(f"{url}connected/").status_code == 200
    row.mark_degraded("timed_out", now=NOON)
    assert admin.get(f"{url}connected/").headers["Location"] == url


def test_a_test_that_fails_after_authorizing_tells_check_by_check(browser, outside):
    confirm = browser.connect_account("slack")
    outside.fault("slack", path="auth.test", status=503, times=1)
    page = browser.submit(confirm)
    assert page.status_code == 409 and count_stored_rows() == (0, 0)
    text = page.content.decode()
    assert (
        ">failed:</span>" in text
        and ">not checked:</span>" in text
        and "Nothing was connected." in text
    )


def test_what_may_be_left_out_stands_apart(owner, outside):
    text = owner.get("/t/acme/connect/slack/").content.decode()
    needed, extras = text.split("<dt>Optional</dt>")
    assert (
        "chat:write.public" in needed
        and "users:read" not in needed
        and "users:read.email" in extras
    )
    assert "Optional" not in owner.get("/t/acme/connect/splunk/").content.decode()


def test_a_colleague_is_asked_from_the_wizard(admin, member, outside):
    text = admin.get("/t/acme/connect/slack/").content.decode()
    assert 'action="/t/acme/links/"' in text and 'name="connector" value="slack"' in text
    assert "/connect/link/" in admin.post("/t/acme/links/", {"connector": "slack"}).content.decode()
    assert 'action="/t/acme/links/"' not in member.get("/t/acme/connect/slack/").content.decode()


def test_who_is_not_registered_there_is_not_asked_to_authorize(owner):
    text = owner.get("/t/acme/connect/salesforce/").content.decode()
    assert "Salesforce is not set up yet." in text and "Authorize at" not in text


@pytest.mark.parametrize("key", ["app", "nothing"])
def test_our_own_application_and_what_is_not_there_are_not_offered(owner, key):
    assert owner.get(f"/t/acme/connect/{key}/").status_code == 404


@pytest.mark.parametrize("count", [0, 1, 60])
def test_many_connections_cost_the_first_step_no_more_queries(admin, make, acme, count):
    for _ in range(count):
        make.connection(acme)
    assert load_counting_queries(lambda: admin.get("/t/acme/connect/webhook/"))[1] == 5
