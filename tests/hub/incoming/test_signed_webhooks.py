"""A connection that only receives: connected by form and REST, and what arrives is verified."""

import json

import pytest
from django.urls import reverse
from standardwebhooks.webhooks import Webhook

from connectors.http import Response
from connectors.signatures import Secret, WebhookRequest, sign
from connectors.signatures.presets import SVIX
from connectors.signed_webhook.schema import build_scheme
from hub.connections.credentials.signing_secrets import rewrite_credential
from hub.db.clock import clock
from hub.incoming.endpoints.create import endpoint_url
from hub.incoming.models import InboundItem, InboundMessage
from hub.outgoing.models import Event, EventBody
from tests.connectors.recorded import WHSEC
from tests.fakes import FakeHttp
from tests.hub.incoming.webhook_posts import endpoint_of, local_path, run_inbox
from tests.hub.outgoing.pump.test_loop import pump

pytestmark = pytest.mark.django_db(transaction=True)
BODY = json.dumps({"type": "user.created", "data": {"id": "u_1"}})


def post_standard(
    client,
    connection,
    body=BODY,
    *,
    id="msg_1",
    secret=WHSEC,
    type="application/json",
    headers=None,
):
    now = clock()
    signed = {
        "webhook-id": id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secret).sign(id, now, body),
    }
    path = local_path(endpoint_of(connection))
    return client.post(path, body, content_type=type, headers=signed | (headers or {}))


@pytest.fixture
def connection(make):
    return make.connection(
        connector="signed_webhook", account="", secret={"signing_secret": WHSEC}, settings={}
    )


def test_a_standard_webhook_is_one_event_of_its_own_type(client, connection):
    assert [post_standard(client, connection).status_code for _ in range(2)] == [200, 200]
    run_inbox()
    event = Event.unscoped.get()
    assert (event.type, event.origin) == ("signed_webhook.user.created", connection)


def test_another_secret_is_rejected(client, connection):
    other = "whsec_YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4"
    assert post_standard(client, connection, secret=other).status_code == 401
    assert InboundMessage.unscoped.get().cause == "wrong_secret"


def test_a_body_that_is_no_object_is_quarantined(client, connection):
    assert post_standard(client, connection, "[1]").status_code == 200
    run_inbox()
    item = InboundItem.unscoped.get()
    assert (item.state, item.reason) == ("quarantined", "cannot_be_read")


def test_an_id_and_a_type_that_no_database_stores_are_cleaned(client, connection):
    body = json.dumps({"type": "a\x00b" + "x" * 300, "deep": "\x00"})
    assert post_standard(client, connection, body, id="i" * 256).status_code == 200
    run_inbox()
    item = InboundItem.unscoped.get()
    assert item.state == "processed" and item.type.startswith("signed_webhook.a_bx")


def connect_sender(make, secret=WHSEC, **settings):
    return make.connection(
        connector="signed_webhook",
        account="",
        secret={"signing_secret": secret},
        settings=settings,
    )


@pytest.mark.parametrize("path", ["session", "long"])
def test_ids_that_are_stored_as_their_digest_stay_apart(client, make, path):
    connection = connect_sender(make, item_id_path=path)
    for number in range(2):
        body = json.dumps({path: f"{'x' * 600}{number}"})
        post_standard(client, connection, body, id=f"msg_{number}")
        post_standard(client, connection, body, id=f"again_{number}")
    run_inbox()
    assert Event.unscoped.count() == 2


@pytest.mark.corrections(item="2.5")
@pytest.mark.parametrize(
    ("body", "type", "text"),
    [
        (r'{"text": "a\u0000b", "k\u0000": 1}', "application/json", "a\ufffdb"),
        ("text=a%00b", "application/x-www-form-urlencoded", "a\ufffdb"),
    ],
)
def test_a_nul_in_a_body_does_not_hold_its_delivery(client, make, connection, body, type, text):
    target = make.connection(connection.tenant, connector="webhook")
    type_of_events = "signed_webhook.message.received"
    make.route(
        target,
        event_type=type_of_events,
        origin_connector_key="signed_webhook",
        body={"text": "data.text"},
    )
    assert post_standard(client, connection, body, type=type).status_code == 200
    run_inbox()
    http = pump(FakeHttp(Response(200)), at=clock())
    (request,) = http.requests
    assert json.loads(request.content())["text"] == text


@pytest.mark.corrections(item="2.5")
def test_a_new_secret_is_accepted_at_once(client, connection):
    new = "whsec_YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4"
    assert post_standard(client, connection, secret=new).status_code == 401
    rewrite_credential(connection, lambda stored: {"signing_secret": new}, now=clock())
    assert post_standard(client, connection, secret=new).status_code == 200


@pytest.mark.corrections(item="2.5")
def test_the_headers_of_svix_are_standard_webhooks(client, connection):
    url = endpoint_url(endpoint_of(connection))
    request = WebhookRequest("POST", url, BODY.encode())
    signed = sign(SVIX, request, [Secret(WHSEC)], clock().timestamp(), id="msg_2x")
    path = local_path(endpoint_of(connection))
    headers = dict(signed.headers)
    for changes, status in (({}, 200), ({"svix-id": "msg_3x"}, 401)):
        answer = client.post(path, BODY, "application/json", headers=headers | changes)
        assert answer.status_code == status
    run_inbox()
    assert InboundItem.unscoped.get().item_key == "msg_2x"


SENDER_SECRET = "a secret of 24 characters"
TIMED = {
    "preset": "custom",
    "header": "X-Signature",
    "signed": "{timestamp}.{body}",
    "timestamp_header": "X-Time",
}
FORM = "application/x-www-form-urlencoded"


