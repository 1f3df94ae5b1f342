"""Whole reconciliations between two simulated systems."""

from datetime import timedelta
from decimal import Decimal

import pytest

from hub.notices.models import Notice
from hub.outgoing.models import Event
from hub.scheduled.models import Discrepancy, StagedRecord
from hub.scheduled.reconciliation.erase import erase_compared_data
from hub.scheduled.runs.context import RunFailed, RunStopped
from tests.factories import NOON
from tests.hub.scheduled.reconciliation.world import Interruption, ReconciliationScenario

pytestmark = pytest.mark.django_db


def plant_all_verdicts(world):
    """Plant 40 equal pairs and one difference of each kind; return what is to be found."""
    for number in range(40):
        world.plant(number)
    world.plant(41, there={"status": "won"})
    world.plant(42, there={"value": "12.50"})  # the same number
    world.plant(43, there={"value": 13})
    world.orders.put("B-1", state="open", total=1, at=world.orders.records["A-00001"]["at"])
    world.deals.put("00100", title="C-1", status="open", at=world.orders.records["A-00001"]["at"])
    world.deals.put(
        "00101", title="A-00001", status="open", at=world.orders.records["A-00001"]["at"]
    )
    world.deals.put("00102", title="", status="open", at=world.orders.records["A-00001"]["at"])
    return {
        ("A-00041", "status"),
        ("A-00043", "total"),
        ("B-1", "missing_there"),
        ("C-1", "missing_here"),
        ("A-00001", "ambiguous"),
        ("without key: 102", "unmapped"),
    }


def test_a_run_finds_every_planted_difference_and_invents_none(world):
    planted = plant_all_verdicts(world)
    result = world.reconcile()
    assert world.find_discrepancies() == planted
    assert (result["compared"], result["equal"]) == (46, 40)
    assert result["verdicts"] == {
        "differs": 2,
        "missing_here": 1,
        "missing_there": 1,
        "ambiguous": 1,
        "unmapped": 1,
    }
    assert result["is_complete"]
    assert not StagedRecord.objects.exists()


def test_a_second_run_over_the_same_data_finds_the_same_again(world):
    planted = plant_all_verdicts(world)
    first = world.reconcile()
    second = world.reconcile()
    assert world.find_discrepancies() == planted
    assert Discrepancy.unscoped.count() == len(planted)
    assert second["states"] | {"open": 6, "new": 0} == second["states"]
    assert first["digest"] == second["digest"]


@pytest.mark.corrections(item="1.5")
def test_amounts_of_18_digits_are_compared_and_stored_with_all_digits(world):
    amount = Decimal("1234567890123456.78")
    world.plant(1, total=amount, there={"value": amount})
    world.plant(2, total=amount, there={"value": str(amount)})
    world.plant(3, total=amount, there={"value": amount + Decimal("0.01")})
    world.reconcile()
    assert world.find_discrepancies() == {("A-00003", "total")}
    discrepancy = Discrepancy.unscoped.get()
    assert (discrepancy.local_value, discrepancy.remote_value) == (amount, amount + Decimal("0.01"))


def test_a_finished_reconciliation_is_an_event_for_our_application(world):
    world.plant(1, there={"status": "won"})
    world.reconcile()
    world.reconcile(is_dry=True)
    assert Event.unscoped.filter(type="reconciliation.finished").count() == 1


@pytest.mark.parametrize("hook", ["before_call", "before_save", "after_save"])
def test_a_run_that_is_interrupted_anywhere_finds_the_same(world, hook):
    planted = plant_all_verdicts(world)
    for number in range(1, 30, 3):
        run = world.start()
        setattr(world, hook, Interruption(number))
        result = world.execute_to_end(run)
        assert world.find_discrepancies() == planted, f"interrupted at {hook} {number}"
        assert (result["compared"], result["equal"]) == (46, 40)
        assert result["is_complete"]


