"""What is old goes, what is needed stays, and the same event is still not taken twice."""

import json
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from hub.drift.models import DriftFinding
from hub.outgoing.models import Attempt, Delivery, Event, EventBody, Exchange, Rendering
from hub.portal.models import PortalVisit
from hub.prune.batches import (
    RetentionCutoffs,
    prune_batches,
    prune_until,
    wake_up_daily_pruning,
)
from hub.prune.tables import TABLES
from hub.queue import Heartbeat, WakeUp
from tests.factories import MINUTE, NOON
from tests.fakes import FakeHttp
from tests.hub.outgoing.operating import copy_delivery, execute_operation, put
from tests.hub.outgoing.pump.test_loop import pump

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
BODIES, ROWS = (EventBody, Rendering, Exchange), (Event, Delivery, Attempt)


def prune_after_days(days, **options):
    """So many days after noon."""
    found = {}
    for batch in prune_batches(RetentionCutoffs.at(NOON + days * DAY), **options):
        found[batch.table] = found.get(batch.table, 0) + batch.deleted_count
    return found


def counts(models):
    return [model._base_manager.count() for model in models]


@pytest.fixture
def delivered(make):
    delivery = make.delivery()
    pump(FakeHttp())
    delivery.refresh_from_db()
    return delivery


def test_nothing_goes_before_its_time(delivered):
    prune_after_days(29)
    assert counts(BODIES + ROWS) == [1] * 6


def test_bodies_and_exchanges_go_after_thirty_days_and_rows_stay(delivered):
    prune_after_days(31)
    assert (counts(BODIES), counts(ROWS)) == ([0, 0, 0], [1, 1, 1])


def test_rows_go_after_ninety_days(delivered):
    prune_after_days(91)
    assert counts(BODIES + ROWS) == [0] * 6


def test_both_periods_are_settable(delivered, settings):
    settings.HUB_KEEP_BODIES_DAYS, settings.HUB_KEEP_ROWS_DAYS = 1, 2
    prune_after_days(3)
    assert counts(BODIES + ROWS) == [0] * 6


def test_as_long_as_its_row_is_kept_an_event_is_not_taken_twice(make, delivered):
    prune_after_days(31)
    event = make.event(delivered.tenant, id=delivered.event.sender_id, now=NOON + 31 * DAY)
    assert event.pk == delivered.event_id


@pytest.mark.parametrize("state", ["waiting", "held"])
def test_what_has_not_ended_keeps_all_that_it_needs_however_old(delivered, state):
    put([delivered], state)
    prune_after_days(400)
    assert [model._base_manager.count() for model in (EventBody, Rendering, Event, Delivery)] == [
        1
    ] * 4


def test_recently_changed_rows_stay(delivered):
    Delivery.unscoped.update(state_changed_at=NOON + 60 * DAY)
    prune_after_days(91)
    assert counts(ROWS) == [1, 1, 1]


def test_one_that_stays_does_not_stop_the_others_behind_it(make):
    first = make.delivery()
    put(copy_delivery(first, 10), "delivered")
    put([first], "held")
    prune_after_days(91, size=3)
    assert list(Delivery.unscoped.all()) == [first]
    assert Event.unscoped.count() == 1


def test_an_event_without_deliveries_goes_too(make):
    make.event()
    prune_after_days(91)
    assert Event.unscoped.count() == 0


def test_ended_operations_go_with_the_rows(make):
    put([make.delivery()], "failed")
    operation = execute_operation("skip")
    prune_after_days(91)
    assert not type(operation).unscoped.exists()


def test_resolved_findings_of_drift_go_and_open_ones_stay(make):
    connection = make.connection(connector="salesforce")
    still_open = make.drift_finding(connection)
    recent = make.drift_finding(connection, resolved_at=NOON + 60 * DAY)
    make.drift_finding(connection, resolved_at=NOON)
    prune_after_days(91)
    assert set(DriftFinding.unscoped.all()) == {still_open, recent}


def test_the_visit_of_a_person_goes_however_early_a_person_who_still_comes_began(make):
    tenant = make.tenant()
    for person, seen_at in (("user:1", NOON + 60 * DAY), ("user:2", NOON), ("user:3", NOON)):
        PortalVisit.unscoped.create(
            tenant=tenant, person=person, seen_at=seen_at, changes_since=NOON
        )
    assert prune_after_days(89)["portal visits"] == 0
    assert prune_after_days(91, size=2)["portal visits"] == 2
    assert PortalVisit.unscoped.get().person == "user:1"


def test_a_dry_run_counts_and_deletes_nothing(delivered):
    told = prune_after_days(91, dry_run=True)
    assert (told["event bodies"], told["deliveries"]) == (1, 1)
    assert counts(BODIES + ROWS) == [1] * 6


def test_stopped_in_the_middle_it_goes_on_where_it_was(make):
    put([first := make.delivery(), *copy_delivery(first, 10)], "delivered")
    for _ in zip(
        range(3), prune_batches(RetentionCutoffs.at(NOON + 91 * DAY), size=3), strict=False
    ):
        pass
    left = EventBody.objects.count()
    assert 0 < left < 11
    prune_after_days(91)
    assert counts(BODIES + ROWS) == [0] * 6


def test_a_batch_asks_a_fixed_number_of_questions(make):
    def questions():
        with CaptureQueriesContext(database) as queries:
            prune_after_days(91)
        return len(queries)

    put([make.delivery()], "delivered")
    few = questions()
    put([first := make.delivery(), *copy_delivery(first, 50)], "delivered")
    assert questions() == few <= 4 * len(TABLES)


def test_it_rests_between_batches_and_gives_way_when_its_time_is_over(delivered):
    rests = []
    moments = iter([NOON, NOON, NOON, NOON + MINUTE])
    through = prune_until(
        clock=lambda: next(moments),
        deadline=NOON,
        pause=lambda: rests.append(1),
        is_stop_requested=lambda: False,
    )
    assert (through, rests) == (False, [1])


def test_the_sweep_wakes_pruning_up_once_a_day():
    def is_woken_up(now):
        WakeUp.objects.all().delete()
        wake_up_daily_pruning(now=now)
        return WakeUp.objects.filter(name="prune").exists()

    assert is_woken_up(NOON)
    Heartbeat.objects.create(name="pruning", at=NOON)
    assert not is_woken_up(NOON + MINUTE / 2)
    assert is_woken_up(NOON + 2 * MINUTE)
    Heartbeat.objects.create(name="pruned", at=NOON)
    assert not is_woken_up(NOON + 23 * 60 * MINUTE)
    assert is_woken_up(NOON + 25 * 60 * MINUTE)


def test_the_command_tells_what_went(delivered, capsys, settings):
    Event.unscoped.update(accepted_at=NOON - 400 * DAY)
    Delivery.unscoped.update(accepted_at=NOON - 400 * DAY, state_changed_at=NOON - 400 * DAY)
    call_command("prune", "--dry-run", "--json")
    assert json.loads(capsys.readouterr().out)["deleted"]["deliveries"] == 1
    assert Delivery.unscoped.count() == 1
    call_command("prune")
    assert "1  deliveries" in capsys.readouterr().out
    assert Delivery.unscoped.count() == 0
