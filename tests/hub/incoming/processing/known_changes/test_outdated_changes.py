"""Messages that overtake each other, or tell the same again: the last event has the last state.

Pipedrive sends what a record was at the change, Salesforce what it is when a message is sent.
"""

import json
from base64 import b64encode

import pytest

from hub.audit import ActorContext
from hub.connections.actions.connection_actions import pause_connection, resume_connection
from hub.db.clock import clock
from hub.incoming.models import InboundItem
from hub.incoming.processing.held_items.release import release_held_items
from hub.incoming.processing.replay import replay_item
from hub.outgoing.models import Event, EventBody, RememberedWrite
from tests.hub.incoming.webhook_posts import SOAP, endpoint_of, local_path, run_inbox

pytestmark = pytest.mark.django_db(transaction=True)
SYSTEM = ActorContext.system()
ORG, LEAD = "00D000000000001", "00Q000000000001AAA"
NOTIFICATION = """<Notification><Id>{id}</Id>
 <sObject xsi:type="sf:Lead" xmlns:sf="urn:sobject.enterprise.soap.sforce.com">
  <sf:Id>{lead}</sf:Id><sf:LastName>{name}</sf:LastName>
  <sf:LastModifiedDate>{at}</sf:LastModifiedDate><sf:SystemModstamp>{at}</sf:SystemModstamp>
 </sObject></Notification>"""


@pytest.fixture
def pipedrive(make):
    return make.connection(connector="pipedrive", account="701", secret={})


@pytest.fixture
def salesforce(make):
    return make.connection(connector="salesforce", account=ORG)


def post_person(client, connection, second, action="change", name=None, id=None):
    """The webhook of a change of person 31, made in this second; what is deleted was before it."""
    endpoint, at = endpoint_of(connection), f"2026-11-24T15:11:{second:02}Z"
    before = f"2026-11-24T15:11:{second - (action == 'delete'):02}Z"
    person = {"id": 31, "name": name or f"Ann {second}", "update_time": before}
    meta = {"action": action, "entity": "person", "entity_id": 31, "company_id": 701}
    meta |= {"id": id or f"{action} {second}", "timestamp": at}
    told = {"data": person, "previous": {"name": "Ann"} if action == "change" else None}
    if action == "delete":
        told = {"data": None, "previous": person}
    password = b64encode(endpoint.open()["secrets"][0]["secret"].encode()).decode()
    response = client.post(
        local_path(endpoint),
        json.dumps({"meta": meta, **told}),
        content_type="application/json",
        headers={"Authorization": f"Basic {password}"},
    )
    assert response.status_code == 200


def post_lead(client, connection, id, second, change="updated", name="Ann"):
    """An outbound message that is sent when the lead was changed last in this second."""
    at = f"2026-11-24T15:11:{second:02}.000Z"
    notification = NOTIFICATION.format(id=f"04l{id}", lead=LEAD, name=name, at=at)
    body = SOAP.format(organization=ORG, session="", notifications=notification)
    path = f"{local_path(endpoint_of(connection))}?change={change}"
    assert client.post(path, body, content_type="text/xml; charset=UTF-8").status_code == 200


def tell_person(client, connection, second, *args, **kwargs):
    post_person(client, connection, second, *args, **kwargs)
    run_inbox()


def tell_lead(client, connection, *args, **kwargs):
    post_lead(client, connection, *args, **kwargs)
    run_inbox()


def published(name_field="name"):
    """The change and the name of each event, in order."""
    bodies = dict(EventBody.objects.values_list("event_id", "body"))
    return [
        (type.rpartition(".")[2], json.loads(bytes(bodies[pk]))["data"]["record"][name_field])
        for pk, type in Event.unscoped.order_by("pk").values_list("pk", "type")
    ]


def reasons():
    return list(InboundItem.unscoped.order_by("pk").values_list("state", "reason"))