@pytest.mark.parametrize("number", [3, 8, 14, 20])
def test_no_page_that_was_stored_is_read_again(world, number):
    for order in range(100):
        world.plant(order)
    run = world.start()
    world.after_save = Interruption(number)
    with pytest.raises(RunStopped):
        world.execute(run)
    run.refresh_from_db()
    stored = run.cursor["reads"].get("local", {"pages": 0})["pages"]
    before = list(world.orders.pages_read)
    world.execute_to_end(run)
    after = world.orders.pages_read[len(before) :]
    assert not {page for page in after if page.endswith("|")} & set(before[:stored])


# --- incomplete and incremental -------------------------------------------------------------------


def test_a_page_that_is_cut_makes_nothing_missing(world):
    planted = plant_all_verdicts(world)
    world.orders.cut_pages = 3  # the reading gives up after three times
    result = world.reconcile()
    assert not result["is_complete"]
    assert {
        entry for entry in world.find_discrepancies() if entry[1].startswith("missing_here")
    } == set()
    assert world.find_discrepancies() <= planted
    world.reconcile()
    assert world.find_discrepancies() == planted


@pytest.mark.corrections(item="1.4")
def test_tombstones_of_duplicates_on_the_page_before_a_cut_one_make_nothing_missing(world):
    for number in range(50, 60):
        key = world.plant(number)
        world.deals.put(f"{number - 50:05}", NOON, title=key, status="open", deleted=True)
    world.deals.cut_pages = 3  # the reading gives up after three times
    assert world.reconcile()["unproven"] == 10
    assert world.find_discrepancies() == set()
    assert world.reconcile()["equal"] == 10


@pytest.mark.corrections(item="1.4")
def test_an_incremental_run_tells_a_deleted_record_from_a_deleted_duplicate(make):
    world = ReconciliationScenario(make, read="incremental", overlap_minutes=0)
    for number in range(30):
        world.plant(number)
    world.deals.put("00100", NOON, title="A-00003", status="open", value=12.5)
    world.reconcile()
    world.deals.delete("00100")
    world.deals.delete("00004")
    assert world.reconcile()["read"] == "incremental"
    assert world.find_discrepancies() == {("A-00004", "missing_there")}


@pytest.mark.corrections(item="1.4")
def test_what_an_incremental_run_could_not_compare_is_compared_by_the_next(make):
    world = ReconciliationScenario(make, read="incremental", overlap_minutes=0)
    for number in range(30):
        world.plant(number)
    world.reconcile()
    world.orders.put("A-00025", state="lost")
    world.deals.cut_pages = 3
    assert world.reconcile()["unproven"] > 0
    world.reconcile()
    assert world.find_discrepancies() == {("A-00025", "status")}


def test_an_incremental_run_compares_what_changed_and_never_finds_missing_records(make):
    world = ReconciliationScenario(make, read="incremental", overlap_minutes=0)
    for number in range(30):
        world.plant(number)
    assert world.reconcile()["read"] == "full"
    world.orders.put("A-00003", state="lost")
    world.orders.put("B-1", state="open")
    result = world.reconcile()
    assert result["read"] == "incremental"
    assert world.find_discrepancies() == {("A-00003", "status")}
    assert result["unproven"] >= 1


def test_an_incremental_run_begins_at_the_earliest_change_that_was_not_judged(make):
    world = ReconciliationScenario(make, read="incremental", overlap_minutes=0)
    for number in range(30):
        world.plant(number)
    world.reconcile()
    world.orders.put("A-00003", state="lost")
    delivery = make.delivery(world.remote, data={"number": "A-00003"}, action="update_deal")
    assert world.reconcile()["unsettled"] == 1
    delivery.transition_to("cancelled")
    world.clock.at += timedelta(minutes=10)  # more than clocks may differ by
    assert world.reconcile()["records"]["local"] == 1
    assert world.find_discrepancies() == {("A-00003", "status")}
    assert world.reconcile()["records"]["local"] == 0


