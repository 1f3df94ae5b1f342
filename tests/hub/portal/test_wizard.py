"""Connecting in named steps, against the sandbox: tested before it is kept, and nothing is left of what was not."""

import re

import pytest

from hub.audit import AuditRow
from hub.connections.models import Connection, Credential
from tests.hub.connections.connecting import Browser
from tests.hub.portal.counting import queries

pytestmark = pytest.mark.django_db

FILL = "/t/acme/connect/{}/fill-in/"
TOKEN, NO_TOKEN = "11111111-1111-4111-8111-111111111111", "33333333-3333-4333-8333-333333333333"


@pytest.fixture
def splunk(outside):
    return {"name": "Our Splunk", "url": f"{outside.url}/splunk/acme", "token": TOKEN, "use_ack": ""}


def stored():
    return Connection.unscoped.count(), Credential.unscoped.count()


def test_the_first_step_tells_all_and_asks_nothing(owner, outside):
    text = owner.get("/t/acme/connect/slack/").content.decode()
    assert "chat:write" in text and "Authorize at Slack" in text and 'aria-current="step">What it does' in text


def test_a_member_reads_whom_to_ask(member, owner, outside):
    text = member.get("/t/acme/connect/slack/").content.decode()
    assert "An owner or an admin of your organisation connects systems." in text
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
    assert page.status_code == 422 and stored() == (0, 0)
    assert "Splunk does not accept the credential" in text
    assert "An administrator of your Splunk can mend it." in text and "A text to send to that person" in text
    assert NO_TOKEN not in text


@pytest.mark.parametrize("url", ["https://10.0.0.1:8088", "http://splunk.example.com:8088", "not an address"])
def test_an_address_that_may_not_be_called_is_refused_in_the_form(admin, splunk, url):
    page = admin.post(FILL.format("splunk"), splunk | {"url": url})
    assert page.status_code == 200 and stored() == (0, 0)
    assert 'aria-invalid="true"' in page.content.decode()


def test_a_signing_secret_that_was_made_is_shown_once(admin, outside):
    said = {"name": "Mine", "url": f"{outside.url}/webhook/acme/one", "signing_secret": "", "headers": ""}
    page = admin.post(FILL.format("webhook"), said)
    (secret,) = set(re.findall(r"whsec_[A-Za-z0-9+/=]+", page.content.decode()))
    assert "Copy the signing secret now" in page.content.decode()
    row = Connection.unscoped.get()
    assert row.credential.open(row)["signing_secret"] == secret
    assert secret not in admin.get(f"/t/acme/connections/{row.public_id}/connected/").content.decode()


def test_the_done_page_tells_what_is_sent_from_now_on(admin, splunk, make, acme):
    make.route(tenant=acme, connector="splunk", action="send_event", name="Orders to the index")
    assert "Orders to the index" in admin.post(FILL.format("splunk"), splunk, follow=True).content.decode()


def test_who_signs_in_there_connects_in_six_clicks(make, acme, outside):
    """Catalogue, Connect, Authorize, Allow, Confirm."""
    person = make.membership(acme, make.user(), role="admin").user
    browser = Browser(person, acme)
    confirm = browser.connects("slack", name="Team chat")
    page = browser.client.get(browser.says(confirm).headers["Location"])
    assert page.request["PATH_INFO"].startswith("/t/acme/connections/")
    assert "<span>healthy</span>" in page.content.decode()


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
    assert queries(lambda: admin.get("/t/acme/connect/webhook/"))[1] == 5
