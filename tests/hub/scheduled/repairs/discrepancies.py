"""Discrepancies to repair, and operations that repair them."""

from hub.audit import SYSTEM, ActorContext
from hub.scheduled.models import Discrepancy
from hub.scheduled.repairs.discrepancy_actions import plan_repairs

ACTOR = ActorContext(SYSTEM, is_unrestricted=True)


def plant_differences(world, count=12):
    """Plant records that differ in the status, in the total, or in both."""
    for number in range(30):
        world.plant(number)
    for number in range(100, 100 + count):
        there = [{"status": "won"}, {"value": "13.00"}, {"status": "won", "value": 14}][number % 3]
        world.plant(number, there=there)


def discrepancy(world, key="A-00001", field="status"):
    return Discrepancy.unscoped.get(job=world.job, record_key=key, field=field)


def plan(world, **filter):
    return plan_repairs(
        {"job": str(world.job.public_id), **filter},
        ACTOR,
        tenant=world.tenant,
        reason="agreed",
        now=world.clock(),
    )
