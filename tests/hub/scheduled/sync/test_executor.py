"""Syncs, with the sandbox's Pipedrive by real HTTP and the inbox behind."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
import requests

from hub.db.clock import clock
from hub.incoming.models import InboundCount, InboundEndpoint, InboundItem
from hub.incoming.receiving.read_records import find_new_changes
from hub.outgoing.models import Delivery, Event, RememberedWrite
from hub.scheduled.models import JobSchedule
from hub.scheduled.runs.context import RunFailed, RunStopped
from hub.scheduled.sync.executor import run_sync
from tests.hub.incoming.webhook_posts import post_pipedrive, run_inbox
from tests.hub.scheduled.sandbox_run import connect, execute, start_run
from tests.sandbox.running_sandbox import NOON, RunningSandbox

pytestmark = pytest.mark.django_db(transaction=True)
TOKEN = {"Authorization": "Bearer v1u:acme-1"}
PERSONS = "/pipedrive/acme/api/v2/persons"
COMPANY = "701"
LATER = datetime.fromtimestamp(NOON, UTC) + timedelta(minutes=80)
BOTH = ["created", "updated"]


@pytest.fixture
def desk(tmp_path):
    with RunningSandbox(tmp_path).running() as running:
        running.now += 30 * 60  # after the records that the world begins with
        yield running


@pytest.fixture
def acme(make):
    return make.tenant("acme")


@pytest.fixture
def pipedrive(make, desk, acme):
    (connection,) = connect(make, desk, acme, "pipedrive", account=COMPANY)
    return connection


def add_person(desk, name="Ann Able", **fields):
    answer = desk.post(PERSONS, json={"name": name, **fields}, headers=TOKEN)
    assert answer.status_code in (200, 201), answer.text
    return str(answer.json()["data"]["id"])


def rename_person(desk, id, name):
    url = f"{desk.url}{PERSONS}/{id}"
    answer = requests.patch(url, json={"name": name}, headers=TOKEN, timeout=5)
    assert answer.status_code == 200, answer.text


def start(make, acme, **options):
    """A run an hour after what the test does, with a look back of one hour."""
    at = options.pop("slot_at", LATER)
    defaults = {"lookback_hours": 1}
    context = start_run(make, acme, "pipedrive", "sync", slot_at=at, **(defaults | options))
    context.at = at
    JobSchedule.unscoped.create(job=context.job, tenant=acme, time_zone="UTC", last_slot_at=at)
    return context


def events():
    return list(Event.unscoped.order_by("pk").values_list("type", "sender_id"))


def test_a_sign_up_that_no_webhook_reported_becomes_a_delivery(make, desk, acme, pipedrive):
    salesforce = make.connection(acme, "salesforce")
    make.route(
        salesforce,
        action="create",
        body={"object": "'Lead'", "fields": {"LastName": "data.record.name"}},
        event_type="pipedrive.person.created",
        origin_connector_key="pipedrive",
    )
    id = add_person(desk)
    result = execute(run_sync, start(make, acme))
    run_inbox()
    assert (result["read"], result["found"], result["unreadable"]) == (1, 1, 0)
    event_id = f"{pipedrive.public_id}:person.created:{COMPANY}:{id}"
    assert events() == [("pipedrive.person.created", event_id)]
    assert Delivery.unscoped.get().connection == salesforce
    item = InboundItem.unscoped.get()
    assert (item.state, item.record, item.account) == ("processed", id, COMPANY)


def test_what_a_webhook_reported_is_not_found_again(make, desk, acme, pipedrive, client):
    id = add_person(desk)
    post_pipedrive(client, pipedrive, entity_id=id, company_id=COMPANY)
    run_inbox()
    result = execute(run_sync, start(make, acme))
    run_inbox()
    assert (result["read"], result["found"]) == (1, 0)
    assert len(events()) == 1


def test_a_webhook_that_comes_after_the_sync_is_a_duplicate(make, desk, acme, pipedrive, client):
    id = add_person(desk)
    execute(run_sync, start(make, acme))
    run_inbox()
    assert post_pipedrive(client, pipedrive, entity_id=id).status_code == 200
    run_inbox()
    assert len(events()) == 1 and InboundItem.unscoped.count() == 1


def test_a_webhook_between_the_sync_and_the_inbox_is_one_event(make, desk, acme, pipedrive, client):
    id = add_person(desk)
    execute(run_sync, start(make, acme))
    post_pipedrive(client, pipedrive, entity_id=id)
    run_inbox()
    assert len(events()) == 1 and InboundItem.unscoped.count() == 1


def test_what_was_received_under_another_id_is_known(make, desk, acme, pipedrive, client):
    """A webhook that was processed by an earlier release has the id of the change."""
    id = add_person(desk)
    post_pipedrive(client, pipedrive, entity_id=id)
    run_inbox()
    at = datetime.fromtimestamp(desk.now, UTC)
    InboundItem.unscoped.update(item_key="6d0b4a5e-0001", occurred_at=at)
    Event.unscoped.update(sender_id="old")
    assert execute(run_sync, start(make, acme))["found"] == 0


def test_an_event_outlives_its_item(make, desk, acme, pipedrive):
    add_person(desk)
    execute(run_sync, start(make, acme))
    run_inbox()
    InboundItem.unscoped.all().delete()
    assert execute(run_sync, start(make, acme))["found"] == 0


@pytest.mark.parametrize("saves", range(4))
def test_a_killed_run_continues_and_receives_each_change_once(make, desk, acme, pipedrive, saves):
    for number in range(5):
        add_person(desk, f"Person {number}")
    context = start(make, acme, query={"owner_id": "1001"})
    context.stop_after = saves
    with suppress(RunStopped):
        execute(run_sync, context)
    context.stop_after = None
    execute(run_sync, context)
    run_inbox()
    assert len(events()) == len(set(events())) == InboundItem.unscoped.count()


def test_the_next_run_begins_before_the_last_change(make, desk, acme, pipedrive):
    add_person(desk)
    context = start(make, acme)
    execute(run_sync, context)
    cursor = JobSchedule.unscoped.get().cursor
    changed = datetime.fromtimestamp(desk.now, UTC)
    assert cursor == {"changed_until": changed.isoformat()}
    context.run.cursor, context.called = {}, []
    result = execute(run_sync, context)
    assert result["since"] == (changed - timedelta(minutes=10)).isoformat()
    assert (result["read"], result["found"]) == (1, 0)


def test_a_read_that_is_not_complete_does_not_move_the_beginning(make, desk, acme, pipedrive):
    add_person(desk)
    desk.fault("pipedrive", path="persons", times=0, changes={"additional_data": None})
    with pytest.raises(RunFailed) as caught:
        execute(run_sync, start(make, acme))
    assert caught.value.can_retry and JobSchedule.unscoped.get().cursor == {}


def test_a_time_ahead_of_ours_hides_nothing(make, desk, acme, pipedrive):
    add_person(desk)
    context = start(make, acme)
    context.at = LATER - timedelta(hours=1)  # our clock is behind
    execute(run_sync, context)
    assert JobSchedule.unscoped.get().cursor == {"changed_until": context.at.isoformat()}


def test_our_own_write_is_an_echo(make, desk, acme, pipedrive):
    """The hub created the person yesterday evening, and the webhook did not arrive."""
    id = add_person(desk)
    RememberedWrite.unscoped.create(
        delivery_id=1,
        connection=pipedrive,
        object="person",
        record=id,
        fields={"name": "Ann Able"},
        is_forwarded=False,
        is_pair_due=False,
        echo_count=0,
        written_at=clock() - timedelta(hours=30),
    )
    assert execute(run_sync, start(make, acme))["found"] == 1
    run_inbox()
    assert InboundItem.unscoped.get().state == "echo" and events() == []


def test_a_change_is_found_once_and_not_beside_its_creation(make, desk, acme, pipedrive, client):
    known, missed = add_person(desk), add_person(desk, "Bob")
    post_pipedrive(client, pipedrive, entity_id=known)
    run_inbox()
    desk.now += 60
    for id in (known, missed):
        rename_person(desk, id, "New Name")
    context = start(make, acme, changes=BOTH)
    assert execute(run_sync, context)["found"] == 2
    run_inbox()
    types = sorted((item.record, item.type) for item in InboundItem.unscoped.all())
    assert types == sorted(
        [
            (known, "pipedrive.person.created"),
            (known, "pipedrive.person.updated"),
            (missed, "pipedrive.person.created"),
        ]
    )
    context.run.cursor = {}
    assert execute(run_sync, context)["found"] == 0  # the creation has the last state


def test_a_change_that_a_webhook_reported_is_known(make, desk, acme, pipedrive, client):
    id = add_person(desk)
    post_pipedrive(client, pipedrive, entity_id=id)
    desk.now += 60
    rename_person(desk, id, "New Name")
    at = datetime.fromtimestamp(desk.now, UTC).isoformat(timespec="milliseconds")
    post_pipedrive(client, pipedrive, entity_id=id, action="change", id="c-1", timestamp=at)
    run_inbox()
    assert execute(run_sync, start(make, acme, changes=BOTH))["found"] == 0


def test_a_dry_run_counts_and_receives_nothing(make, desk, acme, pipedrive):
    add_person(desk)
    context = start(make, acme)
    context.run.is_dry = True
    assert execute(run_sync, context)["found"] == 1
    run_inbox()
    assert events() == [] and JobSchedule.unscoped.get().cursor == {}


def test_a_sync_does_not_make_a_dead_webhook_look_alive(make, desk, acme, pipedrive):
    add_person(desk)
    execute(run_sync, start(make, acme))
    run_inbox()
    assert InboundEndpoint.unscoped.get().last_item_at is None
    assert not InboundCount.unscoped.exists()


def test_items_of_a_paused_connection_are_held(make, desk, acme, pipedrive):
    add_person(desk)
    execute(run_sync, start(make, acme))
    type(pipedrive).unscoped.update(state="paused")
    run_inbox()
    item = InboundItem.unscoped.get()
    assert (item.state, item.reason) == ("held", "connection_paused")


def test_an_unreadable_record_stops_no_other(make, desk, acme, pipedrive):
    broken = {"id": 5, "name": "x", "add_time": "yesterday", "update_time": "2026-11-25T12:40:00Z"}
    fine = {**broken, "id": 6, "add_time": "2026-11-25T12:40:00Z"}
    body = {"success": True, "data": [broken, fine], "additional_data": {"next_cursor": None}}
    desk.fault("pipedrive", path="persons", body=body)
    result = execute(run_sync, start(make, acme))
    assert (result["found"], result["unreadable"]) == (1, 1)


def test_looking_for_new_changes_takes_a_fixed_number_of_statements(
    pipedrive, django_assert_num_queries
):
    source = pipedrive.connector.webhook_source
    times = {"add_time": "2026-11-25T12:40:00Z", "update_time": "2026-11-25T12:50:00Z"}
    for count in (1, 200):
        changes = [
            change
            for id in range(count)
            for change in source.record_changes("persons", {"id": id, **times}, account=COMPANY)
        ]
        with django_assert_num_queries(5):
            assert len(find_new_changes(pipedrive, changes, now=LATER)) == count
