"""Reads of gaps at the sandbox's Salesforce by real HTTP, with the inbox behind."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
import requests

from hub.incoming.models import InboundItem, InboundMessage, SourceCanary
from hub.scheduled.gap_reading.executor import run_gap_reading
from hub.scheduled.runs.context import RunStopped
from sandbox.salesforce.outbound.soap import notification
from tests.factories import MINUTE
from tests.hub.incoming.webhook_posts import SOAP, endpoint_of, local_path, run_inbox
from tests.hub.scheduled.gap_reading.gap_runs import counts_of, data_of, list_types, read, start
from tests.hub.scheduled.sandbox_run import ORG, connect, execute
from tests.sandbox.running_sandbox import NOON, RunningSandbox

pytestmark = pytest.mark.django_db(transaction=True)
HEADERS = {"Authorization": "Bearer 00D000000000001!acme"}
LEADS = f"/salesforce/{ORG}/services/data/v67.0/sobjects/Lead"
BEGIN = datetime.fromtimestamp(NOON, UTC) + timedelta(minutes=20)
END, LATER = BEGIN + timedelta(minutes=20), BEGIN + timedelta(minutes=60)


@pytest.fixture
def desk(tmp_path):
    with RunningSandbox(tmp_path).running() as running:
        running.now += 30 * 60
        yield running


@pytest.fixture
def salesforce(make, desk):
    (connection,) = connect(make, desk, make.tenant("acme"), "salesforce", account=ORG)
    endpoint_of(connection)
    return connection


@pytest.fixture
def gap(make, salesforce):
    return make.gap(make.source(salesforce, "lead"), from_at=BEGIN, to_at=END, now=LATER)


def add(desk, name="Lovelace"):
    fields = {"LastName": name, "Company": "Acme"}
    answer = desk.post(LEADS, json=fields, headers=HEADERS)
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


def change(desk, method, id, fields=None):
    url = f"{desk.url}{LEADS}/{id}"
    answer = requests.request(method, url, json=fields, headers=HEADERS, timeout=5)
    assert answer.status_code == 204, answer.text


def tell(client, connection, desk, id, change, *, notification_id="04l1", now=None):
    """Post the outbound message of a record as it is now; process it."""
    record = desk.get(f"{LEADS}/{id}", headers=HEADERS).json()
    notice = notification(notification_id, "Lead", record, list(record)[1:])
    body = SOAP.format(organization=ORG, session="", notifications=notice)
    path = f"{local_path(endpoint_of(connection))}?change={change}"
    assert client.post(path, body, content_type="text/xml; charset=UTF-8").status_code == 200
    if now is not None:
        InboundMessage.unscoped.update(received_at=now, due_at=now)
    run_inbox(now=now)


def test_missed_records_are_events_with_the_same_record_as_a_message_has(
    desk, salesforce, gap, client
):
    first, *_others = [add(desk, f"Ann {number}") for number in range(3)]
    tell(client, salesforce, desk, first, "created")
    result, called = read(salesforce, at=LATER)
    assert (result, len(called)) == ({"gaps": 1, "read": 3}, 3)
    assert counts_of(gap) == ("closed", 3, 1, 2)
    told, *found = data_of("salesforce.lead.created")
    assert [data["read"]["gap"] for data in found] == [str(gap.public_id)] * 2
    assert all(data["record"].keys() == told["record"].keys() for data in found)
    assert found[0]["record"]["Name"] == "Ann 1" and found[0]["object"] == "Lead"


def test_late_messages_of_what_was_read_are_duplicates_and_a_later_change_is_not(
    desk, salesforce, gap, client
):
    id = add(desk)
    desk.now += 60
    change(desk, "PATCH", id, {"LastName": "King"})
    read(salesforce, at=LATER)
    for number, kind in enumerate(("updated", "created", "updated")):
        tell(client, salesforce, desk, id, kind, notification_id=f"04l{number}")
    assert list_types() == ["source.gap_closed", "salesforce.lead.created"]
    reasons = InboundItem.unscoped.order_by("pk").values_list("state", "reason")
    assert set(reasons[1:]) == {("duplicate", "read_before")}
    desk.now += 600
    change(desk, "PATCH", id, {"LastName": "Byron"})
    tell(client, salesforce, desk, id, "updated", notification_id="04l9")
    assert list_types()[2:] == ["salesforce.lead.updated"]


def test_a_record_that_changed_several_times_is_one_event_with_its_last_state(
    desk, salesforce, gap, client
):
    id = add(desk)
    tell(client, salesforce, desk, id, "created")
    for name in ("King", "Byron"):
        desk.now += 60
        change(desk, "PATCH", id, {"LastName": name})
    read(salesforce, at=LATER)
    (updated,) = data_of("salesforce.lead.updated")
    assert updated["record"]["LastName"] == "Byron"
    assert updated["read"] == {
        "gap": str(gap.public_id),
        "from": BEGIN.isoformat(),
        "to": (END + timedelta(seconds=1)).isoformat(),
    }


def test_a_record_that_two_gaps_show_as_created_and_changed_is_one_event(make, desk, salesforce):
    source = make.source(salesforce, "lead")
    for _registration in range(2):  # of creations, and of updates
        make.gap(source, from_at=BEGIN, to_at=END, now=LATER)
    id = add(desk)
    desk.now += 60
    change(desk, "PATCH", id, {"LastName": "King"})
    read(salesforce, at=LATER)
    assert [type for type in list_types() if "lead" in type] == ["salesforce.lead.created"]


def test_a_deletion_is_one_event_however_often_it_is_read(make, desk, salesforce, gap):
    change(desk, "DELETE", add(desk))
    read(salesforce, at=LATER)
    again = make.gap(gap.source, from_at=BEGIN, to_at=END, now=LATER)
    read(salesforce, at=LATER)
    assert list_types().count("salesforce.lead.deleted") == 1
    assert (counts_of(gap), counts_of(again)) == (("closed", 1, 0, 1), ("closed", 1, 1, 0))


def test_records_of_one_second_on_two_pages_are_found_once_in_few_calls(desk, salesforce, gap):
    seed = {"system": "salesforce", "account": ORG, "object": "Lead", "generate": {"count": 2100}}
    assert desk.post("/_control/seed", json=seed).status_code == 201
    _result, called = read(salesforce, at=LATER)
    assert counts_of(gap) == ("closed", 2100, 0, 2100)
    records = InboundMessage.unscoped.values_list("message_key", flat=True)
    assert len(set(records)) == 2100
    calls = [row for row in desk.ledger() if "/services/data/" in row["path"]]
    # the account, the fields, two pages, and between them how many there are
    assert len(called) == len(calls) == 5


@pytest.mark.parametrize("saves", range(3))
def test_a_killed_read_continues_and_finds_each_change_once(desk, salesforce, gap, saves):
    for number in range(3):
        add(desk, f"Ann {number}")
    context = start(salesforce, at=LATER, stop_after=saves)
    with suppress(RunStopped):
        execute(run_gap_reading, context)
    context.run.refresh_from_db()
    context.stop_after = None
    execute(run_gap_reading, context)
    run_inbox()
    assert counts_of(gap) == ("closed", 3, 0, 3)
    assert list_types().count("salesforce.lead.created") == 3


def test_the_last_minute_is_read_when_its_transactions_are_over(make, desk, salesforce):
    at = END + timedelta(seconds=10)
    gap = make.gap(make.source(salesforce, "lead"), from_at=BEGIN, to_at=END, now=at)
    desk.now = NOON + 40 * 60 - 5
    add(desk)
    read(salesforce, at=at)
    assert counts_of(gap) == ("due", 0, 0, 0)
    assert gap.due_at == END + timedelta(seconds=62)
    read(salesforce, at=gap.due_at)
    assert counts_of(gap) == ("closed", 1, 0, 1)


def test_a_change_of_the_second_in_which_the_gap_begins_is_read(make, desk, salesforce):
    begin = BEGIN + timedelta(milliseconds=500)
    gap = make.gap(make.source(salesforce, "lead"), from_at=begin, to_at=END, now=LATER)
    desk.now = BEGIN.timestamp()  # as Salesforce says of a change at 0.7 s, too
    add(desk)
    read(salesforce, at=LATER)
    assert counts_of(gap) == ("closed", 1, 0, 1)


def test_deletions_that_have_left_the_recycle_bin_leave_it_incomplete(make, salesforce):
    source = make.source(salesforce, "lead")
    gap = make.gap(source, from_at=END - timedelta(days=16), to_at=END, now=LATER)
    read(salesforce, at=LATER)
    assert counts_of(gap)[0] == "incomplete" and gap.reason == "history_gone"
    assert (gap.missing_from, gap.missing_to) == (gap.from_at, LATER - timedelta(days=15))


def test_a_canary_that_was_read_is_set_aside_and_proves_no_webhook(desk, salesforce, gap):
    id = add(desk)
    change(desk, "PATCH", id, {"Description": "Integration Hub check abc"})
    canary = SourceCanary.unscoped.create(
        source=gap.source,
        is_on=True,
        record=id,
        mark="Integration Hub check abc",
        state="waiting",
        sent_at=LATER - MINUTE,
    )
    read(salesforce, at=LATER)
    canary.refresh_from_db()
    assert (canary.state, canary.heard_at) == ("waiting", None)
    assert set(InboundItem.unscoped.values_list("reason", flat=True)) == {"canary"}
    assert list_types() == ["source.gap_closed"]
