"""What changes while a reconciliation reads is no difference."""

import random
from datetime import timedelta
from itertools import count

import pytest

from hub.outgoing.models import Delivery

pytestmark = pytest.mark.django_db


def test_200_edits_on_either_side_during_a_run_are_no_differences(world):
    keys = [world.plant(number) for number in range(120)]
    chooser = random.Random(7)
    edits = count(1)

    def edit(connection):
        for _ in range(20):
            if next(edits) > 200:
                return
            number = chooser.randrange(120)
            value = chooser.choice(["open", "won", "lost"])
            if chooser.random() < 0.5:
                world.orders.put(keys[number], state=value)
            else:
                world.deals.put(f"{number:05}", status=value)

    world.before_call = edit
    result = world.reconcile()
    assert next(edits) > 200
    assert world.find_discrepancies() == set()
    assert result["unsettled"] > 0
    assert result["compared"] == result["equal"] + result["unsettled"]


@pytest.mark.corrections(item="1.14")
@pytest.mark.parametrize("minutes", [-5, 5])
def test_changes_during_a_run_count_also_where_a_clock_is_five_minutes_off(world, minutes):
    for number in range(60):
        world.plant(number, there={"status": "won"} if number < 10 else {})
    steps = count(1)

    def edit(connection):
        if next(steps) == 6:  # the first pages were read
            at = world.clock() + timedelta(minutes=minutes)
            for number in range(10):
                world.deals.put(f"{number:05}", at, status="open")  # was wrong before
                world.deals.put(f"{number + 10:05}", at, status="lost")  # is not copied here yet

    world.before_call = edit
    result = world.reconcile()
    assert world.find_discrepancies() == set()
    assert (result["equal"], result["unsettled"]) == (50, 10)


def test_records_that_are_created_or_deleted_while_they_are_read_are_not_missing(world):
    for number in range(60):
        world.plant(number)
    steps = count(1)

    def change(connection):
        step = next(steps)
        if step <= 20:
            world.plant(1000 + step)
            world.orders.put(f"A-{1000 + step:05}", state="open")
            world.deals.put(f"{1000 + step:05}", status="open")
            world.orders.delete(f"A-{step:05}")
            world.deals.delete(f"{step:05}")

    world.before_call = change
    world.reconcile()
    assert world.find_discrepancies() == set()


def test_a_change_of_the_key_during_a_run_is_no_difference(world):
    for number in range(30):
        world.plant(number)
    steps = count(1)

    def change(connection):
        if next(steps) == 6:
            world.deals.put("00001", title="Z-1")

    world.before_call = change
    world.reconcile()
    assert world.find_discrepancies() == set()


def test_a_record_with_a_delivery_in_flight_is_left_to_the_next_run(world, make):
    key = world.plant(1, there={"status": "won"})
    delivery = make.delivery(world.remote, data={"number": key}, action="update_deal")
    assert world.reconcile()["unsettled"] == 1
    assert world.find_discrepancies() == set()
    delivery.transition_to("cancelled")
    world.reconcile()
    assert world.find_discrepancies() == {(key, "status")}


@pytest.mark.corrections(item="1.12")
def test_a_record_with_a_held_delivery_is_left_until_it_is_decided(world, make):
    key = world.plant(1, there={"status": "won"})
    delivery = make.delivery(world.remote, data={"number": key}, action="update_deal")
    delivery.transition_to("held", reason="mapping_failed")
    assert world.reconcile()["unsettled"] == 1
    assert world.find_discrepancies() == set()
    delivery.transition_to("skipped")
    world.reconcile()
    assert world.find_discrepancies() == {(key, "status")}


def test_what_is_delivered_while_the_other_side_is_read_is_no_difference(world, make):
    keys = [world.plant(number) for number in range(30)]
    world.orders.put(keys[1], state="won")  # before the run; its delivery waits
    delivery = make.delivery(world.remote, data={"number": keys[1]}, action="update_deal")
    steps = count(1)

    def deliver(connection):
        if next(steps) == 6:  # the first page of either side was read
            world.deals.put("00001", status="won")
            Delivery.unscoped.filter(pk=delivery.pk).update(state="delivered")

    world.before_call = deliver
    result = world.reconcile()
    assert (world.find_discrepancies(), result["equal"]) == (set(), 30)
