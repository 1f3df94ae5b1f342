"""What Pipedrive and Salesforce deliver becomes events of the connection, once."""

import json
import zlib

import pytest

from hub.incoming.models import InboundBody, InboundItem, InboundMessage
from hub.outgoing.models import Event, EventBody
from tests.hub.incoming.webhook_posts import (
    endpoint_of,
    local_path,
    post_pipedrive,
    post_salesforce,
    run_inbox,
)

pytestmark = pytest.mark.django_db(transaction=True)
ORGANIZATION = "00D000000000001AAA"


def read_data(event):
    return json.loads(bytes(EventBody.objects.get(pk=event.pk).body))["data"]


def test_a_new_person_in_pipedrive_is_one_event_over_all_attempts(client, make):
    connection = make.connection(connector="pipedrive", account="701", secret={})

    answers = [post_pipedrive(client, connection, attempt=n).status_code for n in (1, 2)]
    run_inbox()

    assert answers == [200, 200]
    event = Event.unscoped.get()
    assert (event.type, event.origin, event.tenant) == (
        "pipedrive.person.created",
        connection,
        connection.tenant,
    )
    assert read_data(event)["record"]["name"] == "Ann Able"
    assert read_data(event)["connection"] == str(connection.public_id)


def test_the_wrong_password_is_rejected(client, make):
    connection = make.connection(connector="pipedrive", account="701", secret={})
    assert post_pipedrive(client, connection, secret="hub:" + "x" * 32).status_code == 401
    assert InboundMessage.unscoped.get().cause == "wrong_secret"


@pytest.mark.corrections(item="2.5")
@pytest.mark.parametrize("name", ["company_id", "entity_id"])
@pytest.mark.parametrize("value", ["", " ", None, True, 1.5, [], {"id": 31}])
def test_a_change_without_a_usable_id_is_quarantined(client, make, name, value):
    connection = make.connection(connector="pipedrive", account="701", secret={})
    assert post_pipedrive(client, connection, **{name: value}).status_code == 200
    run_inbox()
    item = InboundItem.unscoped.get()
    assert (item.state, item.reason) == ("quarantined", "cannot_be_read")
    assert item.detail == f"Unreadable: its {name} is not an id"


@pytest.mark.corrections(item="2.5")
def test_ids_of_pipedrive_are_read_as_numbers_and_as_texts(client, make):
    connection = make.connection(connector="pipedrive", account="701", secret={})
    post_pipedrive(client, connection, company_id=701, entity_id=31)
    run_inbox()
    item = InboundItem.unscoped.get()
    assert (item.state, item.account, item.record) == ("processed", "701", "31")


def test_a_change_of_another_company_is_quarantined(client, make):
    connection = make.connection(connector="pipedrive", account="701", secret={})
    assert post_pipedrive(client, connection, company_id="702").status_code == 200
    run_inbox()
    item = InboundItem.unscoped.get()
    assert (item.state, item.reason) == ("quarantined", "other_account")
    assert not Event.unscoped.exists()


def test_an_outbound_message_of_100_orders_is_acknowledged_once_and_becomes_100_events(
    client, make
):
    connection = make.connection(connector="salesforce", account=ORGANIZATION)

    answer = post_salesforce(client, connection, count=100)
    run_inbox()

    assert (answer.status_code, b"<Ack>true</Ack>" in answer.content) == (200, True)
    assert answer["Content-Type"] == "text/xml; charset=utf-8"
    types = set(Event.unscoped.values_list("type", flat=True))
    assert (types, Event.unscoped.count()) == ({"salesforce.order.created"}, 100)
    first = read_data(Event.unscoped.earliest("pk"))
    assert first["record"] == {
        "Id": "801000000000001AAA",
        "OrderNumber": "A-1",
        "Description": None,
    }


@pytest.mark.corrections(item="2.9")
def test_a_full_outbound_message_with_long_texts_is_taken(client, make):
    connection = make.connection(connector="salesforce", account=ORGANIZATION)
    text = "x" * (4 * 1024 * 1024 // 100)
    assert post_salesforce(client, connection, count=100, description=text).status_code == 200
    run_inbox()
    assert Event.unscoped.count() == 100
    assert read_data(Event.unscoped.earliest("pk"))["record"]["Description"] == text


@pytest.mark.corrections(item="2.9")
@pytest.mark.parametrize("text", ["the SessionId> of it", "SessionId>", "a:SessionId> b >"])
@pytest.mark.parametrize("session", ["", "<SessionId>00Dxx!secret.session</SessionId>"])
def test_a_text_that_names_the_session_id_loses_nothing(client, make, text, session):
    connection = make.connection(connector="salesforce", account=ORGANIZATION)
    post_salesforce(client, connection, count=2, session=session, description=text)
    stored = zlib.decompress(bytes(InboundBody.objects.get().body))
    assert b"secret.session" not in stored
    run_inbox()
    assert read_data(Event.unscoped.latest("pk"))["record"]["Description"] == text


@pytest.mark.corrections(item="2.9")
@pytest.mark.parametrize(
    "session",
    [
        "<SessionId>00Dxx!secret.session",
        "<SessionId><b>00Dxx!secret.session</b></SessionId>",
        '<x:SessionId a="/>">00Dxx!secret.session</x:SessionId>',
        "<SessionId>00Dxx!<SessionId>secret.session</SessionId></SessionId>",
    ],
)
def test_a_session_id_that_is_not_found_whole_is_never_stored(client, make, session):
    connection = make.connection(connector="salesforce", account=ORGANIZATION)
    assert post_salesforce(client, connection, session=session).status_code == 200
    assert b"secret" not in zlib.decompress(bytes(InboundBody.objects.get().body))


def test_a_repeated_notification_in_another_message_is_one_event(client, make):
    connection = make.connection(connector="salesforce", account=ORGANIZATION)
    post_salesforce(client, connection)
    run_inbox()
    post_salesforce(client, connection, count=2)
    run_inbox()
    assert Event.unscoped.count() == 2


def test_an_organisation_is_the_same_by_15_and_18_characters(client, make):
    connection = make.connection(connector="salesforce", account=ORGANIZATION)
    post_salesforce(client, connection, organization=ORGANIZATION[:15])
    run_inbox()
    assert InboundItem.unscoped.get().state == "processed"


def test_the_session_id_of_an_outbound_message_is_not_stored(client, make):
    connection = make.connection(connector="salesforce", account=ORGANIZATION)
    post_salesforce(client, connection, session="<SessionId>00Dxx!secret.session</SessionId>")
    stored = zlib.decompress(bytes(InboundBody.objects.get().body))
    assert b"secret.session" not in stored and b"OrderNumber" in stored
    run_inbox()
    assert InboundItem.unscoped.get().state == "processed"


def test_a_message_with_a_dtd_is_acknowledged_and_quarantined_unread(client, make):
    connection = make.connection(connector="salesforce", account=ORGANIZATION)
    body = '<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>'
    path = local_path(endpoint_of(connection))
    assert client.post(path, body, content_type="text/xml").status_code == 200
    run_inbox()
    item = InboundItem.unscoped.get()
    assert (item.state, item.reason) == ("quarantined", "cannot_be_read")


def test_an_unknown_key_is_404_and_leaves_no_row(client, make):
    connection = make.connection(connector="salesforce", account=ORGANIZATION)
    path = f"/hooks/salesforce/{'x' * 32}/"
    assert post_salesforce(client, connection, path=path).status_code == 404
    assert not InboundMessage.unscoped.exists()
