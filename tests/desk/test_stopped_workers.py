"""A process that is stopped (SIGSTOP), as by a debugger or on a machine that is frozen, and wakes
after others took over what it held.
"""

import pytest

from bench.installation import process_groups
from bench.installation.processes import wait_until
from tests.desk.worker_processes import wake

SAME_NUMBER = """
SELECT delivery_id, number FROM outgoing_attempt GROUP BY delivery_id, number HAVING count(*) > 1
"""
TAKEN_OVER = "SELECT count(*) FROM outgoing_attempt WHERE reason = 'crashed'"
# the second attempts, after which the first ones of the stopped process have ended, too
GIVEN_UP = "SELECT count(*) FROM outgoing_attempt WHERE reason = 'timed_out' AND number = 2"
LEASES_ENDED = 14  # seconds after the last extension

pytestmark = [
    pytest.mark.desk,
    pytest.mark.timeout(180),
    pytest.mark.corrections(item="3.3"),
]


def test_a_stopped_pump_silences_the_only_slot_of_sqlite_until_its_leases_end(place):
    worker = place.work()
    place.seed("hang", count=4)
    wait_until(lambda: place.sink.count() == 4, within=60, what="calls that are never answered")
    pumps = process_groups.pumps_of(worker.pid, place.port)
    place.freeze(pumps)
    place.seed("slow-300", count=20)
    wait_until(
        lambda: place.states().get("delivered", 0) == 20, within=LEASES_ENDED + 4, what="the rest"
    )
    wake(pumps)
    assert place.ask(SAME_NUMBER) == []


@pytest.mark.parametrize("kind", ["place", "shared_place"])
def test_what_a_stopped_worker_stores_when_it_wakes_counts_no_attempt_twice(request, kind):
    place = request.getfixturevalue(kind)
    place.environment["HUB_PUMPS_TOTAL"] = "1"  # also on PostgreSQL: one worker sends all
    workers = [place.work(), place.work()]
    place.all_are_heard()  # first, as a call without an answer is given up after 20 s
    place.seed("hang", "slow-8000", count=8)
    wait_until(lambda: place.sink.count() == 8, within=60, what="calls to both")
    (stopped,) = (
        worker.pid for worker in workers if process_groups.pumps_of(worker.pid, place.port)
    )
    frozen = [stopped, *process_groups.processes_of(process_groups.pool_of(stopped))]
    place.freeze(frozen)
    wait_until(lambda: place.ask(TAKEN_OVER) != [(0,)], within=60, what="the other worker")
    wake(frozen)  # before it takes its own pool for hung
    wait_until(lambda: place.ask(GIVEN_UP) == [(4,)], within=60, what="the calls without an answer")
    assert (place.ask(SAME_NUMBER), place.states()["delivered"]) == ([], 4)
