"""Reads of gaps, with the sandbox's Pipedrive by real HTTP and the inbox behind."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
import requests

from hub.audit import ActorContext
from hub.incoming.gaps import complete_until, open_gap
from hub.incoming.gaps.gap_actions import cancel_gap
from hub.incoming.models import InboundGap, InboundItem, InboundSource, WebhookAddress
from hub.notices.models import Notice
from hub.scheduled.gap_reading.executor import run_gap_reading
from hub.scheduled.runs.context import RunStopped
from tests.factories import MINUTE
from tests.hub.incoming.webhook_posts import endpoint_of, post_pipedrive, run_inbox
from tests.hub.scheduled.gap_reading import gap_runs
from tests.hub.scheduled.gap_reading.gap_runs import counts_of, data_of, list_types
from tests.hub.scheduled.sandbox_run import SandboxRun, connect, execute
from tests.sandbox.running_sandbox import NOON, RunningSandbox

pytestmark = pytest.mark.django_db(transaction=True)
TOKEN = {"Authorization": "Bearer v1u:acme-1"}
API = "/pipedrive/acme/api/v2"
COMPANY = "701"
BEGIN = datetime.fromtimestamp(NOON, UTC) + timedelta(minutes=20)
END, LATER = BEGIN + timedelta(minutes=20), BEGIN + timedelta(minutes=60)


@pytest.fixture
def desk(tmp_path):
    with RunningSandbox(tmp_path).running() as running:
        running.now += 30 * 60  # in the gap, after the records that the world begins with
        yield running


@pytest.fixture
def pipedrive(make, desk):
    (connection,) = connect(make, desk, make.tenant("acme"), "pipedrive", account=COMPANY)
    endpoint_of(connection)
    return connection


@pytest.fixture
def gap(make, pipedrive):
    return make.gap(make.source(pipedrive), from_at=BEGIN, to_at=END, now=LATER)


def add(desk, collection="persons", **fields):
    answer = desk.post(f"{API}/{collection}", json=fields, headers=TOKEN)
    assert answer.status_code in (200, 201), answer.text
    return str(answer.json()["data"]["id"])


def start(connection, **limits):
    return gap_runs.start(connection, at=LATER, **limits)


def read(connection, *, at=LATER):
    result, _called = gap_runs.read(connection, at=at)
    return result


def test_missed_sign_ups_are_events_that_name_the_gap_and_it_closes_with_counts(
    desk, pipedrive, gap, client
):
    ids = [add(desk, name=f"Ann {number}") for number in range(3)]
    post_pipedrive(client, pipedrive, entity_id=ids[0], company_id=COMPANY)
    run_inbox()
    assert read(pipedrive) == {"gaps": 1, "read": 3}
    assert counts_of(gap) == ("closed", 3, 1, 2)
    missed = [data["read"] for data in data_of("pipedrive.person.created") if "read" in data]
    assert [entry["gap"] for entry in missed] == [str(gap.public_id)] * 2
    (closed,) = data_of("source.gap_closed")
    assert closed["counts"] | {"read": 3, "known": 1, "new": 2} == closed["counts"]
    assert closed["sentence"] == "Outage of the hub: read 3, known 1, new 2"
    assert InboundSource.unscoped.get().read_until >= END


def test_what_changed_before_or_after_is_not_read(desk, pipedrive, gap):
    desk.now += 20 * 60
    add(desk, name="after")
    assert read(pipedrive)["read"] == 0
    assert counts_of(gap) == ("closed", 0, 0, 0)


def test_a_sign_up_that_was_edited_after_the_gap_and_before_its_read_is_not_missed(
    desk, pipedrive, gap
):
    id = add(desk, name="Ann")
    desk.now += 20 * 60
    answer = requests.patch(
        f"{desk.url}{API}/persons/{id}", json={"name": "Anna"}, headers=TOKEN, timeout=5
    )
    assert answer.status_code == 200
    read(pipedrive)
    assert counts_of(gap) == ("closed", 1, 0, 1)
    assert [type for type in list_types() if "person" in type] == ["pipedrive.person.created"]
    assert data_of("pipedrive.person.created")[0]["record"]["name"] == "Anna"


def test_a_deletion_is_one_event_however_often_it_is_read(make, desk, pipedrive):
    source = make.source(pipedrive, "deal")
    id = add(desk, "deals", title="Large")
    answer = requests.delete(f"{desk.url}{API}/deals/{id}", headers=TOKEN, timeout=5)
    assert answer.status_code == 200
    for _ in range(2):
        make.gap(source, from_at=BEGIN, to_at=END, now=LATER)
        read(pipedrive)
    assert list_types().count("pipedrive.deal.deleted") == 1
    first, second = InboundGap.unscoped.order_by("pk")
    assert (first.deleted_count, second.known_count, second.new_count) == (1, 1, 0)


@pytest.mark.parametrize("saves", range(3))
def test_a_killed_read_continues_and_finds_each_change_once(desk, pipedrive, gap, saves):
    for number in range(5):
        add(desk, name=f"Ann {number}")
    context = start(pipedrive, stop_after=saves)
    with suppress(RunStopped):
        execute(run_gap_reading, context)
    context.run.refresh_from_db()
    context.stop_after = None
    execute(run_gap_reading, context)
    run_inbox()
    assert counts_of(gap) == ("closed", 5, 0, 5)
    assert list_types().count("pipedrive.person.created") == 5


def test_how_many_will_be_read_is_estimated_by_the_time_that_was_read(desk, pipedrive, gap):
    for number in range(3):
        add(desk, name=f"Ann {number}")  # in the middle of the gap
    with suppress(RunStopped):
        execute(run_gap_reading, start(pipedrive, stop_after=1))
    gap.refresh_from_db()
    assert (gap.state, gap.read_count, gap.expected_count) == ("reading", 3, 6)


def test_a_read_costs_one_call_more_than_its_pages(desk, pipedrive, gap):
    add(desk, name="Ann")
    context = start(pipedrive)
    execute(run_gap_reading, context)
    assert len(context.called) == 2


def test_another_account_is_not_read_and_its_gaps_are_cancelled(desk, pipedrive, gap):
    add(desk, name="Ann")
    type(pipedrive).unscoped.update(account="999")
    read(pipedrive)
    gap.refresh_from_db()
    assert (gap.state, gap.reason, InboundItem.unscoped.count()) == (
        "cancelled",
        "other_account",
        0,
    )


def test_a_copy_of_the_installation_reads_nothing(desk, pipedrive, gap):
    WebhookAddress.objects.create(public_url="https://original.test", changed_at=LATER)
    context = start(pipedrive)
    execute(run_gap_reading, context)
    gap.refresh_from_db()
    assert (context.called, gap.state) == ([], "due")


def test_a_gap_that_lasts_is_read_up_to_now_and_again_later(make, desk, pipedrive):
    gap = make.gap(
        make.source(pipedrive), state="open", from_at=BEGIN, to_at=None, due_at=LATER, now=END
    )
    add(desk, name="Ann")
    read(pipedrive)
    assert counts_of(gap) == ("open", 1, 0, 1)
    assert LATER - MINUTE <= gap.read_until < LATER and gap.due_at == LATER + (LATER - END)


def test_a_gap_that_is_read_in_parts_keeps_its_begin_and_counts_all(make, desk, pipedrive):
    gap = make.gap(make.source(pipedrive), from_at=BEGIN, to_at=LATER, now=LATER)
    add(desk, name="Ann")
    read(pipedrive)  # a part of its last minute has not settled
    assert counts_of(gap) == ("due", 1, 0, 1)
    assert complete_until(gap.source, [gap]) > LATER - MINUTE
    read(pipedrive, at=gap.due_at + MINUTE)
    assert counts_of(gap) == ("closed", 1, 0, 1)
    (closed,) = data_of("source.gap_closed")
    assert (closed["from"], closed["counts"]["new"]) == (BEGIN.isoformat(), 1)


def test_a_part_that_was_read_is_read_again_if_the_gap_begins_earlier(make, desk, pipedrive):
    gap = make.gap(make.source(pipedrive), state="open", from_at=BEGIN, to_at=None, now=LATER)
    read(pipedrive)
    joined = open_gap(gap.source, "gone", from_at=BEGIN - MINUTE, now=LATER)
    assert (joined, joined.unread_from) == (gap, BEGIN - MINUTE)


def test_deletions_that_routes_want_and_no_list_shows_leave_it_incomplete(
    make, desk, pipedrive, gap
):
    make.route(
        tenant=pipedrive.tenant,
        event_type="pipedrive.person.*",
        origin_connector_key="pipedrive",
        connector="webhook",
    )
    read(pipedrive)
    gap.refresh_from_db()
    assert (gap.state, gap.reason) == ("incomplete", "changes_not_listed")
    assert (gap.missing_from, gap.missing_to) == (BEGIN, END)
    notice = Notice.unscoped.get(kind="source_gap")
    assert notice.message == "source_gap_incomplete" and notice.reason == gap.reason
    assert data_of("source.gap_closed")[0]["missing"]["to"] == END.isoformat()


def test_a_gap_that_is_extended_while_it_is_read_is_read_again_from_its_start(
    make, desk, pipedrive
):
    gap = make.gap(make.source(pipedrive), state="open", from_at=BEGIN, to_at=None, now=LATER)
    context = start(pipedrive, stop_after=1)
    with suppress(RunStopped):
        execute(run_gap_reading, context)
    InboundGap.unscoped.update(from_at=BEGIN - 9 * MINUTE)
    context.run.refresh_from_db()
    context.stop_after = None
    execute(run_gap_reading, context)
    gap.refresh_from_db()
    assert (gap.state, gap.unread_from) == ("open", BEGIN - 9 * MINUTE)


def test_a_gap_that_was_cancelled_meanwhile_stays_cancelled(desk, pipedrive, gap):
    context = start(pipedrive, stop_after=1)
    with suppress(RunStopped):
        execute(run_gap_reading, context)
    InboundGap.unscoped.update(state="cancelled")
    context.run.refresh_from_db()
    context.stop_after = None
    execute(run_gap_reading, context)
    assert counts_of(gap)[0] == "cancelled"


class CancelledRun(SandboxRun):
    """A run whose gap a person cancels while its first page is on its way."""

    async def call(self, connection, build, parse):
        answer = await super().call(connection, build, parse)
        if len(self.called) == 2:  # after the probe
            gap = InboundGap.unscoped.select_related("source__connection", "connection", "tenant")
            await self.in_database(
                lambda: cancel_gap(gap.get(), ActorContext.system(), now=self.now())
            )
        return answer


def test_a_cancelled_gap_stops_its_run_before_the_next_page_and_publishes_nothing(
    make, desk, pipedrive
):
    gap = make.gap(make.source(pipedrive, "deal"), from_at=BEGIN, to_at=END, now=LATER)
    add(desk, "deals", title="Large")
    run = start(pipedrive)
    run = CancelledRun(run.run, run.job, run.tenant, at=LATER)
    execute(run_gap_reading, run)
    assert (len(run.called), InboundItem.unscoped.count()) == (2, 0)
    assert counts_of(gap) == ("cancelled", 0, 0, 0)
    run_inbox()
    assert list_types() == ["source.gap_closed"]
    assert (gap.missing_from, gap.missing_to) == (BEGIN, END)
