"""What people change between the comparison and the repair is not overwritten, at any system."""

from datetime import timedelta

import pytest

from hub.db.ids import uuid7
from hub.outgoing.models import Delivery
from hub.scheduled.models import Discrepancy
from hub.scheduled.repairs.discrepancy_actions import repair_discrepancy
from tests.hub.scheduled.reconciliation.sandbox_world import SandboxScenario
from tests.hub.scheduled.repairs.discrepancies import ACTOR, discrepancy
from tests.sandbox.running_sandbox import RunningSandbox

pytestmark = pytest.mark.django_db(transaction=True)
each_system = pytest.mark.parametrize("connector", ["salesforce", "pipedrive"])


@pytest.fixture
def desk(tmp_path):
    with RunningSandbox(tmp_path).running() as running:
        yield running


def request_repair(world, key, field=""):
    world.reconcile()
    world.clock.at += timedelta(seconds=5)
    repair_discrepancy(discrepancy(world, key, field), ACTOR, now=world.clock())


@pytest.mark.corrections(item="1.1")
@each_system
def test_a_record_that_a_person_created_meanwhile_is_neither_overwritten_nor_doubled(
    make, desk, connector
):
    world = SandboxScenario(make, desk, connector)
    world.put_order("Z-17", "open")
    request_repair(world, "Z-17")
    world.put_record("Z-17", "won")
    world.repair()
    assert world.list_statuses("Z-17") == ["won"]
    assert discrepancy(world, "Z-17", "").reason == "exists_already"
    world.clock.at += timedelta(minutes=1)
    world.reconcile()
    assert ("Z-17", "status") in world.find_discrepancies()


@pytest.mark.corrections(item="1.1")
@each_system
def test_a_record_that_is_still_missing_is_created_once(make, desk, connector):
    world = SandboxScenario(make, desk, connector)
    world.put_order("Z-18", "open")
    request_repair(world, "Z-18")
    assert world.repair() == 1
    assert world.list_statuses("Z-18") == ["open"]
    assert discrepancy(world, "Z-18", "").state == "resolved"


def match_field(make, desk, name):
    """Return a scenario whose orders are matched by a field of Salesforce that holds no text."""
    query = {"fields": f"{name}, Status__c, Total__c"}
    match = {"local": "number", "remote": name}
    return SandboxScenario(make, desk, "salesforce", query=query, match=match)


@pytest.mark.corrections(item="1.1")
@pytest.mark.parametrize(
    ("field", "key", "other"),
    [
        ("Code__c", "70418", "7.5"),
        ("Due__c", "2026-11-09", "2026-11-10"),
        ("Begin__c", "2026-11-09T08:30:00.000+0000", "2026-11-09T08:31:00.000+0000"),
    ],
)
def test_records_are_searched_by_the_type_of_their_key(make, desk, field, key, other):
    world = match_field(make, desk, field)
    for number in (key, other):
        world.put_order(number, "open")
    world.reconcile()
    for number in (key, other):
        repair_discrepancy(discrepancy(world, number, ""), ACTOR, now=world.clock())
    world.seed("salesforce", {field: other, "Status__c": "won"})
    assert world.repair() == 1
    assert discrepancy(world, key, "").state == "resolved"
    assert discrepancy(world, other, "").reason == "exists_already"


@pytest.mark.corrections(item="1.1")
def test_a_key_that_a_number_field_cannot_have_is_not_created_and_stops_no_other(make, desk):
    world = match_field(make, desk, "Code__c")
    for number in ("007", "B-7", "8"):
        world.put_order(number, "open")
    world.reconcile()
    for number in ("007", "B-7", "8"):
        repair_discrepancy(discrepancy(world, number, ""), ACTOR, now=world.clock())
    assert world.repair() == 1
    reasons = [discrepancy(world, number, "").reason for number in ("007", "B-7", "8")]
    assert reasons == ["cannot_be_read_again", "cannot_be_read_again", "repaired"]


@pytest.mark.corrections(item="1.2")
@each_system
def test_a_value_of_ours_that_has_changed_since_is_not_written(make, desk, connector):
    world = SandboxScenario(make, desk, connector)
    world.put_order("Z-19", "won")
    world.put_record("Z-19", "open")
    world.clock.at += timedelta(minutes=1)
    request_repair(world, "Z-19", "status")
    world.put_order("Z-19", "lost")
    assert world.repair() == 0
    found = discrepancy(world, "Z-19", "status")
    assert world.list_statuses("Z-19") == ["open"]
    assert (found.state, found.reason, found.local_value) == ("open", "changed_since", "lost")


