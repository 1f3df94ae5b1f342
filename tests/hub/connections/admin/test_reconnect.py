"""Staff let a customer reconnect: by a link that is shown once, or sent by mail."""

import pytest
from django.urls import reverse

from hub.audit import AuditRow
from hub.connections.models import Connection, ConnectLink
from hub.db.clock import clock
from hub.mail.models import Mail
from hub.queue import record_heartbeat

pytestmark = pytest.mark.django_db


@pytest.fixture
def root(make, client):
    client.force_login(make.staff(is_superuser=True))
    return client


@pytest.fixture
def slack(make):
    make.app("slack", {"client_id": "1", "client_secret": "2"})
    make.delivery(
        make.connection(make.tenant("acme"), "slack"), body={"channel": "'C1'", "text": "'x'"}
    )
    row = Connection.unscoped.get()
    row.mark_needs_reconnect("token_revoked", now=clock())
    return row


def verb_of(connection):
    return reverse("admin:connections_connection_verb", args=[connection.pk, "reconnect_link"])


def test_the_overviews_button_leads_to_the_connection_whose_first_button_sends_a_link(root, slack):
    record_heartbeat("worker", now=clock())
    page = root.get(reverse("admin:index"))
    step = page.context["headline_url"]
    assert step == reverse("admin:connections_connection_change", args=[slack.pk])
    assert f'href="{verb_of(slack)}"' in page.text
    (first,) = [
        button for button in root.get(step).context["buttons"] if button["tone"] == "primary"
    ]
    assert first["verb"].label == "Send a reconnect link"


def test_a_link_is_shown_once_and_connects_the_same_connection_again(root, slack):
    page = root.post(verb_of(slack), {"email": ""})
    link = ConnectLink.unscoped.get()
    assert (link.connection, link.tenant) == (slack, slack.tenant)
    assert "Copy the address now" in page.text
    told = set(AuditRow.objects.values_list("verb", flat=True))
    assert {"connect_link.create", "connection.send_reconnect_link"} <= told


def test_a_link_goes_by_mail_and_is_not_on_the_page(root, slack, settings):
    settings.HUB_EMAIL_URL = "smtp://localhost:25"
    page = root.post(verb_of(slack), {"email": "ann@acme.test"}, follow=True)
    letter = Mail.objects.get()
    assert letter.to == "ann@acme.test" and "Reconnect Slack" in letter.open()["subject"]
    address = next(word for word in letter.open()["text"].split() if word.startswith("http"))
    assert "The link is being sent to ann@acme.test." in page.text and address not in page.text


def test_without_a_mail_server_nothing_is_made_and_the_form_says_so(root, slack, settings):
    settings.HUB_EMAIL_URL = ""
    page = root.post(verb_of(slack), {"email": "ann@acme.test"})
    assert "Mail is not set up" in page.text and not ConnectLink.unscoped.exists()


def test_our_own_application_is_not_reconnected_by_a_link(root, make):
    root.post(verb_of(make.connection(connector="app")), {"email": ""})
    assert not ConnectLink.unscoped.exists()