def test_a_retry_of_an_earlier_change_is_not_published_behind_a_later_one(client, pipedrive):
    tell_person(client, pipedrive, 3)
    tell_person(client, pipedrive, 1)
    tell_person(client, pipedrive, 5)
    assert published() == [("updated", "Ann 3"), ("updated", "Ann 5")]
    assert reasons()[1] == ("duplicate", "superseded")


def test_within_one_batch_it_is_not_either(client, pipedrive):
    post_person(client, pipedrive, 3)
    post_person(client, pipedrive, 1)
    run_inbox()
    assert published() == [("updated", "Ann 3")]


def test_two_changes_of_one_second_are_two_events(client, pipedrive):
    for id, name in enumerate(("Ann", "Bea", "Bea"), start=1):
        post_person(client, pipedrive, 3, name=name, id=str(id))
    run_inbox()
    assert published() == [("updated", name) for name in ("Ann", "Bea", "Bea")]


def test_behind_a_deletion_nothing_is_published_that_was_before_it(client, pipedrive):
    tell_person(client, pipedrive, 5, "delete")
    for second, action in ((1, "create"), (5, "change"), (9, "change")):
        tell_person(client, pipedrive, second, action)
    assert published() == [("deleted", "Ann 5"), ("updated", "Ann 9")]  # it was restored


def test_a_creation_is_published_behind_an_update(client, pipedrive):
    tell_person(client, pipedrive, 3)
    tell_person(client, pipedrive, 1, "create")
    assert published() == [("updated", "Ann 3"), ("created", "Ann 1")]


def test_behind_a_later_change_that_was_an_echo_an_earlier_one_is_published(client, pipedrive):
    RememberedWrite.unscoped.create(
        delivery_id=1,
        connection=pipedrive,
        object="person",
        record="31",
        change="updated",
        fields={"name": "Ann 3"},
        expected_echoes=1,
        is_forwarded=False,
        written_at=clock(),
    )
    tell_person(client, pipedrive, 3)
    tell_person(client, pipedrive, 1)
    assert reasons() == [("echo", "echo"), ("processed", "")]


def test_held_changes_that_overtook_each_other_are_released_as_one_event(client, pipedrive):
    pause_connection(pipedrive, "", SYSTEM, until=None, now=clock())
    for second in (3, 1):
        tell_person(client, pipedrive, second)
    resume_connection(pipedrive, SYSTEM, now=clock())
    release_held_items(now=clock())
    run_inbox()
    assert published() == [("updated", "Ann 3")]


def test_a_change_that_a_person_replays_is_published_behind_a_later_one(client, pipedrive):
    for second in (1, 3):
        tell_person(client, pipedrive, second)
    replay_item(InboundItem.unscoped.first(), SYSTEM, now=clock())
    run_inbox()
    assert published()[2:] == [("updated", "Ann 1")]


def test_two_messages_that_tell_the_same_state_are_one_event(client, salesforce):
    for id in (1, 2, 3):
        tell_lead(client, salesforce, id, 3)
    tell_lead(client, salesforce, 4, 5)
    assert published("LastName") == [("updated", "Ann")] * 2
    assert reasons()[1:3] == [("duplicate", "same_state")] * 2


def test_in_one_batch_they_are_one_event_too(client, salesforce):
    for id in (1, 2):
        post_lead(client, salesforce, id, 3)
    run_inbox()
    assert published("LastName") == [("updated", "Ann")]


def test_another_state_of_the_same_second_is_another_event(client, salesforce):
    for id, name in enumerate(("Ann", "Bea", "Ann")):
        tell_lead(client, salesforce, id, 3, name=name)
    assert published("LastName") == [("updated", name) for name in ("Ann", "Bea", "Ann")]


def test_an_update_that_tells_what_the_late_creation_told_is_no_other_event(client, salesforce):
    for id, change in enumerate(("created", "updated", "updated")):
        tell_lead(client, salesforce, id, 3, change)
    assert published("LastName") == [("created", "Ann")]