def post_signed(
    client, connection, body, *, at=None, query="", headers=None, type="application/json"
):
    """Post what the connection's own scheme signs; `at`: the signed time, by default now."""
    url = endpoint_url(endpoint_of(connection)) + query
    path = "/" + url.partition("//")[2].partition("/")[2]
    request = WebhookRequest("POST", url, body, (("Content-Type", type),), path=path)
    scheme = build_scheme(connection.settings)
    signed = sign(scheme, request, [Secret(SENDER_SECRET)], at or clock().timestamp())
    names = dict(signed.headers) | (headers or {})
    names.pop("Content-Type")
    answer = client.post(path, body, content_type=type, headers=names)
    assert answer.status_code == 200


@pytest.mark.corrections(item="2.3")
@pytest.mark.parametrize("preset", ["github", "shopify", "stripe", "slack"])
def test_a_signed_request_is_one_event_whatever_is_changed_that_is_not_signed(client, make, preset):
    delivery = "X-GitHub-Delivery"
    connection = connect_sender(make, SENDER_SECRET, preset=preset, item_id_header=delivery)
    for number, query in enumerate(("", "?a=1", "?a=2&b")):
        headers = {delivery: f"other-{number}", "X-Shopify-Webhook-Id": f"other-{number}"}
        post_signed(client, connection, b'{"n": 1}', query=query, headers=headers)
    run_inbox()
    assert Event.unscoped.count() == 1
    assert InboundMessage.unscoped.get().headers["x-github-delivery"] == "other-0"


@pytest.mark.corrections(item="2.3")
def test_an_id_that_is_not_signed_swallows_no_other_event(client, make):
    connection = connect_sender(make, SENDER_SECRET, preset="github", item_id_header="X-Id")
    for number in range(2):
        body = b'{"n": %d}' % number
        post_signed(client, connection, body, headers={"X-Id": "the same"})
    run_inbox()
    assert Event.unscoped.count() == 2


@pytest.mark.corrections(item="2.3")
def test_the_fields_of_a_form_are_one_event_in_any_order_and_repetition_that_is_signed_alike(
    client, make
):
    connection = connect_sender(make, SENDER_SECRET, preset="twilio", item_id_path="Sid")
    for body in (b"Sid=SM1&Body=Hello", b"Body=Hello&Sid=SM1", b"Sid=SM1&Sid=SM1&Body=Hello"):
        post_signed(client, connection, body, type=FORM)
    connection = connect_sender(make, SENDER_SECRET, preset="twilio")
    for body in (b"Sid=SM1&Body=Hello", b"Body=Hello&Sid=%53M1", b"Sid=SM1&Sid=SM1&Body=Hello"):
        post_signed(client, connection, body, type=FORM)
    post_signed(client, connection, b"Sid=SM1&Body=Hello", type=FORM, query="?signed=1")
    run_inbox()
    assert Event.unscoped.count() == 3


@pytest.mark.corrections(item="2.3")
@pytest.mark.parametrize(("settings", "count"), [({}, 1), ({"timestamp_of": "event"}, 2)])
def test_a_signed_time_tells_events_apart_only_where_it_is_the_events(
    client, make, settings, count
):
    connection = connect_sender(make, SENDER_SECRET, **TIMED, **settings)
    now = clock().timestamp()
    for at in (now - 30, now - 30, now):
        post_signed(client, connection, b'{"n": 1}', at=at)
    run_inbox()
    assert Event.unscoped.count() == count


def test_a_form_keeps_empty_and_repeated_fields_however_its_type_is_spelled(client, connection):
    type = "Application/X-WWW-Form-URLencoded; charset=utf-8"
    post_standard(client, connection, "type=user.made&a=1&a=2&b=", type=type)
    run_inbox()
    event = Event.unscoped.get()
    data = json.loads(bytes(EventBody.objects.get().body))["data"]
    assert event.type == "signed_webhook.user.made"
    assert (data["a"], data["b"]) == (["1", "2"], "")


def test_an_alert_of_splunk_is_one_event_over_all_attempts(client, make):
    connection = make.connection(connector="splunk", account="")
    alert = {"sid": "scheduler__1", "search_name": "Failed logins", "result": {"count": "8"}}
    path = local_path(endpoint_of(connection))
    for _attempt in range(2):
        assert client.post(path, alert, content_type="application/json").status_code == 200
    run_inbox()
    assert Event.unscoped.get().type == "splunk.alert.created"


def paste(body, *, id="msg_1", secret=WHSEC):
    now = clock()
    return (
        f"webhook-id: {id}\nwebhook-timestamp: {int(now.timestamp())}\n"
        f"webhook-signature: {Webhook(secret).sign(id, now, body)}\n\n{body}"
    )


@pytest.mark.parametrize(
    ("secret", "texts"),
    [
        (WHSEC, ("It would be accepted", "signed_webhook.user.created", "msg_1")),
        ("whsec_YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4", ("It would be rejected", "wrong_secret")),
    ],
)
def test_staff_test_a_pasted_request_and_nothing_is_stored(client, make, connection, secret, texts):
    endpoint_of(connection)
    client.force_login(make.staff(is_superuser=True))
    page = reverse("admin:incoming_inboundmessage_test")
    assert client.get(page).status_code == 200
    data = {"connection": connection.pk, "request": paste(BODY, secret=secret)}
    answer = client.post(page, data).content.decode()
    assert [text for text in texts if text not in answer] == []
    assert WHSEC not in answer
    assert not InboundMessage.unscoped.exists()


def test_staff_of_one_tenant_test_no_request_at_a_connection_of_another(client, make, connection):
    client.force_login(make.staff(make.tenant(), is_superuser=False))
    page = reverse("admin:incoming_inboundmessage_test")
    answer = client.post(page, {"connection": connection.pk, "request": paste(BODY)})
    assert answer.status_code == 403 or b"It would be" not in answer.content
