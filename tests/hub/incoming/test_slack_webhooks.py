"""A signed event of Slack arrives, is stored, processed, and published for its tenant."""

import json
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from django.db import connection as database
from django.db import transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from slack_sdk.signature import Clock, SignatureVerifier

from connectors.registry import CONNECTORS
from connectors.webhook_request import WebhookRequest
from hub.connections.models import ConnectorApp
from hub.db.clock import clock
from hub.incoming.endpoints.create import endpoint_url, get_or_create_app_endpoint
from hub.incoming.models import (
    InboundBody,
    InboundCount,
    InboundEndpoint,
    InboundItem,
    InboundMessage,
    SourceCanary,
)
from hub.incoming.processing.batch import process_messages
from hub.incoming.processing.claim import claim_messages
from hub.incoming.receiving.erase import erase_received_data
from hub.outgoing.models import Event
from hub.processes.leases import new_lease
from tests.hub.incoming.sources import load_receiver

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
EVENT = {
    "type": "event_callback",
    "team_id": "T0ACME",
    "api_app_id": "A0",
    "event_id": "Ev0001",
    "event_time": 1764000000,
    "event": {
        "type": "app_mention",
        "user": "U0ANN",
        "text": "<@U0BOT> where is A-1001?",
        "ts": "1764000000.000100",
        "channel": "C0SALES",
    },
    "authorizations": [
        {"team_id": "T0ACME", "enterprise_id": None, "is_enterprise_install": False}
    ],
}

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def slack_url(make):
    make.app("slack", {"client_id": "1.2", "client_secret": "s" * 16, "signing_secret": SECRET})
    source = CONNECTORS["slack"].webhook_source
    endpoint = get_or_create_app_endpoint("slack", source, now=clock())
    return endpoint_url(endpoint).partition("//")[2].partition("/")[2]


def post(client, url, body, *, signature=None, secret=SECRET, type="application/json"):
    now = str(int(clock().timestamp()))
    signed = SignatureVerifier(secret, Clock()).generate_signature(timestamp=now, body=body)
    return client.post(
        f"/{url}",
        body,
        content_type=type,
        headers={"X-Slack-Request-Timestamp": now, "X-Slack-Signature": signature or signed},
    )


def run_inbox():
    lease = new_lease()
    process_messages(claim_messages(lease, after="", now=clock()).messages, lease, now=clock())


def test_a_mention_becomes_an_event_of_the_tenant_of_its_workspace(client, make, slack_url):
    connection = make.connection(connector="slack", account="T0ACME")
    body = json.dumps(EVENT)

    assert [post(client, slack_url, body).status_code for _ in range(2)] == [200, 200]
    run_inbox()

    item = InboundItem.unscoped.get()
    assert (item.state, item.tenant, item.type) == (
        "processed",
        connection.tenant,
        "slack.mention.created",
    )
    event = Event.unscoped.get()
    assert (event.type, event.origin, event.tenant) == (
        "slack.mention.created",
        connection,
        connection.tenant,
    )
    counts = dict(InboundCount.unscoped.values_list("cause", "count"))
    assert counts == {"accepted": 1, "duplicate": 1}


def test_a_mention_asks_for_no_canary_as_slack_has_none(client, make, slack_url):
    make.connection(connector="slack", account="T0ACME")
    post(client, slack_url, json.dumps(EVENT))
    with CaptureQueriesContext(database) as queries:
        run_inbox()
    assert InboundItem.unscoped.get().state == "processed"
    assert not [query for query in queries if SourceCanary._meta.db_table in query["sql"]]


def test_a_changed_body_is_rejected_with_its_cause_and_leaves_no_content(client, make, slack_url):
    assert post(client, slack_url, json.dumps(EVENT), signature="v0=" + "0" * 64).status_code == 401
    message = InboundMessage.unscoped.get()
    assert (message.state, message.cause, message.due_at) == ("rejected", "wrong_secret", None)


def store_of(body, content_type):
    headers = (("Content-Type", content_type),)
    return CONNECTORS["slack"].webhook_source.split_secrets(
        WebhookRequest("POST", "", body, headers)
    )


