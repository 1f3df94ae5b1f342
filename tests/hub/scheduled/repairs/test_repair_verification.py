"""A delivered repair is read again before it is resolved."""

from datetime import timedelta

import pytest

from connectors.http import Response
from hub.outgoing.models import Attempt
from hub.scheduled.models import Job
from hub.scheduled.repairs.discrepancy_actions import repair_discrepancy
from tests.factories import NOON
from tests.hub.scheduled.reconciliation.world import OPTIONS, ReconciliationScenario
from tests.hub.scheduled.repairs.discrepancies import ACTOR, discrepancy

pytestmark = pytest.mark.django_db


def test_a_delivered_repair_without_effect_is_open_again(world):
    world.plant(1, there={"value": 13})
    world.reconcile()
    repair_discrepancy(discrepancy(world, field="total"), ACTOR, now=world.clock())
    world.check_repairs()
    world.deliver()
    world.orders.put("A-00001", total=12.5)
    world.check_repairs()
    found = discrepancy(world, field="total")
    assert (found.state, found.reason) == ("open", "repair_without_effect")


def test_two_fields_of_one_record_can_be_repaired_one_after_the_other(make):
    fields = [{**field, "owner": "theirs"} for field in OPTIONS["fields"]]
    world = ReconciliationScenario(make, fields=fields)
    world.plant(1, there={"status": "won", "value": 13})
    world.reconcile()
    for field in ("status", "total"):
        repair_discrepancy(discrepancy(world, field=field), ACTOR, now=world.clock())
        assert world.repair() == 1
    assert world.reconcile()["equal"] == 1


def test_a_repair_of_one_field_makes_no_other_field_the_newer_one(make):
    fields = [{**field, "owner": "newer"} for field in OPTIONS["fields"]]
    world = ReconciliationScenario(make, fields=fields)
    key = world.plant(1, there={"status": "won", "value": 13})
    world.orders.put(key, NOON - timedelta(hours=1), total=12.5)
    world.reconcile()
    for field in ("status", "total"):
        repair_discrepancy(discrepancy(world, field=field), ACTOR, now=world.clock())
        assert (discrepancy(world, field=field).repair_side, world.repair()) == ("remote", 1)
    assert world.orders.records[key]["total"] == 12.5


def test_a_later_run_does_not_take_a_record_that_we_repaired_for_the_newer_one(make):
    fields = [{**field, "owner": "newer"} for field in OPTIONS["fields"]]
    world = ReconciliationScenario(make, fields=fields)
    key = world.plant(1, there={"status": "won", "value": 13})
    world.orders.put(key, NOON - timedelta(hours=1), total=12.5)
    world.reconcile()
    repair_discrepancy(discrepancy(world), ACTOR, now=world.clock())
    assert world.repair() == 1
    world.reconcile()
    repair_discrepancy(discrepancy(world, field="total"), ACTOR, now=world.clock())
    assert discrepancy(world, field="total").repair_side == "remote"


def test_repairs_that_cannot_be_checked_do_not_stop_the_others(world):
    world.plant(1, there={"status": "won", "value": 13})
    world.reconcile()
    for field in ("status", "total"):
        repair_discrepancy(discrepancy(world, field=field), ACTOR, now=world.clock())
    world.check_repairs()
    world.deliver()
    status, total = OPTIONS["fields"]
    fields = [{**status, "remote": "status || title"}, total]
    Job.unscoped.update(options={**OPTIONS, "fields": fields})
    world.check_repairs()
    assert discrepancy(world, field="total").state == "resolved"
    assert discrepancy(world).state == "repairing"


def test_no_parameter_of_a_job_prevents_that_its_records_are_read_again(world):
    world.plant(1, there={"status": "won"})
    world.reconcile()
    repair_discrepancy(discrepancy(world), ACTOR, now=world.clock())
    remote = {"collection": "deals", "query": {"tenant": "x"}}
    Job.unscoped.update(options={**OPTIONS, "remote": remote})
    assert world.repair() == 1


def test_a_record_that_cannot_be_read_for_an_hour_is_open_again(world):
    world.plant(1, there={"status": "won"})
    world.reconcile()
    repair_discrepancy(discrepancy(world), ACTOR, now=world.clock())
    world.deals.answer = lambda request: Response(503)
    world.check_repairs()
    assert discrepancy(world).state == "repairing"
    world.clock.at += timedelta(hours=2)
    world.check_repairs()
    assert discrepancy(world).reason == "cannot_be_read_again"


