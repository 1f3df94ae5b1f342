"""What was read from a system and what its webhooks tell later: each change is one event."""

import json
from base64 import b64encode
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub.db.clock import clock
from hub.incoming.models import InboundItem, InboundMessage
from hub.incoming.processing.known_changes.read_changes import build_window
from hub.incoming.receiving.read_records import find_new_changes, receive_record_changes
from hub.outgoing.models import Event, EventBody
from tests.factories import NOON
from tests.hub.incoming.webhook_posts import endpoint_of, local_path, run_inbox

pytestmark = pytest.mark.django_db(transaction=True)
GAP = "01890000-0000-7000-8000-000000000001"
CREATED_AT = "2026-11-20T08:00:00Z"


@pytest.fixture
def pipedrive(make):
    return make.connection(connector="pipedrive", account="701", secret={})


def state(second):
    """Person 31 as it was after its change in this second."""
    at = f"2026-11-24T15:11:{second:02}Z"
    return {"id": 31, "name": f"Ann {second}", "add_time": CREATED_AT, "update_time": at}


def tell(client, connection, record, *, id=None, action="change"):
    """The webhook of a change, which is sent a moment later."""
    endpoint = endpoint_of(connection)
    meta = {"action": action, "entity": "person", "entity_id": 31, "company_id": 701}
    meta |= {"id": id or f"change-{record['update_time']}", "timestamp": "2026-11-24T15:12:30.5Z"}
    password = b64encode(endpoint.open()["secrets"][0]["secret"].encode()).decode()
    response = client.post(
        local_path(endpoint),
        json.dumps({"meta": meta, "data": record, "previous": {"name": "Ann"}}),
        content_type="application/json",
        headers={"Authorization": f"Basic {password}"},
    )
    assert response.status_code == 200
    run_inbox()


def find(connection, record):
    source = connection.connector.webhook_source
    changes = source.record_changes("persons", record, account="701")
    changes = [change for change in changes if change.type == "person.updated"]
    return find_new_changes(connection, changes, now=clock())


def read(connection, record):
    """The change that a read finds is processed like a webhook; return how many were new."""
    changes = find(connection, record)
    window = build_window(GAP, NOON, NOON + timedelta(minutes=11))
    receive_record_changes(connection, changes, window=window, now=clock())
    run_inbox()
    return len(changes)


def published():
    bodies = dict(EventBody.objects.values_list("event_id", "body"))
    ids = Event.unscoped.order_by("pk").values_list("pk", flat=True)
    return [json.loads(bytes(bodies[pk]))["data"]["record"]["name"] for pk in ids]


def reasons():
    return list(InboundItem.unscoped.order_by("pk").values_list("state", "reason"))


def test_a_late_webhook_of_what_was_read_is_a_duplicate(client, pipedrive):
    assert read(pipedrive, state(7)) == 1
    tell(client, pipedrive, state(7))
    tell(client, pipedrive, state(7))  # its repetition
    assert published() == ["Ann 7"]
    assert reasons() == [("processed", ""), ("duplicate", "read_before")]


def test_a_late_webhook_of_an_earlier_state_is_a_duplicate_and_of_a_later_one_is_not(
    client, pipedrive
):
    read(pipedrive, state(7))
    tell(client, pipedrive, state(3))
    tell(client, pipedrive, state(9))
    assert published() == ["Ann 7", "Ann 9"]
    assert reasons()[1] == ("duplicate", "superseded")


def test_what_a_webhook_told_is_known_to_a_read(client, pipedrive):
    tell(client, pipedrive, state(7))
    assert (read(pipedrive, state(7)), published()) == (0, ["Ann 7"])


def test_a_later_change_is_read_although_the_earlier_webhook_was_sent_after_it(client, pipedrive):
    tell(client, pipedrive, state(7))
    assert (read(pipedrive, state(9)), published()) == (1, ["Ann 7", "Ann 9"])


def test_a_webhook_between_the_search_and_the_storage_leaves_one_event(client, pipedrive):
    changes = find(pipedrive, state(7))
    tell(client, pipedrive, state(7))
    receive_record_changes(pipedrive, changes, now=clock())
    run_inbox()
    assert published() == ["Ann 7"]


def test_what_was_read_is_not_published_behind_a_later_webhook(client, pipedrive):
    changes = find(pipedrive, state(7))
    tell(client, pipedrive, state(9))
    receive_record_changes(pipedrive, changes, now=clock())
    run_inbox()
    assert (published(), reasons()[1]) == (["Ann 9"], ("duplicate", "superseded"))


def read_creation(connection, record):
    source = connection.connector.webhook_source
    creation, *_others = source.record_changes("persons", record, account="701")
    receive_record_changes(connection, [creation], now=clock())
    run_inbox()


def test_a_late_webhook_of_the_state_that_was_read_with_the_creation_is_a_duplicate(
    client, pipedrive
):
    read_creation(pipedrive, state(7))
    tell(client, pipedrive, state(7))
    assert (published(), reasons()[1]) == (["Ann 7"], ("duplicate", "read_before"))


def test_what_was_read_within_the_second_of_its_change_may_have_changed_again(client, pipedrive):
    record = state(7) | {"update_time": f"{clock():%Y-%m-%dT%H:%M:%SZ}"}
    read_creation(pipedrive, record)
    tell(client, pipedrive, record | {"name": "Bea"})
    assert published() == ["Ann 7", "Bea"]


def test_two_webhooks_of_one_second_are_two_events(client, pipedrive):
    tell(client, pipedrive, state(7), id="first")
    tell(client, pipedrive, state(7) | {"name": "Bea"}, id="second")
    assert published() == ["Ann 7", "Bea"]


def test_a_late_deletion_is_published_whatever_was_read(client, pipedrive):
    read(pipedrive, state(7))
    tell(client, pipedrive, state(3), action="delete")
    assert Event.unscoped.latest("pk").type == "pipedrive.person.deleted"


def test_another_object_or_connection_with_the_same_id_is_another_record(make, client, pipedrive):
    read(pipedrive, state(7))
    other = make.connection(make.tenant("globex"), "pipedrive", account="701", secret={})
    tell(client, other, state(3))
    assert published() == ["Ann 7", "Ann 3"]


def test_an_event_says_in_which_gap_it_was_found_and_a_sender_cannot(client, pipedrive):
    read(pipedrive, state(7))
    data = json.loads(bytes(EventBody.objects.get().body))["data"]
    assert data["read"]["gap"] == GAP and data["read"]["from"] == NOON.isoformat()
    assert InboundMessage.unscoped.get().method == "READ"


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(order=st.permutations(["read", 1, 2, 3]), same_second=st.booleans(), seen=st.integers(1, 3))
def test_in_any_order_no_state_follows_a_later_one(make, client, order, same_second, seen):
    connection = make.connection(make.tenant(), "pipedrive", account="701", secret={})
    first = Event.unscoped.count()
    seconds = {1: 1, 2: 1 if same_second else 2, 3: 3}
    for step in order:
        if step == "read":
            read(connection, state(seconds[seen]))
        else:
            tell(client, connection, state(seconds[step]), id=f"change {step}")
    names = published()[first:]
    bodies = EventBody.objects.order_by("event_id").values_list("body", flat=True)[first:]
    documents = [json.loads(bytes(body))["data"] for body in bodies]
    by_read = [data["record"]["name"] for data in documents if "read" in data]
    assert names[-1] == "Ann 3" and names == sorted(names) and len(by_read) <= 1
