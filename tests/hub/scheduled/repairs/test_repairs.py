"""Repairs of what reconciliations found."""

from datetime import timedelta

import pytest

from hub.db.state_machine import InvalidTransition
from hub.operations import operation_actions
from hub.outgoing.models import Delivery
from hub.scheduled.models import Job
from hub.scheduled.repairs.discrepancy_actions import (
    RepairRefused,
    ignore_discrepancy,
    repair_discrepancy,
    stop_ignoring,
)
from tests.hub.scheduled.reconciliation.world import OPTIONS
from tests.hub.scheduled.repairs.discrepancies import ACTOR, discrepancy, plan

pytestmark = pytest.mark.django_db


def test_a_repair_writes_the_owners_value_and_the_next_run_finds_nothing(world):
    world.plant(1, there={"status": "won", "value": "13.00"})
    world.reconcile()
    for field in ("status", "total"):
        repair_discrepancy(discrepancy(world, field=field), ACTOR, now=world.clock())
    assert discrepancy(world).replaced_value == "won"
    assert world.repair() == 2
    assert discrepancy(world).state == "resolved"
    assert world.deals.records["00001"]["status"] == "open"
    assert world.orders.records["A-00001"]["total"] == 13
    assert world.reconcile()["equal"] == 1
    assert world.find_discrepancies() == set()


def test_a_person_may_choose_the_side_that_is_changed(world):
    world.plant(1, there={"status": "won"})
    world.reconcile()
    repair_discrepancy(discrepancy(world), ACTOR, side="local", now=world.clock())
    world.repair()
    assert world.orders.records["A-00001"]["state"] == "won"


def test_a_record_that_changed_after_it_was_compared_is_not_overwritten(world):
    world.plant(1, there={"value": 13})
    world.reconcile()
    repair_discrepancy(discrepancy(world, field="total"), ACTOR, now=world.clock())
    world.orders.put("A-00001", total=99)
    assert world.repair() == 0
    found = discrepancy(world, field="total")
    assert (found.state, found.reason) == ("open", "changed_since")
    assert world.orders.records["A-00001"]["total"] == 99


def test_a_discrepancy_is_repaired_once(world):
    world.plant(1, there={"status": "won"})
    world.reconcile()
    found = discrepancy(world)
    repair_discrepancy(found, ACTOR, now=world.clock())
    with pytest.raises(InvalidTransition):
        repair_discrepancy(found, ACTOR, now=world.clock())
    world.check_repairs()
    world.check_repairs()
    assert Delivery.unscoped.count() == 1


def test_what_cannot_be_repaired_says_why_and_stays_as_it_is(world):
    world.orders.put("B-1", state="open")
    world.deals.put("00100", title="A-1", status="open")
    world.deals.put("00101", title="A-1", status="open")
    world.reconcile()
    world.reconcile()  # the first one had seen them change
    for key, field, reason in (("B-1", "", "report_only"), ("A-1", "", "ambiguous")):
        found = discrepancy(world, key, field)
        with pytest.raises(RepairRefused) as refused:
            repair_discrepancy(found, ACTOR, now=world.clock())
        assert refused.value.reason == reason
        assert discrepancy(world, key, field).state == found.state


def test_an_ignored_discrepancy_can_be_shown_again(world):
    world.plant(1, there={"status": "won"})
    world.reconcile()
    ignore_discrepancy(discrepancy(world), ACTOR, reason="known", now=world.clock())
    world.reconcile()
    assert discrepancy(world).state == "ignored"
    with pytest.raises(InvalidTransition):
        repair_discrepancy(discrepancy(world), ACTOR, now=world.clock())
    stop_ignoring(discrepancy(world), ACTOR, now=world.clock())
    assert discrepancy(world).state == "open"


# --- read again ---------------------------------------------------------------------------------


def test_where_the_system_has_no_precondition_the_record_is_read_again_before(world):
    world.plant(1, there={"status": "won"})
    world.reconcile()
    repair_discrepancy(discrepancy(world), ACTOR, now=world.clock())
    assert (discrepancy(world).reason, Delivery.unscoped.count()) == ("awaiting_read", 0)
    world.deals.put("00001", status="lost")
    world.check_repairs()
    assert (discrepancy(world).state, discrepancy(world).reason) == ("open", "changed_since")
    assert not Delivery.unscoped.exists()


def test_a_repair_that_its_job_no_longer_allows_when_the_record_was_read_is_open_again(world):
    world.plant(1, there={"status": "won"})
    world.reconcile()
    repair_discrepancy(discrepancy(world), ACTOR, now=world.clock())
    Job.unscoped.update(options={**OPTIONS, "repair": {}})
    assert world.repair() == 0
    found = discrepancy(world)
    assert (found.state, found.reason) == ("open", "no_repair_action")


def test_such_a_repair_expires_60_seconds_after_the_record_was_read(world):
    world.plant(1, there={"status": "won"})
    world.reconcile()
    repair_discrepancy(discrepancy(world), ACTOR, now=world.clock())
    world.check_repairs()
    delivery = Delivery.unscoped.get()
    assert delivery.expires_at - world.clock.at <= timedelta(seconds=60)


def test_no_more_repairs_of_one_side_are_read_again_than_can_be_sent_within_a_minute(world):
    for number in range(250):
        world.plant(number, there={"status": "won"})
    world.plant(250, there={"value": 13})  # a repair of the other side
    world.orders.page_size = world.deals.page_size = 1000
    world.reconcile()
    operation = plan(world)
    operation_actions.confirm_operation(operation, ACTOR, now=world.clock())
    world.run_operations()
    for _ in range(3):
        world.check_repairs()
    assert Delivery.unscoped.filter(state="waiting").count() == 200 + 1
    assert world.deliver() == 200 + 1
    world.check_repairs()
    assert world.repair() == 50
    assert world.reconcile()["equal"] == 251