def test_tokens_of_workflows_are_not_stored_at_any_depth():
    secrets = {"bot_access_token": "xwfp-1", "interactivity_pointer": "xwfp-2"}
    body = json.dumps(EVENT | secrets | {"event": {"list": [secrets | {"text": "kept"}]}}).encode()
    stored = store_of(body, "application/json").body
    assert b"kept" in stored
    assert b"xwfp" not in stored


def test_a_form_that_cannot_be_read_is_stored_empty():
    body = b"response_url=https%3A%2F%2Fhooks.slack.com%2F1&" + b"&".join([b"a=1"] * 101)
    assert store_of(body, "application/x-www-form-urlencoded").body == b""


def test_a_command_is_stored_however_its_content_type_is_spelled():
    headers = (("Content-Type", "Application/X-WWW-Form-URLencoded"),)
    request = WebhookRequest("POST", "", b"command=%2Fask&team_id=T0ACME", headers=headers)
    assert b"ask" in CONNECTORS["slack"].webhook_source.split_secrets(request).body


def test_erasing_a_connection_erases_what_waits_at_the_url_of_the_app_for_it_alone(
    client, make, slack_url
):
    connection, other = (make.connection(connector="slack", account="T0ACME") for _ in range(2))
    post(client, slack_url, json.dumps(EVENT))
    erase_received_data(connection, now=clock())
    assert InboundBody.objects.exists()
    with transaction.atomic():
        other.disconnect(keeps_events=False, now=clock())
    erase_received_data(connection, now=clock())
    assert not InboundBody.objects.exists()


def receive(client, url, envelope, type="application/json"):
    """Post an envelope, process it, and return the states of its items by account."""
    body = json.dumps(envelope)
    assert post(client, url, body, type=type).status_code == 200
    run_inbox()
    return {item.account: (item.tenant, item.state) for item in InboundItem.unscoped.all()}


BOT_MESSAGE = {
    "type": "message",
    "subtype": "bot_message",
    "channel_type": "im",
    "channel": "D0ANN",
    "text": "Backup finished",
    "ts": "1764000000.000300",
}


@pytest.mark.corrections(item="2.2")
@pytest.mark.parametrize(
    ("sender", "state"),
    [
        ({"bot_id": "B0CI", "app_id": "A0CI", "bot_profile": {"app_id": "A0CI"}}, "processed"),
        ({"bot_id": "B0CI", "user": "U0CI"}, "processed"),
        ({"bot_id": "B0CI"}, "processed"),
        ({"user": "U0ANN"}, "processed"),
        ({"user": "U0ANN", "subtype": "file_share"}, "processed"),
        ({"bot_id": "B0BOT", "app_id": "A0"}, "echo"),
        ({"bot_id": "B0BOT", "bot_profile": {"app_id": "A0"}}, "echo"),
        ({"bot_id": "B0BOT", "user": "U0BOT"}, "echo"),
    ],
)
def test_only_what_our_own_app_or_bot_posted_is_an_echo(client, make, slack_url, sender, state):
    connection = make.connection(connector="slack", account="T0ACME")
    authorization = EVENT["authorizations"][0] | {"user_id": "U0BOT", "is_bot": True}
    event = EVENT | {"event": BOT_MESSAGE | sender, "authorizations": [authorization]}
    assert receive(client, slack_url, event) == {"T0ACME": (connection.tenant, state)}


def authorize(team, enterprise=None, *, is_enterprise_install=False):
    return {
        "team_id": team,
        "enterprise_id": enterprise,
        "is_enterprise_install": is_enterprise_install,
    }


ACME, GLOBEX = "T0ACME", "T0GLOBEX"
SHARED = {"is_ext_shared_channel": True, "team_id": GLOBEX}  # the channel comes from Globex
ORGANISATION = authorize(None, "E0ACME", is_enterprise_install=True)


