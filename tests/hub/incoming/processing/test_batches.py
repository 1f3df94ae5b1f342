"""Messages are processed in bounded batches, fair between accounts, and each failure alone."""

from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from hub.audit import ActorContext
from hub.db.clock import clock
from hub.incoming.models import InboundItem, InboundMessage
from hub.incoming.processing import claim, due_items
from hub.incoming.processing.batch import process_messages
from hub.incoming.processing.claim import (
    BATCH_BYTES,
    Candidate,
    choose_batch,
    claim_messages,
    claim_repeated_message,
    list_candidates,
)
from hub.incoming.processing.loop import InboxLoop
from hub.incoming.processing.replay import replay_item
from hub.incoming.processing.stored_items import process_due_items
from hub.outgoing.models import Event
from hub.processes.leases import end_leases, new_lease
from hub.processes.loop_slots import acquire_slot, is_loop_running, release_slot
from tests.hub.incoming.database_refusals import rows_refused_by_database
from tests.hub.incoming.webhook_posts import (
    NOTIFICATION,
    SOAP,
    endpoint_of,
    local_path,
    post_pipedrive,
    post_salesforce,
    run_inbox,
)

pytestmark = pytest.mark.django_db(transaction=True)
ORGANIZATION = "00D000000000001AAA"
FAILURES = claim.MAX_ATTEMPTS


@pytest.fixture
def salesforce(make):
    return make.connection(connector="salesforce", account=ORGANIZATION)


@pytest.fixture
def pipedrive(make):
    return make.connection(connector="pipedrive", account="701", secret={})


def post_changes(client, connection, count, *, first=0, action="create"):
    for number in range(first, first + count):
        post_pipedrive(client, connection, id=f"change-{number}", action=action)


def test_a_claim_takes_turns_between_accounts_within_its_size():
    shares = ["a", "b"]
    many = [Candidate("a", number, 10) for number in range(5)]
    few = [Candidate("b", 9, 10)]
    chosen = [entry.id for entry in choose_batch([*many, *few], shares)]
    assert chosen == [0, 9, 1, 2, 3, 4]

    large = [Candidate("a", number, BATCH_BYTES) for number in range(3)]
    assert [entry.id for entry in choose_batch([*large, *few], shares)] == [0]


def test_the_next_claim_begins_behind_the_account_that_was_served_last(client, make):
    connections = [
        make.connection(connector="pipedrive", account=str(700 + n), secret={}) for n in range(3)
    ]
    for connection in connections:
        post_changes(client, connection, 2)
    shares = claim.list_shares(after="")
    assert len(shares) == 3
    assert claim.list_shares(after=shares[0]) == [shares[1], shares[2], shares[0]]


def test_every_account_has_its_turn_however_the_database_orders_them():
    # a database in en_US orders "5:" before "51:", Python behind it
    assert claim.order_turns([], ["5:", "51:"]) == ["5:", "51:"]
    assert claim.order_turns(["7:"], ["5:", "51:", "7:"]) == ["7:", "5:", "51:"]


def test_a_batch_takes_the_same_statements_whatever_its_size(client, make, salesforce, pipedrive):
    def count_statements():
        with CaptureQueriesContext(database) as queries:
            lease = new_lease()
            messages = claim_messages(lease, after="", now=clock()).messages
            process_messages(messages, lease, now=clock())
        return len(queries)

    for connection in (salesforce, pipedrive):
        make.route(make.connection(connection.tenant), event_type="*")
    counts = []
    for size in (2, 6):  # several events limit how long they wait for locks, a single one does not
        post_salesforce(client, salesforce, count=size)
        post_changes(client, pipedrive, size)
        counts.append(count_statements())
        for model in (InboundItem, InboundMessage, Event):
            model.unscoped.all().delete()
    assert counts[1] <= counts[0]


def test_messages_of_a_killed_process_are_processed_at_once_by_the_next_loop(client, pipedrive):
    post_changes(client, pipedrive, 3)
    lease = new_lease()
    acquire_slot("inbox", lease, now=clock())
    assert len(claim_messages(lease, after="", now=clock()).messages) == 3
    assert not claim_messages(new_lease(), after="", now=clock()).messages
    assert not claim_repeated_message(new_lease(), now=clock())

    now = clock()
    end_leases(lease.bytes, now=now)
    assert not is_loop_running("inbox", now=now)
    run_inbox(now=now)
    assert Event.unscoped.count() == 3