@pytest.mark.corrections(item="1.15")
def test_records_that_do_not_meet_the_conditions_are_no_discrepancies(make):
    local, remote = ReconciliationScenario(make).job.options["local"], {"collection": "deals"}
    local["conditions"] = [{"field": "state", "is": "not_equal", "value": "Draft"}]
    remote["conditions"] = [
        {"field": "custom_fields.number", "is": "not_null"},
        {"field": "status", "is": "in", "value": ["OPEN", "won"]},
    ]
    world = ReconciliationScenario(make, local=local, remote=remote)
    world.plant(1, there={"status": "won", "custom_fields": {"number": "A-1"}})
    world.orders.put("B-1", state="draft", total=1)
    for number in range(20):
        world.deals.put(f"001{number}", title="", status="open", custom_fields={"number": ""})
    world.deals.put("00200", title="B-2", status="lost", custom_fields={"number": "B-2"})
    assert world.reconcile()["records"] == {"local": 1, "remote": 1}
    assert world.find_discrepancies() == {("A-00001", "status")}


@pytest.mark.corrections(item="1.6")
@pytest.mark.parametrize("change", ["options", "account", "erased"])
def test_changed_options_and_a_replaced_account_start_afresh(make, change):
    world = ReconciliationScenario(make, read="incremental", overlap_minutes=0)
    for number in range(30):
        world.plant(number, there={"value": 13} if number == 7 else {"owner": "a"})
    world.reconcile()
    assert world.reconcile()["read"] == "incremental"
    if change == "options":
        field = {"name": "owner", "local": "state", "remote": "owner"}
        world.job.options = {**world.job.options, "fields": [field]}
        world.job.save()
    elif change == "account":
        type(world.remote).unscoped.filter(pk=world.remote.pk).update(account="another")
        world.remote.refresh_from_db()
    else:
        erase_compared_data(world.remote, now=world.clock())
    assert world.reconcile()["read"] == "full"
    assert len(world.find_discrepancies()) == (30 if change == "options" else 1)


@pytest.mark.corrections(item="1.6")
@pytest.mark.parametrize("is_merged", [False, True])
def test_an_incremental_run_judges_an_ambiguous_key_by_all_of_its_records(make, is_merged):
    world = ReconciliationScenario(make, read="incremental", overlap_minutes=0)
    for number in range(30):
        world.plant(number)
    world.deals.put("00100", NOON, title="A-00003", status="open", value=12.5)
    world.reconcile()
    for system, id in ((world.orders, "A-00003"), (world.deals, "00100")):
        system.put(id, state="lost", status="lost")
    if is_merged:
        world.deals.delete("00003")
    assert world.reconcile()["read"] == "incremental"
    assert world.find_discrepancies() == (set() if is_merged else {("A-00003", "ambiguous")})


@pytest.mark.corrections(item="1.7")
def test_a_dry_run_writes_nothing_but_itself(make):
    world = ReconciliationScenario(make, read="incremental", overlap_minutes=0)
    world.plant(1, there={"status": "won"})
    world.plant(2)
    world.reconcile()
    world.deals.put("00001", status="open")
    world.orders.put("A-00002", state="lost")
    before = list(Discrepancy.unscoped.values())
    dry = world.reconcile(is_dry=True)
    assert list(Discrepancy.unscoped.values()) == before
    assert (dry["states"]["new"], dry["states"]["resolved"]) == (1, 1)
    real = world.reconcile()
    assert [dry[name] for name in ("since", "states", "digest")] == [
        real[name] for name in ("since", "states", "digest")
    ]
    assert Notice.unscoped.filter(message="discrepancies_found").count() == 2


def test_a_run_whose_options_change_meanwhile_begins_again(world):
    plant_all_verdicts(world)
    run = world.start()
    world.after_save = Interruption(9)
    with pytest.raises(RunStopped):
        world.execute(run)
    world.job.options = {**world.job.options, "fields": world.job.options["fields"][1:]}
    world.job.save()
    world.execute_to_end(run)
    assert ("A-00043", "total") in world.find_discrepancies()
    assert ("A-00041", "status") not in world.find_discrepancies()


