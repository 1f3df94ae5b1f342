"""Logs that the hub reads itself: the audit log, and that of our application."""

import json
from decimal import Decimal

import pytest

from connectors.http import Response, dump_json
from hub.audit import ActorContext
from hub.audit.actor import Actor
from hub.scheduled.models import Log, LogChunk
from hub.scheduled.runs.context import RunFailed
from tests.factories import MINUTE, NOON
from tests.hub.scheduled.shipping.splunk_run import (
    URL,
    Killed,
    SimulatedRun,
    SimulatedSplunk,
    make_another_run,
    make_run,
    ship,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def splunk(tmp_path):
    splunk = SimulatedSplunk(tmp_path)
    yield splunk
    splunk.system.close()


@pytest.fixture
def connection(make, acme):
    return make.connection(acme, "splunk", settings={"url": URL})


class AppRun(SimulatedRun):
    """A run that reads the log of our application, by keyset."""

    records = ()
    page_size = 3
    is_truncated = False

    async def find_connection(self, connector_key=""):
        return self.app if connector_key == "app" else self.connection

    async def call(self, connection, build, parse):
        if connection is not self.app:
            return await super().call(connection, build, parse)
        request = build(connection)
        after = request.url.partition("after=")[2].partition("&")[0]
        rows = [row for row in self.records if row["id"] > after][: self.page_size]
        more = rows[-1]["id"] if len(rows) == self.page_size else None
        body = {"logs": rows, "count": len(rows) + self.is_truncated, "next_after": more}
        return parse(Response(200, dump_json(body)))


@pytest.fixture
def app_run(make, acme, splunk, connection):
    make.app("app", {"signing_secret": "s" * 32, "token": "t" * 32})
    context = AppRun(make_run(make, acme, source="collection"), splunk, connection)
    context.app = make.connection(None, "app")
    return context


def log_record(number):
    at = f"2026-11-25T11:00:{number:02d}Z"
    return {"id": f"{number:012d}", "tenant": "acme", "at": at, "message": f"line {number}"}


def read_ids():
    return [id for id, _ in Log.unscoped.get().read_cursor["marks"]]


def audit(tenant, verb, actor=None):
    context = ActorContext(actor, ip="192.0.2.7") if actor else ActorContext.system()
    return context.audit(verb, tenant, now=NOON, reason="why")


def test_the_audit_log_is_shipped_once_and_in_its_order(make, acme, splunk, connection):
    audit(acme, "tenant.change")
    audit(make.tenant("globex"), "tenant.change")
    audit(acme, "tenant.suspend")
    context = SimulatedRun(make_run(make, acme, source="audit"), splunk, connection)
    ship(context)
    audit(acme, "tenant.restore")
    context.run = make_another_run(context.job, acme)
    ship(context)
    events = splunk.events()
    actions = ["tenant.change", "tenant.suspend", "tenant.restore"]
    assert [event["event"]["action"] for event in events] == actions
    assert [event["event"]["number"] for event in events] == [1, 2, 3]
    assert {(event["source"], event["time"]) for event in events} == {
        ("integration-hub:audit", NOON.timestamp())
    }


def test_addresses_of_members_are_shipped_and_those_of_staff_are_not(
    make, acme, splunk, connection
):
    ann, staff = make.user(), make.staff()
    make.membership(acme, ann)
    for user in (ann, staff):
        audit(acme, "tenant.change", Actor.of_user(user))
    ship(SimulatedRun(make_run(make, acme, source="audit"), splunk, connection))
    assert [event["event"]["ip"] for event in splunk.events()] == ["192.0.2.7", ""]


def test_our_applications_log_is_read_on_from_the_last_line(app_run, acme, splunk):
    app_run.records = [log_record(number) for number in range(1, 8)]
    ship(app_run)
    app_run.records = [log_record(number) for number in range(1, 11)]
    app_run.run = make_another_run(app_run.job, acme)
    ship(app_run)
    messages = [event["event"]["message"] for event in splunk.events()]
    assert messages == [f"line {number}" for number in range(1, 11)]
    assert splunk.events()[0]["time"] == NOON.timestamp() - 3599
    assert read_ids()[-1] == log_record(10)["id"]


@pytest.mark.parametrize("kill_at", [1, 2, 3, 4])
def test_a_kill_while_reading_neither_loses_nor_repeats_a_line(app_run, splunk, kill_at):
    app_run.records = [log_record(number) for number in range(1, 8)]
    app_run.kill_at = kill_at
    with pytest.raises(Killed):
        ship(app_run)
    app_run.kill_at = None
    ship(app_run)
    assert Log.unscoped.get().next_line == 7
    assert {event["event"]["message"] for event in splunk.events()} == {
        f"line {number}" for number in range(1, 8)
    }


def test_an_incomplete_page_is_not_passed_and_what_waits_is_shipped(app_run, acme, splunk):
    app_run.records = [log_record(number) for number in range(1, 3)]
    ship(app_run)
    app_run.records = [log_record(number) for number in range(1, 5)]
    app_run.is_truncated, app_run.run = True, make_another_run(app_run.job, acme)
    with pytest.raises(RunFailed):
        ship(app_run)
    assert read_ids()[-1] == log_record(2)["id"]


def test_secrets_in_our_applications_log_are_masked(app_run, splunk):
    record = log_record(1) | {"message": "Authorization: Bearer abcdefgh12345678"}
    app_run.records = [record]
    ship(app_run)
    assert "abcdefgh" not in json.dumps(splunk.events())


@pytest.mark.corrections(item="1.16")
def test_jobs_that_read_different_lines_into_one_log_read_none(app_run, make, acme):
    app_run.records = [log_record(number) for number in range(1, 4)]
    make_run(make, acme, source="collection", query={"level": "error"})
    with pytest.raises(RunFailed) as failure:
        ship(app_run)
    assert failure.value.reason == "options_invalid" and not LogChunk.unscoped.exists()


@pytest.mark.corrections(item="1.17")
def test_a_line_that_appears_late_with_a_smaller_id_is_shipped_once(app_run, acme, splunk):
    visible = [1, 2, 3, 5, 6, 8, 9]
    for late in ([], [4], [7], []):
        visible = sorted([*visible, *late, max(visible) + 1])
        app_run.records = [log_record(number) for number in visible]
        ship(app_run)
        app_run.run = make_another_run(app_run.job, acme)
    messages = [event["event"]["message"] for event in splunk.events()]
    assert sorted(messages) == sorted(f"line {number}" for number in range(1, 14))


@pytest.mark.corrections(item="1.17")
def test_lines_that_are_settled_are_not_read_again(app_run, acme):
    for last in range(1, 30):
        app_run.records = [log_record(number) for number in range(1, last + 1)]
        ship(app_run)
        app_run.time += MINUTE
        app_run.run = make_another_run(app_run.job, acme)
    assert Log.unscoped.get().next_line == 29 and len(read_ids()) <= 7


@pytest.mark.corrections(item="1.17")
def test_a_read_of_many_pages_keeps_few_marks_and_loses_no_late_line(app_run, acme, splunk):
    visible = [number for number in range(1, 60) if number != 30]
    app_run.records = [log_record(number) for number in visible]
    ship(app_run)
    assert len(read_ids()) <= 2 and read_ids()[-1] == log_record(59)["id"]
    app_run.records = [log_record(number) for number in range(1, 60)]
    app_run.run = make_another_run(app_run.job, acme)
    ship(app_run)
    messages = [event["event"]["message"] for event in splunk.events()]
    assert sorted(messages) == sorted(f"line {number}" for number in range(1, 60))


@pytest.mark.corrections(item="1.17")
@pytest.mark.parametrize("kill_at", [2, 4, 6])
def test_a_kill_while_late_lines_are_read_repeats_none(app_run, acme, kill_at):
    app_run.records = [log_record(number) for number in range(2, 20, 2)]
    ship(app_run)
    app_run.records = [log_record(number) for number in range(1, 25)]
    app_run.run = make_another_run(app_run.job, acme)
    app_run.kill_at, app_run.saves = kill_at, 0
    with pytest.raises(Killed):
        ship(app_run)
    app_run.kill_at = None
    ship(app_run)
    assert Log.unscoped.get().next_line == 24


@pytest.mark.corrections(item="1.5")
def test_a_line_whose_time_has_nanoseconds_keeps_its_time(app_run, splunk):
    at = Decimal(f"{NOON.timestamp():.0f}.123456789")
    app_run.records = [{"id": "000000000001", "tenant": "acme", "time": at, "message": "line"}]
    ship(app_run)
    (event,) = splunk.events()
    assert float(event["time"]) == pytest.approx(float(at), abs=0.001)
