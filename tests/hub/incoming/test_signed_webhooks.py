"""A connection that only receives: connected by form and REST, and what arrives is verified."""

import json

import pytest
from django.urls import reverse
from standardwebhooks.webhooks import Webhook

from hub.db.clock import clock
from hub.incoming.models import InboundItem, InboundMessage
from hub.outgoing.models import Event, EventBody
from tests.connectors.recorded import WHSEC
from tests.hub.incoming.webhook_posts import endpoint_of, local_path, run_inbox

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


@pytest.mark.parametrize("name", ["X-Session-Id", "X-Long-Id"])
def test_ids_in_a_header_that_is_stored_masked_or_cut_stay_apart(client, make, name):
    connection = make.connection(
        connector="signed_webhook",
        account="",
        secret={"signing_secret": WHSEC},
        settings={"item_id_header": name},
    )
    for number in range(2):
        headers = {name: f"{'x' * 600}{number}"}
        post_standard(client, connection, id=f"msg_{number}", headers=headers)
        post_standard(client, connection, id=f"again_{number}", headers=headers)
    run_inbox()
    assert Event.unscoped.count() == 2


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