def test_options_that_are_not_valid_any_more_fail_the_run(world):
    world.job.options = {**world.job.options, "mode": "guess"}
    world.job.save()
    with pytest.raises(RunFailed, match="mode: This must be one of"):
        world.reconcile()


def test_what_an_abandoned_run_had_read_is_deleted_by_the_next(world):
    plant_all_verdicts(world)
    run = world.start()
    world.after_save = Interruption(5)
    with pytest.raises(RunStopped):
        world.execute(run)
    assert StagedRecord.objects.exists()
    run.transition_to("cancelled")
    world.reconcile()
    assert not StagedRecord.objects.exists()


def test_the_data_of_a_connection_can_be_erased(world):
    plant_all_verdicts(world)
    world.reconcile()
    run = world.start()
    world.after_save = Interruption(5)
    with pytest.raises(RunStopped):
        world.execute(run)
    erase_compared_data(world.remote, now=world.clock())
    assert not StagedRecord.objects.exists()
    assert not Discrepancy.unscoped.exists()
    run.refresh_from_db()
    assert (run.state, run.lease, run.cursor) == ("waiting", None, {})
    assert world.execute_to_end(run)["compared"] == 46


# --- matched by identity, and for all tenants -----------------------------------------------------


def test_records_are_matched_by_identity_and_references_compared_by_theirs(make):
    fields = [{"name": "owner", "local": "user", "remote": "owner_id", "type": "reference"}]
    fields[0] |= {"identity": "user", "owner": "ours"}
    world = ReconciliationScenario(make, match={"identity": "order"}, fields=fields)
    long_ago = world.clock()
    make.identity(world.remote, "user", "u-1", "31")
    make.identity(world.remote, "user", "u-2", "32")
    for number, (user, owner) in enumerate([("u-1", 31), ("u-2", 31), ("u-3", 31)]):
        world.orders.put(f"A-{number}", long_ago, user=user)
        world.deals.put(f"{number:05}", long_ago, owner_id=owner)
        make.identity(world.remote, "order", f"A-{number}", str(number))
    world.orders.put("A-9", long_ago, user="u-1")
    world.deals.put("00009", long_ago, owner_id=31)
    world.reconcile()
    assert world.find_discrepancies() == {
        ("1", "owner"),
        ("2", "owner"),
        ("without key: A-9", "unmapped"),
        ("without key: 9", "unmapped"),
    }
    discrepancy = Discrepancy.unscoped.get(record_key="2", field="owner")
    assert (discrepancy.verdict, discrepancy.reason) == ("unmapped", "identity_missing")


def test_a_job_of_all_tenants_keeps_the_discrepancies_of_each_apart(make):
    world, other = ReconciliationScenario(make), ReconciliationScenario(make)
    other.local = world.local
    world.job.tenant = None
    world.job.save()
    other.job = world.job
    for number in (1, 2):
        world.plant(number, there={"status": "won"})
    other.plant(1)
    world.reconcile()
    other.reconcile()
    rows = Discrepancy.unscoped.values_list("tenant", "record_key", "state")
    assert set(rows) == {(world.tenant.pk, f"A-0000{number}", "new") for number in (1, 2)}


def test_what_was_resolved_long_ago_is_deleted(world, settings):
    world.plant(1, there={"status": "won"})
    world.reconcile()
    world.deals.put("00001", NOON, status="open")
    world.reconcile()
    world.clock.at += timedelta(days=settings.HUB_KEEP_ROWS_DAYS + 1)
    world.reconcile()
    assert not Discrepancy.unscoped.exists()


def test_the_verdicts_do_not_depend_on_the_size_of_pages(world):
    planted = plant_all_verdicts(world)
    for size in (1, 3, 1000):
        world.orders.page_size = world.deals.page_size = size
        world.reconcile()
        assert world.find_discrepancies() == planted
