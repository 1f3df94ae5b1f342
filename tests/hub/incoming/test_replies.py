"""A command of Slack is answered at its response URL, by an action that names its item."""

import json
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from slack_sdk.signature import Clock, SignatureVerifier

from connectors.http import Response
from connectors.registry import CONNECTORS
from hub.db.clock import clock
from hub.incoming.endpoints.create import get_or_create_app_endpoint
from hub.incoming.models import InboundItem, InboundMessage
from hub.incoming.receiving.replies import (
    MAX_REPLIES,
    REPLY_URL_STORED_FOR,
    REPLY_URL_VALID_FOR,
    forget_reply_credentials,
    use_reply_url,
)
from hub.outgoing.models import Delivery, Event, EventBody, Exchange, Rendering
from tests.fakes import FakeHttp
from tests.hub.incoming.test_slack_webhooks import SECRET
from tests.hub.incoming.webhook_posts import local_path, run_inbox
from tests.hub.outgoing.pump.test_loop import pump

pytestmark = pytest.mark.django_db(transaction=True)
RESPONSE_URL = "https://hooks.slack.com/commands/T0ACME/1/secretsecret"
COMMAND = {
    "team_id": "T0ACME",
    "channel_id": "C0GEN",
    "user_id": "U0ANN",
    "command": "/order",
    "text": "A-1001",
    "response_url": RESPONSE_URL,
}
FORM = "application/x-www-form-urlencoded"
ANSWERED = Response(200, b"ok")


@pytest.fixture
def slack(make):
    make.app("slack", {"client_id": "1.2", "client_secret": "s" * 16, "signing_secret": SECRET})
    return make.connection(connector="slack", account="T0ACME")


def ask(client, **changes):
    """Post a command, and return the item that it became."""
    source = CONNECTORS["slack"].webhook_source
    path = local_path(get_or_create_app_endpoint("slack", source, now=clock()))
    body, now = urlencode(COMMAND | changes), str(int(clock().timestamp()))
    signature = SignatureVerifier(SECRET, Clock()).generate_signature(timestamp=now, body=body)
    headers = {"X-Slack-Request-Timestamp": now, "X-Slack-Signature": signature}
    assert client.post(path, body, content_type=FORM, headers=headers).status_code == 200
    run_inbox()
    return InboundItem.unscoped.latest("pk")


def answer(api, connection, item, settings, **input):
    settings.HUB_ACTION_WAIT_SECONDS = 0.0
    path = f"/api/v1/connections/{connection.public_id}/actions/respond"
    data = {"item": item, "text": "It was sent today."} | input
    answer = api.of(connection.tenant).post(path, {"data": data}, format="json")
    assert answer.status_code == 202, answer.content
    return Delivery.unscoped.get(public_id=answer.json()["id"])


def test_the_event_names_its_item_which_an_action_answers(client, api, slack, settings):
    item = ask(client)
    body = json.loads(bytes(EventBody.objects.get(pk=item.event_id).body))
    assert body["data"]["item"] == str(item.public_id)

    delivery = answer(api, slack, body["data"]["item"], settings)
    http = FakeHttp(ANSWERED)
    pump(http, at=clock())
    (request,) = http.requests
    assert (request.url, json.loads(request.content())) == (
        RESPONSE_URL,
        {"text": "It was sent today."},
    )
    delivery.refresh_from_db()
    assert delivery.state == "delivered"


def test_the_address_is_in_no_event_rendering_or_exchange(client, api, slack, settings):
    item = ask(client)
    answer(api, slack, str(item.public_id), settings)
    pump(FakeHttp(ANSWERED), at=clock())
    stored = [bytes(row.body) for row in (*EventBody.objects.all(), *Rendering.objects.all())]
    assert Event.unscoped.count() == 2
    assert not any(b"secretsecret" in body for body in stored)
    assert "secretsecret" not in Exchange.objects.get().url


@pytest.mark.parametrize(
    "url", ["https://hooks.slack.com.evil.test/x", "http://hooks.slack.com/x", "https://x.test/"]
)
@pytest.mark.corrections(item="2.5")
def test_nothing_is_sent_to_an_address_that_is_not_slacks(client, api, slack, settings, url):
    item = ask(client, response_url=url)
    delivery = answer(api, slack, str(item.public_id), settings)
    http = FakeHttp(ANSWERED)
    pump(http, at=clock())
    delivery.refresh_from_db()
    assert (http.requests, delivery.state) == ([], "held")
    assert (delivery.reason, delivery.detail) == (
        "payload_refused",
        "the address for the answer is not one of Slack's",
    )


def test_an_item_of_another_tenant_cannot_be_answered(client, api, make, slack, settings):
    item = ask(client)
    other = make.connection(connector="slack", account="T0OTHER")
    delivery = answer(api, other, str(item.public_id), settings)
    http = FakeHttp(ANSWERED)
    pump(http, at=clock())
    delivery.refresh_from_db()
    assert (http.requests, delivery.reason) == ([], "payload_refused")


def test_an_item_is_answered_five_times_within_thirty_minutes(client, slack):
    item = ask(client)
    received_at = item.received_at
    for _ in range(MAX_REPLIES):
        assert use_reply_url(slack, str(item.public_id), now=received_at) == RESPONSE_URL
    with pytest.raises(LookupError, match="5 times"):
        use_reply_url(slack, str(item.public_id), now=received_at)
    late = ask(client, text="A-1002")
    with pytest.raises(LookupError, match="30 minutes"):
        use_reply_url(slack, str(late.public_id), now=late.received_at + REPLY_URL_VALID_FOR)
    with pytest.raises(LookupError, match="no such item"):
        use_reply_url(slack, "not an id", now=received_at)


def test_credentials_for_a_reply_are_deleted_after_an_hour(client, slack):
    item = ask(client)
    soon = timedelta(seconds=1)
    forget_reply_credentials(now=item.received_at + REPLY_URL_STORED_FOR - soon)
    assert InboundMessage.unscoped.get().sealed
    forget_reply_credentials(now=item.received_at + REPLY_URL_STORED_FOR + soon)
    assert InboundMessage.unscoped.get().sealed is None