@pytest.fixture
def unread(world):
    """A world with a repair that was delivered, and whose record cannot be read since; another
    difference is not repaired.
    """
    for number in (1, 2):
        world.plant(number, there={"status": "won"})
    world.reconcile()
    repair_discrepancy(discrepancy(world), ACTOR, now=world.clock())
    world.check_repairs()
    world.deliver()
    world.deals.is_away = True
    world.clock.at += timedelta(minutes=3)
    world.check_repairs()
    return world


def test_a_delivered_repair_that_cannot_be_read_is_not_proven(unread):
    found = discrepancy(unread)
    assert (found.state, found.reason) == ("repairing", "repair_unverified")
    requests = len(unread.deals.pages_read)
    unread.check_repairs()
    assert len(unread.deals.pages_read) == requests  # it is asked again later


def test_each_repair_is_read_again_and_shown_as_not_proven_by_its_own_age(unread):
    unread.deals.is_away = False
    repair_discrepancy(discrepancy(unread, "A-00002"), ACTOR, now=unread.clock())
    unread.check_repairs()
    unread.deliver()
    unread.deals.is_away = True
    unread.check_repairs()
    assert discrepancy(unread, "A-00002").reason == ""
    assert discrepancy(unread).reason == "repair_unverified"


def test_a_repair_that_was_not_proven_is_settled_by_a_later_read(unread):
    unread.deals.is_away = False
    unread.clock.at += timedelta(hours=1)
    unread.check_repairs()
    assert (discrepancy(unread).state, discrepancy(unread).reason) == ("resolved", "repaired")


def test_a_repair_that_was_not_proven_is_settled_by_the_next_run(unread):
    unread.deals.is_away = False
    unread.reconcile()
    found = discrepancy(unread)
    assert (found.state, found.reason) == ("resolved", "repaired")
    assert found.repaired_at


def test_a_repair_that_was_not_proven_and_not_made_is_open_after_the_next_run(unread):
    unread.deals.is_away = False
    unread.deals.put("00001", NOON, status="won")
    unread.reconcile()
    found = discrepancy(unread)
    assert (found.state, found.reason) == ("open", "repair_without_effect")


def test_a_repair_that_nothing_proved_for_a_week_is_open_again(unread):
    unread.clock.at += timedelta(days=8)
    unread.check_repairs()
    found = discrepancy(unread)
    assert (found.state, found.reason) == ("open", "repair_unverified")


def create_missing(make):
    world = ReconciliationScenario(make, missing={"there": "create"})
    world.orders.put("B-1", NOON - timedelta(days=1), state="open", total=8)
    world.reconcile()
    repair_discrepancy(discrepancy(world, "B-1", ""), ACTOR, now=world.clock())
    world.check_repairs()
    world.deliver()
    return world


def test_a_record_that_a_repair_created_is_read_before_it_is_resolved(make):
    world = create_missing(make)
    requests = len(world.deals.pages_read)
    world.check_repairs()
    assert len(world.deals.pages_read) > requests
    assert discrepancy(world, "B-1", "").state == "resolved"


def test_a_created_record_whose_id_is_not_known_waits_for_a_run_for_a_week(make):
    world = create_missing(make)
    Attempt.unscoped.update(reference="")
    world.check_repairs()
    assert discrepancy(world, "B-1", "").state == "repairing"
    world.clock.at += timedelta(days=8)
    world.check_repairs()
    found = discrepancy(world, "B-1", "")
    assert (found.state, found.reason) == ("open", "repair_unverified")


def test_a_created_record_without_its_values_is_open_again(make):
    world = create_missing(make)
    world.deals.put("00000", status="lost")
    world.check_repairs()
    found = discrepancy(world, "B-1", "")
    assert (found.state, found.reason) == ("open", "repair_without_effect")


def test_a_run_does_not_resolve_a_repair_whose_delivery_waits(world):
    world.plant(1, there={"status": "won"})
    world.reconcile()
    repair_discrepancy(discrepancy(world), ACTOR, now=world.clock())
    world.check_repairs()
    world.deals.put("00001", NOON - timedelta(hours=1), status="open")  # by another person
    world.reconcile()
    assert discrepancy(world).state == "repairing"
    world.repair()
    assert discrepancy(world).state == "resolved"


def test_a_run_that_finds_neither_record_does_not_resolve_a_repair_whose_delivery_waits(world):
    world.plant(1, there={"status": "won"})
    world.reconcile()
    repair_discrepancy(discrepancy(world), ACTOR, now=world.clock())
    world.check_repairs()
    world.orders.records.clear()
    world.deals.records.clear()
    world.reconcile()
    assert discrepancy(world).state == "repairing"