def test_a_loop_whose_lease_was_lost_publishes_nothing(client, pipedrive):
    post_changes(client, pipedrive, 1)
    first, second = new_lease(), new_lease()
    messages = claim_messages(first, after="", now=clock()).messages
    later = clock() + claim.MESSAGE_LEASES.lasts
    taken = claim_repeated_message(second, now=later)
    process_messages(messages, first, now=later)
    assert not Event.unscoped.exists()
    process_messages(taken, second, now=later)
    assert Event.unscoped.count() == 1


def test_the_loop_processes_what_is_due_and_ends_when_it_is_stopped(client, pipedrive):
    post_changes(client, pipedrive, 3)
    waits = []
    loop = InboxLoop(new_lease(), clock=clock, pause=waits.append, stopping=lambda: bool(waits))
    loop.run()
    assert (Event.unscoped.count(), len(waits)) == (3, 1)


def test_a_loop_whose_slot_was_lost_ends(pipedrive):
    waits = []
    loop = InboxLoop(new_lease(), clock=clock, pause=waits.append, stopping=lambda: len(waits) > 3)
    acquire_slot("inbox", loop.lease, now=clock())
    loop.run(extend_every=0)
    assert len(waits) == 4
    waits.clear()
    release_slot(loop.lease)
    loop.run(extend_every=0)
    assert not waits


@pytest.mark.corrections(item="2.1")
def test_a_loop_that_finds_nothing_begins_no_transaction_to_claim(client, pipedrive):
    loop = InboxLoop(new_lease(), clock=clock, pause=lambda seconds: None, stopping=lambda: False)
    with CaptureQueriesContext(database) as queries:
        assert not loop.process_next()
    assert not [query for query in queries if query["sql"].startswith("BEGIN")]
    post_changes(client, pipedrive, 1)
    assert loop.process_next()


def test_a_poison_message_is_tried_alone_and_quarantined_and_its_neighbours_are_published(
    client, pipedrive
):
    post_changes(client, pipedrive, 3, action="delete")
    poison = InboundMessage.unscoped.order_by("pk")[1]
    with rows_refused_by_database("incoming_inbounditem", unless="item_key <> 'change-1'"):
        now = clock()
        for _ in range(FAILURES + 2):
            run_inbox(now=now)
            now += timedelta(minutes=1)

    assert Event.unscoped.count() == 2
    item = InboundItem.unscoped.get(message=poison)
    assert (item.state, item.reason) == ("quarantined", "message_failed")
    poison.refresh_from_db()
    assert (poison.due_at, poison.attempt_count) == (None, FAILURES + 1)


@pytest.mark.corrections(item="2.6")
def test_newer_messages_of_a_connection_do_not_overtake_those_of_a_failed_batch(
    client, make, pipedrive
):
    other = make.connection(connector="pipedrive", account="702", secret={})
    post_changes(client, pipedrive, 3, action="delete")
    with rows_refused_by_database("incoming_inbounditem", unless="item_key <> 'change-1'"):
        run_inbox(rounds=0)  # the batch fails
        post_changes(client, pipedrive, 2, first=3, action="delete")
        post_pipedrive(client, other, id="change-9", action="delete")
        now = clock()
        run_inbox(now=now)
        assert list_published() == ["change-9", "change-0"]
    for _ in range(4):
        now += timedelta(seconds=10)
        run_inbox(now=now)
    assert list_published()[1:] == [f"change-{number}" for number in range(5)]


@pytest.mark.corrections(item="2.6")
@pytest.mark.skipif(database.vendor != "sqlite", reason="it counts SQLite's steps")
def test_a_claim_costs_the_same_however_many_messages_of_an_account_wait(client, pipedrive):
    post_pipedrive(client, pipedrive, id="change-0", action="delete")
    message, now = InboundMessage.unscoped.get(), clock()
    columns = {"endpoint_id": message.endpoint_id, "share_key": message.share_key}
    steps = []
    for count in (400, 4000):
        waiting = [
            InboundMessage(**columns, message_key=f"{count}-{n}", due_at=now, received_at=now)
            for n in range(count)
        ]
        InboundMessage.unscoped.bulk_create(waiting)
        with count_steps() as counted:
            assert len(list_candidates([message.share_key], now=now)) == 200
        steps.append(len(counted))
    assert steps[1] < 2 * steps[0]


@contextmanager
def count_steps():
    """A list that gets an entry for each hundred steps of SQLite."""
    counted = []
    database.connection.set_progress_handler(lambda: counted.append(1), 100)
    yield counted
    database.connection.set_progress_handler(None, 0)


def list_published():
    """The ids of the changes that are published, in their order."""
    senders = Event.unscoped.order_by("pk").values_list("sender_id", flat=True)
    return [sender.rpartition(":")[2] for sender in senders]