@pytest.mark.corrections(item="2.2")
@pytest.mark.parametrize(
    ("envelope", "accounts"),
    [
        ({"authorizations": [authorize(ACME), authorize(GLOBEX)]}, {ACME, GLOBEX}),
        ({"authorizations": [authorize(ACME)], "context_team_id": ACME} | SHARED, {ACME}),
        ({"authorizations": [authorize(ACME)], "context_team_id": GLOBEX} | SHARED, {ACME, GLOBEX}),
        ({"authorizations": [], "context_team_id": ACME} | SHARED, {ACME}),
        ({"authorizations": []} | SHARED, {""}),
        ({"authorizations": [authorize("T0OTHER")]} | SHARED, {"T0OTHER"}),
        (
            {
                "authorizations": [ORGANISATION],
                "context_team_id": "T0PART",
                "context_enterprise_id": "E0ACME",
            }
            | SHARED,
            {"E0ACME"},
        ),
        ({"authorizations": [], "team_id": None, "enterprise_id": "E0ACME"}, {"E0ACME"}),
    ],
)
def test_an_event_of_a_shared_channel_reaches_the_installations_it_is_for_and_no_other(
    client, make, slack_url, envelope, accounts
):
    tenants = {
        account: make.connection(connector="slack", account=account).tenant
        for account in (ACME, GLOBEX, "E0ACME")
    }
    expected = {
        account: (tenants.get(account), "processed" if account in tenants else "unmatched")
        for account in accounts
    }
    assert receive(client, slack_url, EVENT | envelope) == expected
    assert set(Event.unscoped.values_list("tenant", flat=True)) == {
        tenants[account].pk for account in accounts & set(tenants)
    }


@pytest.mark.corrections(item="2.2")
def test_a_dialog_in_a_shared_channel_belongs_to_the_workspace_that_installed_the_app(
    client, make, slack_url
):
    owner = make.connection(connector="slack", account=ACME).tenant
    make.connection(connector="slack", account=GLOBEX)
    dialog = {
        "type": "view_submission",
        "team": {"id": GLOBEX},
        "view": {"app_installed_team_id": ACME},
    }
    body = urlencode({"payload": json.dumps(dialog)})
    type = "application/x-www-form-urlencoded"
    assert post(client, slack_url, body, type=type).status_code == 200
    run_inbox()
    item = InboundItem.unscoped.get()
    assert (item.account, item.tenant) == (ACME, owner)


@pytest.mark.corrections(item="2.2")
def test_an_unknown_envelope_is_no_interaction_and_waits_for_a_person(client, make, slack_url):
    make.connection(connector="slack", account=ACME)
    body = json.dumps({"type": "function_call", "team": {"id": ACME}, "user": {"id": "U0ANN"}})
    assert post(client, slack_url, body).status_code == 200
    run_inbox()
    item = InboundItem.unscoped.get()
    assert (item.state, item.reason, item.type) == ("quarantined", "cannot_be_read", "")
    assert not Event.unscoped.exists()


@pytest.mark.corrections(item="2.2")
@pytest.mark.parametrize(("query", "status"), [("ssl_check=1", 200), ("ssl_check=0", 405)])
def test_slacks_check_of_the_certificate_is_answered_and_stores_nothing(
    client, slack_url, query, status
):
    answer = client.get(f"/{slack_url}?{query}&token=x")
    assert (answer.status_code, answer.content) == (status, b"")
    assert not InboundMessage.unscoped.exists()


def change_signing_secret(client, staff, secret, **data):
    """Enter another signing secret at the page of the connector app."""
    client.force_login(staff)
    app = ConnectorApp.objects.get()
    page = reverse("admin:connections_connectorapp_change", args=[app.pk])
    fields = {"client_id": "1.2", "signing_secret": secret} | data
    assert client.post(page, fields).status_code == 302


def list_accepted(slack_url, *, now):
    digest = InboundEndpoint.unscoped.get().key_digest
    return [secret.value for secret in load_receiver("slack", digest, now=now).secrets]


@pytest.mark.corrections(item="2.2")
def test_a_replaced_signing_secret_is_accepted_for_another_day(client, make, slack_url):
    make.connection(connector="slack", account=ACME)
    change_signing_secret(client, make.staff(is_superuser=True), "n" * 32)
    body = json.dumps(EVENT)
    statuses = [post(client, slack_url, body, secret=s).status_code for s in (SECRET, "n" * 32)]
    assert statuses == [200, 200]
    later = clock() + timedelta(hours=25)
    assert list_accepted(slack_url, now=later) == ["n" * 32]


@pytest.mark.corrections(item="2.2")
def test_a_leaked_signing_secret_is_refused_at_once_if_staff_say_so(client, make, slack_url):
    staff = make.staff(is_superuser=True)
    change_signing_secret(client, staff, "n" * 32, ends_overlap="on")
    assert list_accepted(slack_url, now=clock()) == ["n" * 32]
