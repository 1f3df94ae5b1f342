"""A signed event of Slack arrives, is stored, processed, and published for its tenant."""

import json

import pytest
from django.db import transaction
from slack_sdk.signature import Clock, SignatureVerifier

from connectors.registry import CONNECTORS
from connectors.webhook_request import WebhookRequest
from hub.db.clock import clock
from hub.incoming.endpoints.create import endpoint_url, get_or_create_app_endpoint
from hub.incoming.models import InboundBody, InboundCount, InboundItem, InboundMessage
from hub.incoming.processing.batch import process_messages
from hub.incoming.processing.claim import claim_messages
from hub.incoming.receiving.erase import erase_received_data
from hub.outgoing.models import Event
from hub.outgoing.queue.pump_leases import new_lease

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


def post(client, url, body, *, signature=None):
    now = str(int(clock().timestamp()))
    signed = SignatureVerifier(SECRET, Clock()).generate_signature(timestamp=now, body=body)
    return client.post(
        f"/{url}",
        body,
        content_type="application/json",
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