def test_an_event_that_exists_already_makes_its_item_a_duplicate(client, pipedrive):
    post_pipedrive(client, pipedrive, id="change-0", action="delete")
    run_inbox()
    InboundMessage.unscoped.all().delete()  # pruned; the event is kept
    post_pipedrive(client, pipedrive, id="change-0", action="delete")
    run_inbox()
    assert InboundItem.unscoped.get().state == "duplicate"
    assert Event.unscoped.count() == 1


def test_long_ids_that_begin_alike_are_events_of_their_own_and_so_is_each_replay(client, pipedrive):
    for end in "ab":
        post_pipedrive(client, pipedrive, id="x" * 199 + end, action="delete")
    run_inbox()
    for item in InboundItem.unscoped.all():
        assert item.state == "processed"
        replay_item(item, ActorContext.system(), now=clock())
    run_inbox()
    assert Event.unscoped.count() == 4


def test_accounts_whose_messages_cannot_be_claimed_do_not_hide_the_others(client, make):
    connections = [
        make.connection(connector="pipedrive", account=str(700 + n), secret={})
        for n in range(claim.MAX_SHARES + 1)
    ]
    for connection in connections:
        post_changes(client, connection, 1)
    shares = sorted(InboundMessage.unscoped.values_list("share_key", flat=True))
    InboundMessage.unscoped.exclude(share_key=shares[-1]).update(attempt_count=1)

    first = claim_messages(new_lease(), after="", now=clock())
    assert (len(first.messages), first.last_share) == (0, shares[-2])
    second = claim_messages(new_lease(), after=first.last_share, now=clock())
    assert [message.share_key for message in second.messages] == [shares[-1]]


def test_items_are_inserted_in_one_order_and_published_in_that_of_their_messages(client, pipedrive):
    for id in ("b", "a"):
        post_pipedrive(client, pipedrive, id=id, action="delete")
    run_inbox()
    keys = InboundItem.unscoped.order_by("pk").values_list("item_key", flat=True)
    assert [key[-1] for key in keys] == ["a", "b"]
    ids = Event.unscoped.order_by("pk").values_list("sender_id", flat=True)
    assert [id[-1] for id in ids] == ["b", "a"]


def test_released_items_of_one_connection_do_not_delay_those_of_another(client, make, pipedrive):
    other = make.connection(connector="pipedrive", account="702", secret={})
    post_changes(client, pipedrive, due_items.BATCH_SIZE + 10)
    post_changes(client, other, 1)
    for _ in range(2):
        run_inbox()
    for item in InboundItem.unscoped.all():
        replay_item(item, ActorContext.system(), now=clock())

    assert process_due_items(now=clock()) == other.pk
    waiting = InboundItem.unscoped.filter(state="received").values_list("connection", flat=True)
    assert (set(waiting), len(waiting)) == ({pipedrive.pk}, due_items.BATCH_SIZE // 2 + 10)


def test_one_bad_notification_is_quarantined_at_its_position_and_the_others_go_on(
    client, salesforce
):
    path = local_path(endpoint_of(salesforce)) + "?change=created"
    good = [NOTIFICATION.format(id=f"04l{n}", record=f"801{n}", number=n) for n in (1, 3)]
    bad = "<Notification><Id>04l2</Id></Notification>"
    body = SOAP.format(
        organization=salesforce.account, session="", notifications=good[0] + bad + good[1]
    )
    client.post(path, body, content_type="text/xml; charset=UTF-8")
    run_inbox()
    assert Event.unscoped.count() == 2
    item = InboundItem.unscoped.get(state="quarantined")
    assert (item.reason, item.position, item.type) == ("cannot_be_read", 1, "")

    replay_item(item, ActorContext.system(), now=clock())
    run_inbox()
    item.refresh_from_db()
    assert (item.state, item.reason) == ("quarantined", "cannot_be_read")
    assert Event.unscoped.count() == 2


def test_data_that_is_nested_too_deeply_delays_no_neighbour(client, make, pipedrive):
    deep = make.connection(connector="splunk", account="")
    body = '{"sid": "s", "result": ' + '{"a":' * 1000 + "1" + "}" * 1001
    client.post(local_path(endpoint_of(deep)), body, content_type="application/json")
    post_changes(client, pipedrive, 1)
    run_inbox(rounds=0)
    states = {row.connection: (row.state, row.reason) for row in InboundItem.unscoped.all()}
    assert states == {deep: ("quarantined", "cannot_be_read"), pipedrive: ("processed", "")}