@pytest.mark.corrections(item="1.1")
@each_system
def test_a_creation_whose_answer_was_lost_is_searched_and_not_made_again(make, desk, connector):
    world = SandboxScenario(make, desk, connector)
    world.put_order("Z-20", "open")
    request_repair(world, "Z-20")
    world.deals.lose_answers = 1
    assert world.repair() == 0
    assert Delivery.unscoped.get().route.is_held_when_unknown
    world.clock.at += timedelta(seconds=61)  # it expires
    world.check_repairs()
    assert world.list_statuses("Z-20") == ["open"]
    found = discrepancy(world, "Z-20", "")
    assert (found.state, found.reason) == ("resolved", "repaired")


@pytest.mark.corrections(item="1.1")
def test_a_record_outside_the_conditions_of_the_job_is_not_overwritten(make, desk):
    world = SandboxScenario(make, desk, "salesforce", query={"Status__c": "open"})
    world.put_order("Z-21", "open")
    world.put_record("Z-21", "won")
    request_repair(world, "Z-21")
    world.repair()
    assert world.list_statuses("Z-21") == ["won"]
    assert discrepancy(world, "Z-21", "").reason == "exists_already"


@pytest.mark.corrections(item="1.1")
def test_an_order_that_was_placed_meanwhile_is_not_created_in_our_application(make, desk):
    world = SandboxScenario(make, desk, "salesforce")
    world.put_record("Z-22", "open")
    request_repair(world, "Z-22")
    world.deals.before_write.append(lambda: world.put_order("Z-22", "lost"))
    assert world.repair() == 0
    assert discrepancy(world, "Z-22", "").reason == "exists_already"


@pytest.mark.corrections(item="1.2")
def test_an_edit_within_the_second_that_was_compared_is_not_overwritten(make, desk):
    world = SandboxScenario(make, desk, "salesforce")
    world.put_order("Z-23", "won")
    id = world.put_record("Z-23", "open")
    world.reconcile()
    world.reconcile()  # the first one saw it change
    world.put_record("Z-23", "lost", Id=id)
    world.clock.at += timedelta(minutes=1)
    repair_discrepancy(discrepancy(world, "Z-23"), ACTOR, now=world.clock())
    world.repair()
    assert world.list_statuses("Z-23") == ["lost"]


@pytest.mark.corrections(item="1.2")
def test_an_edit_within_the_second_that_was_read_again_is_not_overwritten(make, desk):
    world = SandboxScenario(make, desk, "salesforce")
    world.put_order("Z-24", "won")
    id = world.put_record("Z-24", "open")
    world.clock.at += timedelta(minutes=1)
    request_repair(world, "Z-24", "status")
    world.put_record("Z-24", "open", Id=id, Total__c=1.5)
    world.deals.after_read.append(lambda: world.put_record("Z-24", "lost", Id=id))
    world.repair()
    assert world.list_statuses("Z-24") == ["lost"]
    assert discrepancy(world, "Z-24").remote_value == "lost"


@pytest.mark.corrections(item="1.2")
def test_a_record_that_was_changed_in_another_field_a_moment_ago_is_repaired(make, desk):
    world = SandboxScenario(make, desk, "salesforce")
    world.put_order("Z-25", "won")
    id = world.put_record("Z-25", "open")
    world.clock.at += timedelta(minutes=1)
    request_repair(world, "Z-25", "status")
    world.put_record("Z-25", "open", Id=id, Total__c=1.5)
    assert world.repair() == 1
    assert world.list_statuses("Z-25") == ["won"]


@pytest.mark.corrections(item="1.8")
@pytest.mark.parametrize("side", ["local", "remote"])
def test_our_own_write_whose_answer_was_lost_does_not_count_as_another_persons(make, desk, side):
    world = SandboxScenario(make, desk, "salesforce")
    world.put_order("Z-26", "won")
    world.put_record("Z-26", "open")
    world.clock.at += timedelta(minutes=1)
    world.reconcile()
    repair_discrepancy(discrepancy(world, "Z-26"), ACTOR, side=side, now=world.clock())
    world.check_repairs()
    world.deals.lose_answers = 1
    world.deliver()
    world.clock.at += timedelta(seconds=5)
    Delivery.unscoped.update(state="waiting", message_uuid=uuid7())  # as after a kill
    assert world.deliver() == 0
    world.check_repairs()
    found = discrepancy(world, "Z-26")
    assert (found.state, found.reason) == ("resolved", "repaired")


@pytest.mark.corrections(item="1.8")
def test_a_repair_that_another_field_overtook_is_sent_again(make, desk):
    world = SandboxScenario(make, desk, "salesforce")
    world.put_order("Z-27", "won")
    id = world.put_record("Z-27", "open")
    world.clock.at += timedelta(minutes=1)
    request_repair(world, "Z-27", "status")
    world.check_repairs()
    world.put_record("Z-27", "open", Id=id, Total__c=1.5)
    assert world.deliver() == 0
    assert world.repair() == 1
    assert world.list_statuses("Z-27") == ["won"]


@pytest.mark.corrections(item="1.2")
def test_references_are_written_of_records_that_are_read_at_different_times(make, desk):
    contact = {"name": "contact", "local": "contact", "remote": "Region__c", "owner": "ours"}
    contact |= {"type": "reference", "identity": "user"}
    query = {"fields": "Number__c, Region__c, Status__c"}
    world = SandboxScenario(make, desk, "salesforce", query=query, fields=[contact])
    for number in ("28", "29"):
        make.identity(world.remote, "user", f"u-{number}", f"R-{number}")
        world.put_order(number, "open", contact=f"u-{number}")
        id = world.put_record(number, "open", Region__c="R-0")
    world.clock.at += timedelta(minutes=1)
    world.reconcile()
    world.clock.at += timedelta(seconds=5)
    world.put_record("29", "won", Id=id, Region__c="R-0")  # so that it is read twice
    for number in ("28", "29"):
        repair_discrepancy(discrepancy(world, number, "contact"), ACTOR, now=world.clock())
    assert world.repair() == 2
    assert world.list_records("29")[0]["Region__c"] == "R-29"


@pytest.mark.corrections(item="3.3")
def test_a_check_that_was_stopped_does_not_reopen_what_another_one_sends_meanwhile(make, desk):
    world = SandboxScenario(make, desk, "salesforce")
    world.put_order("Z-31", "won")
    id = world.put_record("Z-31", "open")
    world.clock.at += timedelta(minutes=1)
    request_repair(world, "Z-31", "status")
    world.put_record("Z-31", "lost", Id=id)  # which the first check reads

    def check_by_another_process():
        world.put_record("Z-31", "open", Id=id)
        world.clock.at += timedelta(minutes=1)
        world.check_repairs()

    world.deals.after_read.append(check_by_another_process)
    world.check_repairs()
    found = discrepancy(world, "Z-31", "status")
    assert (found.state, found.repair_delivery.state) == ("repairing", "waiting")


@pytest.mark.corrections(item="1.2")
def test_values_that_a_run_stores_after_the_second_read_are_read_again_first(make, desk):
    world = SandboxScenario(make, desk, "pipedrive")
    world.put_order("Z-30", "won")
    world.put_record("Z-30", "open")
    world.clock.at += timedelta(minutes=1)
    request_repair(world, "Z-30", "status")
    found = {"local_value": "lost", "last_seen_at": world.clock()}
    world.deals.after_read.append(lambda: Discrepancy.unscoped.update(**found))
    world.check_repairs()
    assert not Delivery.unscoped.exists()
    world.check_repairs()
    assert discrepancy(world, "Z-30").reason == "changed_since"


@pytest.mark.corrections(item="1.8")
def test_what_a_person_corrected_before_anything_was_sent_is_not_said_to_be_repaired(make, desk):
    world = SandboxScenario(make, desk, "pipedrive")
    world.put_order("Z-32", "won")
    id = world.put_record("Z-32", "open")
    world.clock.at += timedelta(minutes=1)
    request_repair(world, "Z-32", "status")
    world.check_repairs()
    world.put_record("Z-32", "won", id=id)
    world.clock.at += timedelta(seconds=61)  # the delivery expires
    world.check_repairs()
    found = discrepancy(world, "Z-32")
    assert (found.state, found.reason, found.repaired_at) == ("resolved", "", None)
